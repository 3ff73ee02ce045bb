"""What the verbs share: telling others, stopping jobs, moving the operator's word."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from tenantry.core import live
from tenantry.core.errors import NotFound
from tenantry.core.states import Moves
from tenantry.customers.notices import services as notices
from tenantry.customers.notices.catalogue import Given
from tenantry.customers.tenants import queries as tenants
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action
from tenantry.work.automation import services as automation
from tenantry.work.schedules.dispatch import TOPIC
from tenantry.work.schedules.models import JobOutcome, Schedule, Slot
from tenantry.work.schedules.states import MOVES, AdminStatus, Outcome

SYSTEM = "system:worker"


def tell(schedule: Schedule) -> None:
    """Let open pages look at a schedule again."""
    live.notify(f"tenant:{schedule.tenant_id}", kind="schedule", id=str(schedule.id))
    live.notify("console", kind="schedule", id=str(schedule.id))


def wake_schedulers() -> None:
    """Let every scheduler look again when the next slot is due."""
    live.notify(TOPIC)


def locked(schedule_id: UUID, *, tenant_id: UUID | None = None) -> Schedule:
    """Return a schedule, locked against dispatch and other verbs until the transaction ends.

    Raises `NotFound`, for a schedule of another tenant too.
    """
    rows = Schedule.objects.select_for_update(no_key=True).filter(id=schedule_id)
    found = (rows.filter(tenant_id=tenant_id) if tenant_id else rows).first()
    if found is None:
        raise NotFound
    return found


def record(
    schedule: Schedule,
    action: Action,
    *,
    actor: str,
    now: datetime,
    body: Mapping[str, object] | None = None,
) -> None:
    """Append an audit entry about a schedule."""
    audit.append(
        action=action,
        tenant_id=schedule.tenant_id,
        actor=actor,
        target=("schedule", str(schedule.id)),
        at=now,
        body=body,
    )


def move(
    schedule: Schedule,
    target: AdminStatus,
    action: Action,
    *,
    actor: str,
    now: datetime,
    reason: str = "",
    moves: Moves = MOVES,
    extra: Mapping[str, object] | None = None,
) -> bool:
    """Move the operator's word with its audit entry and tell pages; False if it is there already.

    A stop keeps its reason and its moment; every other word clears both.
    """
    stopped = target in {AdminStatus.SUSPENDED, AdminStatus.BANNED}
    moved = lifecycle.transition(
        schedule,
        field="admin_status",
        target=target,
        moves=moves,
        action=action,
        actor=actor,
        at=now,
        tenant_id=schedule.tenant_id,
        reason=reason,
        extra={
            "admin_reason": reason if stopped else "",
            "suspended_at": now if stopped else None,
            **(extra or {}),
        },
    )
    if moved:
        tell(schedule)
    return moved


def stop_jobs(schedules: Iterable[UUID], *, actor: str, now: datetime, reason: str) -> int:
    """Cancel every job of these schedules that has not submitted yet; returns how many."""
    # Of unknown outcome means: proven absent, it may have been queued again.
    slots = Slot.objects.filter(
        schedule_id__in=list(schedules),
        outcome=Outcome.DISPATCHED,
        job_outcome__in=["", JobOutcome.UNKNOWN],
    )
    subjects = list(slots.values_list("id", flat=True))
    return len(
        automation.cancel_jobs(subjects=subjects, actor=actor, now=now, reason=reason).stopped
    )


def notify_people(
    schedule: Schedule, code: str, facts: Mapping[str, Given], *, now: datetime, dedupe_key: str
) -> None:
    """Send the tenant's people a notice about a schedule, with the way to its page."""
    tenant = tenants.get_tenant(schedule.tenant_id)
    notices.notify(
        tenant_id=schedule.tenant_id,
        code=code,
        facts={"schedule": schedule.name, **facts},
        link=f"/t/{tenant.short_id}/schedules/{schedule.id}/",
        recipients=tenants.recipients(schedule.tenant_id),
        now=now,
        dedupe_key=dedupe_key,
    )
