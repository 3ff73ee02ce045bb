"""The dispatcher's statements: claim, count, and the one that writes everything at once.

Arrays travel as text (`{a,b}`): building them by hand costs a third of having lists adapted.
Instants travel as numbers since 1970; nominal instants stay in the database.
"""

from functools import cache

from tenantry.governance.policies.services import RESERVE_FROM
from tenantry.ledger.audit.services import APPEND_FROM
from tenantry.ledger.audit.vocabulary import Action
from tenantry.work.automation.services import ENQUEUE_FROM, WAKE_FROM

_ROWS = """
    SELECT s.id::text, s.connection_id::text, (extract(epoch FROM s.next_due_at) * 1000000)::bigint,
        s.zone, s.weekdays, s.times::text, s.user_enabled, s.admin_status, s.content_digest,
        s.approved_digest, CASE WHEN c.removed_at IS NULL THEN c.session_state ELSE 'REMOVED' END,
        s.daily_limit
    FROM schedules_schedule s JOIN automation_connection c ON c.id = s.connection_id
"""

# The account's row is locked with the schedule's: no two dispatchers count for one account, and
# nobody waits. The lower bound steps over what this dispatcher has just advanced: dead entries of
# the index, which somebody's long transaction may keep from being swept out.
CLAIM_DUE = f"""{_ROWS}
    WHERE s.next_due_at <= %(now)s
        AND (s.next_due_at, s.id)
            > (timestamptz 'epoch' + %(microsecond)s * interval '1 microsecond', %(id)s::uuid)
    ORDER BY s.next_due_at, s.id LIMIT %(limit)s
    FOR NO KEY UPDATE OF s, c SKIP LOCKED
"""
CLAIM_ONE = f"""{_ROWS}
    WHERE s.id = %(schedule)s AND s.tenant_id = %(tenant)s FOR NO KEY UPDATE OF s, c
"""

NEXT_DUE = """
    SELECT next_due_at FROM schedules_schedule WHERE next_due_at IS NOT NULL
    ORDER BY next_due_at, id LIMIT 1
"""

# Many slots share a decision: each is sent once, and slots name it by number.
_WRITE = """
    WITH decided AS (
        SELECT * FROM unnest(%(outcomes)s::text[], %(codes)s::text[], %(verdicts)s::jsonb[],
            %(days)s::date[]) WITH ORDINALITY AS d (outcome, code, verdicts, local_day, number)
    ), numbered AS MATERIALIZED (
        SELECT u.*, {new_id} AS slot_id
        FROM unnest(%(ids)s::uuid[], %(dues)s::bigint[], %(numbers)s::int[]) AS u (id, due, number)
    ), given AS MATERIALIZED (
        SELECT u.slot_id, s.id AS schedule_id, s.tenant_id, s.connection_id, s.kind, s.content_id,
            s.approved_digest AS content_digest, {nominal} AS moment, s.zone,
            s.consecutive_failures >= %(debug_after)s AS debug,
            to_timestamp(u.due) AS next_due_at, d.outcome, d.code, d.verdicts, d.local_day,
            replace(u.slot_id::text, '-', '') AS trace_id,
            CASE WHEN d.outcome = 'DISPATCHED' THEN {new_id} END AS job_id
        FROM numbered u JOIN decided d ON d.number = u.number
            JOIN schedules_schedule s ON s.id = u.id
    ), slots AS (
        INSERT INTO schedules_slot (id, tenant_id, schedule_id, nominal_at, origin, decided_at,
            outcome, code, verdicts, policy_version, local_day, job_id, job_outcome, trace_id)
        SELECT slot_id, tenant_id, schedule_id, moment, %(origin)s, %(now)s, outcome, code,
            verdicts, %(version)s, local_day, job_id, '', trace_id
        FROM given
    ), open AS MATERIALIZED (
        SELECT *, slot_id AS subject, %(now)s::timestamptz AS at
        FROM given WHERE job_id IS NOT NULL
    ), wanted AS (
        SELECT tenant_id, 'schedule:' || schedule_id AS key, local_day::text AS "window",
            1 AS amount
        FROM open
        UNION ALL
        SELECT tenant_id, 'connection:' || connection_id, local_day::text, count(*)::int
        FROM open GROUP BY tenant_id, connection_id, local_day
    ), reserved AS ({reserve}), jobs AS ({enqueue}), lanes AS ({wake}) {advance} {audit},
    told AS (
        SELECT pg_notify('tenantry', '{{"topic":"tenant:' || tenant_id
            || '","facts":{{"kind":"slot"}}}}')
        FROM given GROUP BY tenant_id
    )
    SELECT count(job_id), (SELECT count(*) FROM told) FROM given
"""
_ADVANCE = """,
    advanced AS (
        UPDATE schedules_schedule s SET next_due_at = g.next_due_at, watermark_at = g.moment
        FROM given g WHERE s.id = g.schedule_id
    )
"""
# Bodies as `audit.body_text` writes them: sorted keys, no blanks.
_AUDIT = """,
    audit_rows AS (
        SELECT {new_id} AS id, tenant_id, %(now)s::timestamptz AS at, %(actor)s AS actor,
            '{decided}' AS action, 'slot' AS target_kind, slot_id::text AS target_id,
            '' AS reason, trace_id,
            '{{"code":"' || code || '","outcome":"' || outcome || '","schedule":"' || schedule_id
                || '"}}' AS body
        FROM given
        UNION ALL
        SELECT {new_id}, tenant_id, at, %(actor)s, '{queued}', 'job', job_id::text, '', trace_id,
            '{{"connection":"' || connection_id || '","kind":"' || kind || '"}}'
        FROM open
    ), audited AS ({append})
"""
_UUIDV7_SINCE = 180_000


@cache
def write(*, server_version: int, run_now: bool, audited: bool = True) -> str:
    """Return the statement that advances, decides, reserves, queues, wakes, records and tells.

    Unaudited it is only for measuring what the audit costs.
    """
    # Time-ordered where the server can make them; the order is for speed, not for meaning.
    new_id = "uuidv7()" if server_version >= _UUIDV7_SINCE else "gen_random_uuid()"
    decided = Action.SCHEDULES_RUN_REQUESTED if run_now else Action.SCHEDULES_SLOT_DECIDED
    audit = _AUDIT.format(
        new_id=new_id, decided=decided, queued=Action.AUTOMATION_JOB_QUEUED, append=APPEND_FROM
    )
    return _WRITE.format(
        new_id=new_id,
        nominal="%(now)s::timestamptz" if run_now else "s.next_due_at",
        reserve=RESERVE_FROM.format(source="wanted"),
        enqueue=ENQUEUE_FROM.format(source="open"),
        wake=WAKE_FROM.format(source="open"),
        advance="" if run_now else _ADVANCE,
        audit=audit if audited else "",
    )
