"""Writing down that a step was reached: one INSERT in the caller's transaction."""

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.transaction import TransactionManagementError

from tenantry.core import tenancy, trace
from tenantry.core.ids import uuid7
from tenantry.ledger.funnel.states import Step

_INSERT = """
    INSERT INTO funnel_event (id, subject, step, at, tenant_id, trace_id, facts)
    VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb)
    ON CONFLICT (subject, step) DO NOTHING
"""


def record(
    *,
    step: Step,
    subject: UUID,
    at: datetime,
    tenant_id: UUID | None = None,
    facts: Mapping[str, str | int | bool] | None = None,
) -> bool:
    """Write down that a journey reached a step, with the change that made it so.

    `subject` is the journey's id, `facts` are neither secret nor personal. A step is reached once:
    the second time is no event and returns False. Outside a transaction this is a bug and raises.
    """
    if not connection.in_atomic_block:
        message = "record a step inside the transaction in which it is reached"
        raise TransactionManagementError(message)
    trace_id = trace.current().trace_id
    stored = json.dumps(dict(facts or {}))
    # Whoever takes the step may see no tenant yet, or only the own one.
    with tenancy.platform("write down a step"), connection.cursor() as cursor:
        cursor.execute(
            _INSERT, [uuid7(), subject, Step(step).value, at, tenant_id, trace_id, stored]
        )
        return bool(cursor.rowcount)
