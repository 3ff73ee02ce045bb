"""Schedules to measure with: many tenants, ten schedules per account, some of them closed.

Made in the server, kept in a table beside, and put back before every run. The checks ask the
database after every run whether all it holds agrees.
"""

from datetime import UTC, datetime, timedelta

from django.db import connection

from tenantry.core import tenancy

DUE = datetime(2026, 6, 1, tzinfo=UTC)
NOW = DUE + timedelta(seconds=30)
TENANTS = 500
PER_ACCOUNT = 10
_ZONES = (
    "Asia/Seoul,America/New_York,Europe/London,Australia/Lord_Howe,Africa/Cairo,America/Havana,"
    "America/Santiago,Asia/Beirut,Africa/Casablanca,UTC,Asia/Tokyo,Pacific/Auckland"
)

_CONNECTIONS = """
    INSERT INTO automation_connection (id, tenant_id, product, connector, account, label,
        session_state, session_code, session_reason, created_at)
    SELECT md5('account' || i)::uuid, md5('tenant' || i %% %(tenants)s)::uuid, 'bench', 'browser',
        'account' || i, '', CASE WHEN i %% 10 = 3 THEN 'EXPIRED' ELSE 'HEALTHY' END, '', '',
        %(due)s
    FROM generate_series(0, %(accounts)s - 1) i
"""
# One in ten is closed at each of the first three gates.
_SCHEDULES = """
    CREATE TABLE bench_population AS
    SELECT md5('schedule' || i)::uuid AS id, c.tenant_id, c.id AS connection_id,
        'bench'::text AS product, 'bench.publish'::text AS kind, 'schedule ' || i AS name,
        md5('content' || i)::uuid AS content_id, repeat(md5('content' || i), 2) AS content_digest,
        repeat(md5('content' || i), 2) AS approved_digest,
        (string_to_array(%(zones)s, ','))[1 + i %% 12] AS zone, 127 AS weekdays,
        ARRAY[lpad((i %% 24)::text, 2, '0') || ':' || lpad((i * 7 %% 60)::text, 2, '0')]
            AS times,
        10 AS daily_limit, i %% 10 <> 1 AS user_enabled,
        CASE WHEN i %% 10 = 2 THEN 'NEEDS_REVIEW' ELSE 'APPROVED' END AS admin_status,
        ''::text AS admin_reason, NULL::timestamptz AS suspended_at,
        %(due)s::timestamptz AS next_due_at, %(due)s::timestamptz - interval '1 day'
            AS watermark_at,
        0 AS consecutive_failures, 1 AS version, %(due)s::timestamptz AS created_at
    FROM generate_series(0, %(schedules)s - 1) i
        JOIN automation_connection c ON c.id = md5('account' || (i / %(per_account)s))::uuid
"""
# One in ten has used up its day, whichever day it is there.
_USED_UP = """
    INSERT INTO policies_counter (tenant_id, key, "window", used)
    SELECT tenant_id, 'schedule:' || id, day, 10
    FROM bench_population, unnest(ARRAY['2026-05-31', '2026-06-01']) AS day
    WHERE right(name, 1) = '4'
"""
_COLUMNS = (
    "id, tenant_id, connection_id, product, kind, name, content_id, content_digest,"
    " approved_digest, zone, weekdays, times, daily_limit, user_enabled, admin_status,"
    " admin_reason, suspended_at, next_due_at, watermark_at, consecutive_failures, version,"
    " created_at"
)
_WRITTEN = (
    "schedules_slot, automation_job, automation_attempt, automation_evidence, policies_counter,"
    " procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers, audit_auditentry"
)


