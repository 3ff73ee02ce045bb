"""A peer: one due schedule after the other with twelve statements each, as loops are written.

The statements are those of a plain implementation: read what the gates need, write what follows.
It commits after each statement, like a loop without a transaction does, and it audits once.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from tenantry.config.bench.population import NOW
from tenantry.core import db
from tenantry.core.ids import uuid7

_FIND = """
    SELECT id, tenant_id, connection_id, kind, content_id, content_digest, zone, next_due_at,
        user_enabled, admin_status, daily_limit
    FROM schedules_schedule WHERE next_due_at <= %s ORDER BY next_due_at, id LIMIT 1
"""
_COUNT = 'SELECT used FROM policies_counter WHERE key = %s AND "window" = %s'
_RESERVE = """
    INSERT INTO policies_counter (tenant_id, key, "window", used) VALUES (%s, %s, %s, 1)
    ON CONFLICT (key, "window") DO UPDATE SET used = policies_counter.used + 1
"""
_SLOT = """
    INSERT INTO schedules_slot (id, tenant_id, schedule_id, nominal_at, origin, decided_at, outcome,
        code, verdicts, policy_version, local_day, job_id, job_outcome, trace_id)
    VALUES (%s, %s, %s, %s, 'clock', %s, %s, '-', '[]', 0, %s, %s, '', %s)
"""
_JOB = """
    INSERT INTO automation_job (id, tenant_id, connection_id, kind, state, content_id,
        content_digest, moment, zone, subject, debug, attempts, looks, run_after, error_code,
        error_message, result, created_at, trace_id)
    VALUES (%s, %s, %s, %s, 'QUEUED', %s, %s, %s, %s, %s, false, 0, 0, %s, '', '', '{}', %s, %s)
"""
_LANE = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
    VALUES ('browser', 'drain', %(lane)s, %(lane)s, '{}')
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""
_AUDIT = """
    INSERT INTO audit_auditentry (id, tenant_id, at, actor, action, target_kind, target_id, reason,
        trace_id, body)
    VALUES (%s, %s, %s, 'system:scheduler', 'schedules.slot.decided', 'slot', %s, '', %s, '{}')
"""


def drain(*, slots: int) -> None:
    """Decide so many due slots, one by one."""
    with psycopg.connect(**db.dsn(), autocommit=True) as loop:  # type: ignore[arg-type]  # Django's own parameters
        loop.prepare_threshold = 1
        cursor = psycopg.Cursor(loop)
        cursor.execute("SELECT set_config('tenantry.platform', 'a loop', false)")
        for _ in range(slots):
            _decide_one(cursor)


def _decide_one(cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
    due = cursor.execute(_FIND, [NOW]).fetchone()
    assert due is not None  # more are due than are drained
    schedule, tenant, account, kind, content, digest, zone, nominal, enabled, status, limit = due
    day = f"{nominal:%Y-%m-%d}"
    session = _one(
        cursor, "SELECT session_state FROM automation_connection WHERE id = %s", [account]
    )
    most = _one(cursor, "SELECT coalesce(max(version), 0) + 20 FROM policies_policy", [])
    used = _one(cursor, _COUNT, [f"schedule:{schedule}", day]) or 0
    account_used = _one(cursor, _COUNT, [f"connection:{account}", day]) or 0
    is_open = (
        enabled
        and status == "APPROVED"
        and session == "HEALTHY"
        and used < limit
        and account_used < most
    )
    slot, job, trace = uuid7(), uuid7() if is_open else None, uuid7().hex
    cursor.execute(
        "UPDATE schedules_schedule SET next_due_at = %s, watermark_at = %s WHERE id = %s",
        [nominal + timedelta(days=1), nominal, schedule],
    )
    outcome = "DISPATCHED" if is_open else "BLOCKED"
    cursor.execute(_SLOT, [slot, tenant, schedule, nominal, NOW, outcome, day, job, trace])
    if job is not None:
        cursor.execute(_RESERVE, [tenant, f"schedule:{schedule}", day])
        cursor.execute(_RESERVE, [tenant, f"connection:{account}", day])
        cursor.execute(
            _JOB,
            [job, tenant, account, kind, content, digest, nominal, zone, slot, NOW, NOW, trace],
        )
        cursor.execute(_LANE, {"lane": f"lane:{account}"})
    cursor.execute(_AUDIT, [uuid7(), tenant, NOW, str(slot), trace])


def _one(cursor: psycopg.Cursor[tuple[Any, ...]], statement: str, given: list[UUID | str]) -> Any:  # noqa: ANN401  # whatever the column holds
    found = cursor.execute(statement, given).fetchone()
    return found[0] if found else None
