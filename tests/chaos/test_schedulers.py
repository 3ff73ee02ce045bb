"""Four real schedulers on one database, killed with SIGKILL again and again.

P-01, P-02, P-03, P-08, P-09: every slot is decided exactly once, has at most one job and its audit
entries, and no daily limit is exceeded.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from django.db import connection as database

from tenantry.core import tenancy
from tests import forked

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
]

SCHEDULES, ACCOUNTS, HOURS = 1000, 150, 10
SCHEDULERS, KILLS, CUTS = 4, 5, 4
PATIENCE_SECONDS = 90.0
_POPULATE = """
    INSERT INTO automation_connection (id, tenant_id, product, connector, account, label,
        session_state, session_code, session_reason, created_at)
    SELECT md5('account' || i)::uuid, md5('tenant' || i % 7)::uuid, 'probe', 'pageless',
        'account' || i, '', CASE WHEN i % 10 = 3 THEN 'EXPIRED' ELSE 'HEALTHY' END, '', '', now()
    FROM generate_series(1, {accounts}) i;
    INSERT INTO schedules_schedule (id, tenant_id, connection_id, product, kind, name, content_id,
        content_digest, approved_digest, zone, weekdays, times, daily_limit, user_enabled,
        admin_status, admin_reason, next_due_at, watermark_at, consecutive_failures, version,
        created_at)
    SELECT md5('schedule' || i)::uuid, c.tenant_id, c.id, 'probe', 'probe.publish', 'post',
        md5('content' || i)::uuid, 'd', 'd', 'UTC', 127,
        (SELECT array_agg(lpad(h::text, 2, '0') || ':' || lpad((i % 60)::text, 2, '0') ORDER BY h)
            FROM generate_series(0, 23) h),
        10, i % 10 <> 1, CASE WHEN i % 10 = 2 THEN 'NEEDS_REVIEW' ELSE 'APPROVED' END, '',
        date_trunc('hour', now()) + i % 60 * interval '1 minute' - interval '{hours} hours',
        now() - interval '1 day', 0, 1, now()
    FROM generate_series(1, {schedules}) i
        JOIN automation_connection c ON c.id = md5('account' || (1 + i % {accounts}))::uuid
"""
_WIDE_WINDOW = """
    INSERT INTO policies_policy (version, key, value, set_by, set_at, reason)
    VALUES (1, 'schedules.catch_up_minutes', '1440', 'system:test', now(), 'test')
"""
# Each returns how many rows should not be there.
_DEVIATIONS = {
    "slots decided twice": """
        SELECT count(*) - count(DISTINCT (schedule_id, nominal_at)) FROM schedules_slot""",
    "slots left out": """
        SELECT count(*) FROM schedules_schedule s, LATERAL (
            SELECT count(*) AS decided, max(nominal_at) AS last, min(nominal_at) AS first
            FROM schedules_slot d WHERE d.schedule_id = s.id) d
        WHERE d.decided <> extract(epoch FROM (d.last - d.first)) / 3600 + 1
            OR s.watermark_at <> d.last OR s.next_due_at <> d.last + interval '1 hour'""",
    "dispatched without their job": """
        SELECT count(*) FROM schedules_slot s LEFT JOIN automation_job j ON j.id = s.job_id
        WHERE (s.outcome = 'DISPATCHED') <> (j.id IS NOT NULL AND j.subject = s.id)""",
    "jobs without their slot": """
        SELECT count(*) FROM automation_job j LEFT JOIN schedules_slot s ON s.job_id = j.id
        WHERE s.id IS NULL""",
    "jobs through a closed gate": """
        SELECT count(*) FROM automation_job j JOIN automation_connection c ON c.id = j.connection_id
        JOIN schedules_slot s ON s.job_id = j.id JOIN schedules_schedule x ON x.id = s.schedule_id
        WHERE c.session_state <> 'HEALTHY' OR NOT x.user_enabled OR x.admin_status <> 'APPROVED'""",
    "days beyond a limit": """
        SELECT count(*) FROM (
            SELECT 1 FROM schedules_slot WHERE job_id IS NOT NULL
            GROUP BY schedule_id, local_day HAVING count(*) > 10
            UNION ALL
            SELECT 1 FROM schedules_slot s JOIN automation_job j ON j.id = s.job_id
            GROUP BY j.connection_id, s.local_day HAVING count(*) > 20) beyond""",
    "counters that are not the jobs": """
        SELECT count(*) FROM (
            SELECT 'connection:' || j.connection_id AS key, s.local_day::text AS day, count(*) AS n
            FROM schedules_slot s JOIN automation_job j ON j.id = s.job_id GROUP BY 1, 2) f
        FULL JOIN (SELECT * FROM policies_counter WHERE key LIKE 'connection:%') c
            ON c.key = f.key AND c."window" = f.day WHERE c.used IS DISTINCT FROM f.n""",
    "decisions and jobs without exactly one entry": """
        SELECT count(*) FROM (
            SELECT 'slot' AS kind, id FROM schedules_slot
            UNION ALL SELECT 'job', id FROM automation_job) x
        FULL JOIN (SELECT target_kind, target_id, count(*) AS n FROM audit_auditentry
            WHERE target_kind IN ('slot', 'job') GROUP BY 1, 2) a
            ON a.target_kind = x.kind AND a.target_id = x.id::text
        WHERE a.n IS DISTINCT FROM 1 OR x.id IS NULL""",
    "accounts with jobs and no lane": """
        SELECT count(DISTINCT j.connection_id) FROM automation_job j
        WHERE NOT EXISTS (SELECT FROM procrastinate_jobs p
            WHERE p.queueing_lock = 'lane:' || j.connection_id AND p.status = 'todo')""",
}

_CUT = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
"""


