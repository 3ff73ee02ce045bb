"""Reads for others. Those with a `tenant_id` run inside its scope and refuse strangers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from tenantry.core.errors import NotFound
from tenantry.work.automation.errorcodes import ErrorCode
from tenantry.work.schedules import policy as policies
from tenantry.work.schedules import usage
from tenantry.work.schedules.explanations import EXPLANATIONS, JOB_TEXTS, Told, tell
from tenantry.work.schedules.gates import REMOVED, Decision, Facts, GatePolicy, decide
from tenantry.work.schedules.models import Schedule, Slot
from tenantry.work.schedules.rule import local_day, local_instant, occurrences
from tenantry.work.schedules.states import (
    STATUS_OF_JOB,
    STATUS_OF_OUTCOME,
    AdminStatus,
    Outcome,
    Status,
)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A schedule and what would be decided about it at a moment, gate by gate.

    `next_run` is on the clocks of the schedule's zone.
    """

    schedule: Schedule
    at: datetime
    decision: Decision
    next_run: datetime | None

    @property
    def dispatched(self) -> bool:
        """Return whether a slot at that moment would run."""
        return self.decision.dispatched

    @property
    def gates(self) -> tuple[Told, ...]:
        """Return all four conditions in words, in their order."""
        return tuple(tell(verdict) for verdict in self.decision.verdicts)

    @property
    def closed(self) -> Told | None:
        """Return the first closed gate in words, or None."""
        return next((told for told in self.gates if not told.open), None)

    def as_json(self) -> dict[str, object]:
        """Return it for programs."""
        return {
            "schedule": str(self.schedule.id),
            "at": self.at.isoformat(),
            "outcome": str(self.decision.outcome),
            "code": self.decision.code,
            "verdicts": [verdict.as_json() for verdict in self.decision.verdicts],
            "next_run": self.next_run and self.next_run.isoformat(),
        }

    def explained(self) -> Iterator[str]:
        """Return it line by line for people."""
        texts = EXPLANATIONS[self.decision.code]
        facts = {key: value for gate in self.decision.verdicts for key, value in gate.facts.items()}
        yield f"{Outcome(self.decision.outcome).label}: {str(texts.message) % facts}"
        for told in self.gates:
            sign = "+" if told.open else "-"
            yield f"  {sign} {told.name}: {told.message}"
            if not told.open:
                yield f"    {told.remedy}"


def list_for_tenant(*, tenant_id: UUID, now: datetime) -> list[Standing]:
    """Return the tenant's schedules with their conditions, the oldest first."""
    rows = Schedule.objects.filter(tenant_id=tenant_id).select_related("connection")
    return standings(list(rows.order_by("created_at", "id")), at=now, now=now)


def get_for_tenant(*, tenant_id: UUID, schedule_id: UUID) -> Schedule:
    """Return one schedule of this tenant with its connection; `NotFound` for all others."""
    rows = Schedule.objects.filter(tenant_id=tenant_id, id=schedule_id)
    found = rows.select_related("connection").first()
    if found is None:
        raise NotFound
    return found


def simulate(*, schedule_id: UUID, at: datetime, now: datetime) -> Standing:
    """Return what a slot at `at` would become as things are now; decides and changes nothing.

    In the caller's reach. Raises `NotFound`.
    """
    found = Schedule.objects.filter(id=schedule_id).select_related("connection").first()
    if found is None:
        raise NotFound
    return standings([found], at=at, now=now)[0]


def standings(schedules: Sequence[Schedule], *, at: datetime, now: datetime) -> list[Standing]:
    """Return what would be decided about each schedule, with one statement for all counters.

    The schedules carry their connections.
    """
    rules = policies.gate_policy()
    days = [local_day(schedule.rule, at).isoformat() for schedule in schedules]
    pairs = list(zip(schedules, days, strict=True))
    asked = {(usage.of_schedule(schedule.id), day) for schedule, day in pairs}
    asked |= {(usage.of_connection(schedule.connection_id), day) for schedule, day in pairs}
    used = usage.count(asked)
    late = max(0, int((now - at).total_seconds()))
    return [
        Standing(
            schedule=schedule,
            at=at,
            decision=_decide(schedule, day, used, rules, late_seconds=late),
            next_run=schedule.next_due_at and local_instant(schedule.rule, schedule.next_due_at),
        )
        for schedule, day in pairs
    ]