def populate(*, schedules: int) -> None:
    """Fill an empty database; every schedule is due at `DUE`."""
    given: dict[str, str | int | datetime] = {
        "tenants": TENANTS,
        "accounts": -(-schedules // PER_ACCOUNT),
        "per_account": PER_ACCOUNT,
        "schedules": schedules,
        "zones": _ZONES,
        "due": DUE,
    }
    with tenancy.platform("populate a measurement"), connection.cursor() as cursor:
        cursor.execute(_CONNECTIONS, given)
        cursor.execute(_SCHEDULES, given)
    put_back()


def put_back() -> None:
    """Bring every table to where it was before the first run, without a trace in its pages."""
    with tenancy.platform("put a measurement back"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER audit_append_only")
        cursor.execute(f"TRUNCATE {_WRITTEN}, schedules_schedule")
        cursor.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER audit_append_only")
        cursor.execute(
            f"INSERT INTO schedules_schedule ({_COLUMNS}) SELECT {_COLUMNS}"  # noqa: S608  # our own names
            " FROM bench_population ORDER BY id"
        )
        cursor.execute(_USED_UP)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {_WRITTEN}, schedules_schedule, automation_connection")


_DEVIATIONS = {
    "every slot was decided once": """
        SELECT abs(count(*) - %(slots)s) + (count(*) - count(DISTINCT (schedule_id, nominal_at)))
        FROM schedules_slot""",
    "jobs are those of dispatched slots": """
        SELECT count(*) FROM schedules_slot s FULL JOIN automation_job j ON j.id = s.job_id
        WHERE (s.outcome = 'DISPATCHED') IS DISTINCT FROM (j.subject = s.id)
            AND NOT (s.outcome <> 'DISPATCHED' AND j.id IS NULL)""",
    "no job passed a closed gate": """
        SELECT count(*) FROM automation_job j JOIN bench_population p ON p.kind = j.kind
            AND p.content_id = j.content_id JOIN automation_connection c ON c.id = p.connection_id
        WHERE NOT p.user_enabled OR p.admin_status <> 'APPROVED' OR c.session_state <> 'HEALTHY'""",
    "all four verdicts are stored and agree": """
        SELECT count(*) FROM schedules_slot WHERE jsonb_array_length(verdicts) <> 4
            OR (outcome = 'DISPATCHED') <>
                NOT jsonb_path_exists(verdicts, '$[*] ? (@.open == false)')""",
    "counters equal jobs and keep their limits": """
        SELECT count(*) FROM (
            SELECT 'schedule:' || schedule_id AS key, local_day::text AS day, count(*) AS n,
                10 AS most
            FROM schedules_slot WHERE job_id IS NOT NULL GROUP BY 1, 2
            UNION ALL
            SELECT 'connection:' || connection_id, local_day::text, count(*), 20
            FROM schedules_slot s JOIN schedules_schedule x ON x.id = s.schedule_id
            WHERE job_id IS NOT NULL GROUP BY 1, 2
        ) f FULL JOIN policies_counter c ON c.key = f.key AND c."window" = f.day
        WHERE c.used IS DISTINCT FROM coalesce(f.n, 10) OR f.n > f.most""",
    "schedules went forward": """
        SELECT count(*) FROM schedules_schedule s JOIN schedules_slot d ON d.schedule_id = s.id
        WHERE s.next_due_at <= d.nominal_at OR s.watermark_at < d.nominal_at""",
    "every account with jobs has its lane": """
        SELECT count(*) FROM (SELECT DISTINCT connection_id FROM automation_job) j
        WHERE NOT EXISTS (SELECT FROM procrastinate_jobs p
            WHERE p.queueing_lock = 'lane:' || j.connection_id AND p.status = 'todo')""",
    "every decision and job is in the audit log": """
        SELECT abs((SELECT count(*) FROM schedules_slot) + (SELECT count(*) FROM automation_job)
            - (SELECT count(DISTINCT (target_kind, target_id)) FROM audit_auditentry))""",
}


def deviations(*, slots: int, audited: bool = True) -> dict[str, bool]:
    """Return for each thing that must hold whether it does; `slots` is how many were due."""
    found = {}
    with tenancy.platform("check a measurement"), connection.cursor() as cursor:
        for name, statement in _DEVIATIONS.items():
            if audited or "audit" not in name:
                cursor.execute(statement, {"slots": slots} if "%(slots)s" in statement else None)
                found[name] = cursor.fetchone()[0] == 0
    return found


def merge(into: dict[str, bool], found: dict[str, bool]) -> None:
    """Keep a check only as sound as its worst run."""
    for name, sound in found.items():
        into[name] = into.get(name, True) and sound