def ask(statement: str) -> int:
    with tenancy.platform("look at a chaos test"), database.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


@contextmanager
def schedulers(folder: Path) -> Iterator[list[ForkServerProcess]]:
    """Run real processes; one that ends by itself is a failure of the test."""
    running = [
        forked.start(forked.scheduler, folder / f"{number}.log") for number in range(SCHEDULERS)
    ]
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.join()


def due() -> int:
    return ask("SELECT count(*) FROM schedules_schedule WHERE next_due_at <= now()")


def test_killed_schedulers_decide_every_slot_once(tmp_path: Path, db: None) -> None:
    with tenancy.platform("populate a chaos test"), database.cursor() as cursor:
        cursor.execute(_WIDE_WINDOW)
        cursor.execute(_POPULATE.format(schedules=SCHEDULES, accounts=ACCOUNTS, hours=HOURS))
    deadline = time.monotonic() + PATIENCE_SECONDS
    with schedulers(tmp_path) as running:
        killed = 0
        while due():
            assert time.monotonic() < deadline, (tmp_path / "0.log").read_text()[-2000:]
            # Only once they are at it, and then in the middle of whatever they do.
            if killed < KILLS and ask("SELECT count(*) FROM schedules_slot") > killed:
                number = killed % SCHEDULERS
                running[number].kill()
                running[number].join()
                running[number] = forked.start(forked.scheduler, tmp_path / f"{number}.log")
                killed += 1
            time.sleep(0.02)
    decided = ask("SELECT count(*) FROM schedules_slot")
    assert decided >= SCHEDULES * HOURS
    assert killed >= 1
    assert ask("SELECT count(*) FROM automation_job") > 0
    found = {name: ask(statement) for name, statement in _DEVIATIONS.items()}
    assert found == dict.fromkeys(_DEVIATIONS, 0)


def test_schedulers_go_on_when_their_connections_are_cut(tmp_path: Path, db: None) -> None:
    with tenancy.platform("populate a chaos test"), database.cursor() as cursor:
        cursor.execute(_WIDE_WINDOW)
        cursor.execute(_POPULATE.format(schedules=400, accounts=40, hours=2))
    with schedulers(tmp_path) as running:
        deadline = time.monotonic() + PATIENCE_SECONDS
        cut = 0
        while due():
            assert time.monotonic() < deadline
            cut += cut < CUTS and ask(_CUT) > 0
            time.sleep(0.05)
        assert [process.exitcode for process in running] == [None] * SCHEDULERS
        assert cut >= 1
    found = {name: ask(statement) for name, statement in _DEVIATIONS.items()}
    assert found == dict.fromkeys(_DEVIATIONS, 0)