def _decide(
    schedule: Schedule, day: str, used: dict[str, int], rules: GatePolicy, *, late_seconds: int
) -> Decision:
    account = schedule.connection
    facts = Facts(
        user_enabled=schedule.user_enabled,
        admin_status=schedule.admin_status,
        content_digest=schedule.content_digest,
        approved_digest=schedule.approved_digest,
        session_state=account.session_state if account.removed_at is None else REMOVED,
        schedule_limit=schedule.daily_limit,
        schedule_used=used.get(f"{usage.of_schedule(schedule.id)} {day}", 0),
        connection_used=used.get(f"{usage.of_connection(account.id)} {day}", 0),
        late_seconds=late_seconds,
    )
    return decide(facts, rules)


def upcoming(schedule: Schedule, *, now: datetime, count: int = 5) -> list[datetime]:
    """Return the next instants on the clocks of the schedule's zone, the stored one first."""
    if schedule.next_due_at is None:
        return []
    later = occurrences(schedule.rule, max(now, schedule.next_due_at), count - 1)
    return [local_instant(schedule.rule, instant) for instant in (schedule.next_due_at, *later)]


_SLOTS = ("schedule", "schedule__connection", "job")


def list_slots(
    *,
    tenant_id: UUID,
    schedule_id: UUID | None = None,
    status: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    search: str = "",
) -> QuerySet[Slot]:
    """Return the tenant's slots with schedule and job, the newest first.

    `since` is included, `until` is not; `status` is a chip; `search` looks at the schedule's name,
    the reason, the error code and the trace.
    """
    rows = Slot.objects.filter(tenant_id=tenant_id).select_related(*_SLOTS)
    if schedule_id:
        rows = rows.filter(schedule_id=schedule_id)
    if since:
        rows = rows.filter(nominal_at__gte=since)
    if until:
        rows = rows.filter(nominal_at__lt=until)
    if status:
        rows = rows.filter(_with_status(status))
    if search := search.strip():
        rows = rows.filter(
            Q(schedule__name__icontains=search)
            | Q(code__icontains=search)
            | Q(job__error_code__icontains=search)
            | Q(trace_id=search)
        )
    return rows.order_by("-nominal_at", "-id")


def _with_status(status: str) -> Q:
    outcomes = [outcome for outcome, chip in STATUS_OF_OUTCOME.items() if chip == status]
    states = [state for state, chip in STATUS_OF_JOB.items() if chip == status]
    return Q(outcome__in=outcomes) | Q(outcome=Outcome.DISPATCHED, job__state__in=states)


def get_slot(*, tenant_id: UUID, slot_id: UUID) -> Slot:
    """Return one slot of this tenant with schedule and job; `NotFound` for all others."""
    found = list_slots(tenant_id=tenant_id).filter(id=slot_id).first()
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Why a slot became what it is: its chip, cause and remedy, all gates, and the job's error.

    `due` is on the clocks of the schedule's zone. `late_seconds` is from due to decided.
    """

    slot: Slot
    status: Status
    message: str
    remedy: str
    gates: tuple[Told, ...]
    error: ErrorCode | None
    due: datetime
    late_seconds: float


def explain(slot: Slot) -> Explained:
    """Put a decided slot in words, from what was stored when it was decided."""
    verdicts = slot.gate_verdicts
    facts = {key: value for verdict in verdicts for key, value in verdict.facts.items()}
    error = slot.job.error if slot.job else None
    if slot.job is None:
        texts = EXPLANATIONS[slot.code]
        message, remedy = str(texts.message) % facts, str(texts.remedy)
    elif error is not None and slot.status is Status.FAILED:
        message, remedy = str(error.cause), str(error.remedy)
    else:
        texts = JOB_TEXTS[slot.job.state]
        message, remedy = str(texts.message), str(texts.remedy)
    return Explained(
        slot=slot,
        status=slot.status,
        message=message,
        remedy=remedy,
        gates=tuple(tell(verdict) for verdict in verdicts),
        error=error,
        due=local_instant(slot.schedule.rule, slot.nominal_at),
        late_seconds=(slot.decided_at - slot.nominal_at).total_seconds(),
    )


def review_queue() -> QuerySet[Schedule]:
    """Return the schedules of all tenants that await approval, the oldest first.

    Under `tenancy.platform`.
    """
    waiting = Schedule.objects.filter(admin_status=AdminStatus.NEEDS_REVIEW)
    return waiting.select_related("connection").order_by("created_at", "id")
