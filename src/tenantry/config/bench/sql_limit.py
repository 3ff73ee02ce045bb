"""The physical limit: the same rows written by SQL alone, nothing leaves the server.

Same tables, indexes, constraints, policies, triggers, locks and chunks as the dispatcher's. It is a
little cheaper than the truth: gates are compared but not told (the stored verdicts are a
constant), and the next instant is "tomorrow at the same time".
"""

from tenantry.config.bench.population import NOW
from tenantry.core import db, tenancy
from tenantry.governance.policies.services import RESERVE_FROM
from tenantry.ledger.audit.services import APPEND_FROM
from tenantry.work.automation.services import ENQUEUE_FROM, WAKE_FROM
from tenantry.work.schedules.dispatch import START, Place

_CHUNK = f"""
    WITH claimed AS MATERIALIZED (
        SELECT s.*, c.session_state, (s.next_due_at AT TIME ZONE s.zone)::date AS local_day
        FROM schedules_schedule s JOIN automation_connection c ON c.id = s.connection_id
        WHERE s.next_due_at <= %(now)s
            AND (s.next_due_at, s.id)
                > (timestamptz 'epoch' + %(microsecond)s * interval '1 microsecond', %(id)s::uuid)
        ORDER BY s.next_due_at, s.id LIMIT %(limit)s
        FOR NO KEY UPDATE OF s, c SKIP LOCKED
    ), judged AS (
        SELECT g.*, coalesce(mine.used, 0) AS used, coalesce(account.used, 0) AS account_used,
            user_enabled AND admin_status = 'APPROVED' AND approved_digest = content_digest
                AND session_state IN ('HEALTHY', 'EXPIRING') AS allowed
        FROM claimed g
            LEFT JOIN policies_counter mine
                ON mine.key = 'schedule:' || g.id AND mine."window" = local_day::text
            LEFT JOIN policies_counter account
                ON account.key = 'connection:' || connection_id
                AND account."window" = local_day::text
    ), counted AS (
        SELECT *, allowed AND used < least(daily_limit, 10)
            AND account_used + count(*) FILTER (WHERE allowed AND used < least(daily_limit, 10))
                OVER (PARTITION BY connection_id, local_day ORDER BY id) <= 20 AS is_open
        FROM judged
    ), given AS MATERIALIZED (
        SELECT *, id AS schedule_id, next_due_at AS moment, uuidv7() AS slot_id,
            CASE WHEN is_open THEN uuidv7() END AS job_id,
            ((local_day + 1) + times[1]::time) AT TIME ZONE zone AS due,
            CASE WHEN is_open THEN 'DISPATCHED' WHEN NOT user_enabled OR allowed THEN 'SKIPPED'
                ELSE 'BLOCKED' END AS outcome,
            CASE WHEN is_open THEN 'ALL_OPEN' WHEN NOT user_enabled THEN 'USER_DISABLED'
                WHEN admin_status <> 'APPROVED' THEN 'ADMIN_' || admin_status
                WHEN approved_digest <> content_digest THEN 'ADMIN_STALE'
                WHEN session_state NOT IN ('HEALTHY', 'EXPIRING') THEN 'SESSION_' || session_state
                ELSE 'DAILY_LIMIT' END AS code
        FROM counted
    ), slots AS (
        INSERT INTO schedules_slot (id, tenant_id, schedule_id, nominal_at, origin, decided_at,
            outcome, code, verdicts, policy_version, local_day, job_id, job_outcome, trace_id)
        SELECT slot_id, tenant_id, schedule_id, moment, 'clock', %(now)s, outcome, code,
            CASE WHEN is_open THEN %(open)s::jsonb ELSE %(closed)s::jsonb END, 0, local_day,
            job_id, '', replace(slot_id::text, '-', '')
        FROM given
    ), opened AS MATERIALIZED (
        SELECT *, slot_id AS subject, replace(slot_id::text, '-', '') AS trace_id, false AS debug,
            %(now)s::timestamptz AS at
        FROM given WHERE is_open
    ), wanted AS (
        SELECT tenant_id, 'schedule:' || schedule_id AS key, local_day::text AS "window",
            1 AS amount
        FROM opened
        UNION ALL
        SELECT tenant_id, 'connection:' || connection_id, local_day::text, count(*)::int
        FROM opened GROUP BY tenant_id, connection_id, local_day
    ), reserved AS ({RESERVE_FROM.format(source="wanted")}),
    jobs AS ({ENQUEUE_FROM.format(source="opened")}),
    lanes AS ({WAKE_FROM.format(source="opened")}),
    advanced AS (
        UPDATE schedules_schedule s SET next_due_at = g.due, watermark_at = g.moment
        FROM given g WHERE s.id = g.schedule_id
    ), audit_rows AS (
        SELECT uuidv7() AS id, tenant_id, %(now)s::timestamptz AS at, 'system:scheduler' AS actor,
            'schedules.slot.decided' AS action, 'slot' AS target_kind, slot_id::text AS target_id,
            '' AS reason, replace(slot_id::text, '-', '') AS trace_id,
            '{{"code":"' || code || '","outcome":"' || outcome || '","schedule":"' || schedule_id
                || '"}}' AS body
        FROM given
        UNION ALL
        SELECT uuidv7(), tenant_id, at, 'system:scheduler', 'automation.job.queued', 'job',
            job_id::text, '', trace_id,
            '{{"connection":"' || connection_id || '","kind":"' || kind || '"}}'
        FROM opened
    ), audited AS ({APPEND_FROM}),
    told AS (
        SELECT pg_notify('tenantry', '{{"topic":"tenant:' || tenant_id
            || '","facts":{{"kind":"slot"}}}}')
        FROM given GROUP BY tenant_id
    )
    SELECT count(*), (SELECT count(*) FROM told),
        (extract(epoch FROM max(moment)) * 1000000)::bigint,
        (array_agg(schedule_id::text ORDER BY moment DESC, schedule_id DESC))[1]
    FROM given
"""  # noqa: S608  # our own text
_VERDICTS = (
    '[{"gate":"enabled","code":"USER_ENABLED","open":true,"facts":{}},'
    '{"gate":"admin","code":"ADMIN_APPROVED","open":true,"facts":{}},'
    '{"gate":"session","code":"SESSION_HEALTHY","open":true,"facts":{}},'
    '{"gate":"limit","code":"WITHIN_LIMIT","open":%s,"facts":'
    '{"used":0,"limit":10,"account_used":0,"account_limit":20}}]'
)


def drain(*, limit: int) -> int:
    """Decide everything that is due, in chunks of one transaction each; returns how many slots."""
    place, decided = START, 0
    given = {"now": NOW, "limit": limit, "open": _VERDICTS % "true", "closed": _VERDICTS % "false"}
    while True:
        with tenancy.platform("measure the limit"):
            raw = db.raw()
            given |= {"microsecond": place.microsecond, "id": place.id}
            row = raw.cursor().execute(_CHUNK, given).fetchone()
        assert row is not None  # an aggregate has one row
        decided += int(str(row[0]))
        if int(str(row[0])) < limit:
            return decided
        place = Place(int(str(row[2])), str(row[3]))
