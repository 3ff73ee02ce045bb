"""Running a schedule at this moment."""

from datetime import datetime
from uuid import UUID

from tenantry.core import tenancy
from tenantry.work.schedules import dispatch
from tenantry.work.schedules.models import Slot
from tenantry.work.schedules.states import Origin


def run_now(*, tenant_id: UUID, schedule_id: UUID, actor: str, now: datetime) -> Slot:
    """Decide one slot at this very moment and return it, dispatched or with what stopped it.

    The same gates, limits and transaction as a due slot; the schedule's own instants stay as they
    are. Refuses: `NotFound`.
    """
    with tenancy.scope(tenant_id):
        dispatch.dispatch_one(tenant_id=tenant_id, schedule_id=schedule_id, now=now, actor=actor)
        slots = Slot.objects.select_related("schedule", "job", "schedule__connection")
        return slots.get(schedule_id=schedule_id, nominal_at=now, origin=Origin.RUN_NOW)
