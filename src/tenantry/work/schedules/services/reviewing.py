"""The operators' verbs: approve, reject, suspend, ban, and back; one schedule, or many at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from tenantry.core import tenancy
from tenantry.core.errors import DomainError
from tenantry.core.states import IllegalMove
from tenantry.customers.notices.catalogue import Given
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.audit.vocabulary import Action
from tenantry.work.schedules.errors import ReasonRequired
from tenantry.work.schedules.explanations import BANNED_REMEDY, SUSPENDED_REMEDY
from tenantry.work.schedules.models import LONGEST_REASON, Schedule
from tenantry.work.schedules.services import news
from tenantry.work.schedules.states import APPEAL_MOVES, AdminStatus


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What became of one schedule of many; `refusal` is empty where it was done."""

    schedule_id: UUID
    refusal: DomainError | None = None

    @property
    def done(self) -> bool:
        """Return whether it was done."""
        return self.refusal is None


def approve(
    *, schedule_id: UUID, actor: str, now: datetime, seen_digest: str | None = None
) -> Schedule:
    """Let a schedule run with exactly the content it has now; failures in a row are forgotten.

    `seen_digest` is that of the content the operator looked at. Refuses: `NotFound`, `Stale` (the
    content changed meanwhile), `IllegalMove` (banned).
    """
    with tenancy.platform("an operator approves a schedule"):
        schedule = news.locked(schedule_id)
        if seen_digest not in {None, schedule.content_digest}:
            raise Stale
        resumed = schedule.admin_status == AdminStatus.SUSPENDED
        action = Action.SCHEDULES_SCHEDULE_RESUMED if resumed else Action.SCHEDULES_REVIEW_APPROVED
        extra = {"approved_digest": schedule.content_digest, "consecutive_failures": 0}
        if not (
            news.move(schedule, AdminStatus.APPROVED, action, actor=actor, now=now, extra=extra)
            or _bind_anew(schedule, actor=actor, now=now)
        ):
            return schedule
        key = f"approved:{schedule.id}:{now.isoformat()}"
        news.notify_people(schedule, "schedule_approved", {}, now=now, dedupe_key=key)
    return schedule


def _bind_anew(schedule: Schedule, *, actor: str, now: datetime) -> bool:
    # Approved already, but of other content: the word stays, what it stands for changes.
    if schedule.approved_digest == schedule.content_digest:
        return False
    schedule.approved_digest = schedule.content_digest
    schedule.save(update_fields=["approved_digest"])
    news.record(schedule, Action.SCHEDULES_REVIEW_APPROVED, actor=actor, now=now)
    news.tell(schedule)
    return True


def unsuspend(
    *, schedule_id: UUID, actor: str, now: datetime, seen_digest: str | None = None
) -> Schedule:
    """Let a suspended schedule run again. Refuses what `approve` does, and any other state."""
    with tenancy.platform("an operator resumes a schedule"):
        schedule = news.locked(schedule_id)
        if schedule.admin_status != AdminStatus.SUSPENDED:
            raise IllegalMove(source=schedule.admin_status, target=AdminStatus.APPROVED)
        return approve(schedule_id=schedule_id, actor=actor, now=now, seen_digest=seen_digest)


def reject(*, schedule_id: UUID, reason: str, actor: str, now: datetime) -> Schedule:
    """Refuse what waits for a review, and tell the customer why; a change asks for a new one.

    Refuses: `NotFound`, `ReasonRequired`, `IllegalMove` (it does not wait).
    """
    with tenancy.platform("an operator rejects a schedule"):
        schedule = news.locked(schedule_id)
        if schedule.admin_status != AdminStatus.NEEDS_REVIEW:
            raise IllegalMove(source=schedule.admin_status, target=AdminStatus.SUSPENDED)
        return _stop(
            schedule,
            AdminStatus.SUSPENDED,
            Action.SCHEDULES_REVIEW_REJECTED,
            reason=reason,
            actor=actor,
            now=now,
        )


def suspend(*, schedule_id: UUID, reason: str, actor: str, now: datetime) -> Schedule:
    """Stop a schedule until an operator approves it again, and tell the customer why.

    Its jobs that have not submitted yet never will. Refuses: `NotFound`, `ReasonRequired`,
    `IllegalMove` (banned).
    """
    with tenancy.platform("an operator suspends a schedule"):
        return _stop(
            news.locked(schedule_id),
            AdminStatus.SUSPENDED,
            Action.SCHEDULES_SCHEDULE_SUSPENDED,
            reason=reason,
            actor=actor,
            now=now,
        )


def ban(*, schedule_id: UUID, reason: str, actor: str, now: datetime) -> Schedule:
    """Stop a schedule for good; only a granted appeal leads back. Otherwise as `suspend`."""
    with tenancy.platform("an operator bans a schedule"):
        return _stop(
            news.locked(schedule_id),
            AdminStatus.BANNED,
            Action.SCHEDULES_SCHEDULE_BANNED,
            reason=reason,
            actor=actor,
            now=now,
        )


def grant_appeal(*, schedule_id: UUID, reason: str, actor: str, now: datetime) -> Schedule:
    """Lift a ban: the schedule waits for a review. Refuses: `ReasonRequired`, `IllegalMove`."""
    with tenancy.platform("an operator grants an appeal"):
        schedule = news.locked(schedule_id)
        if schedule.admin_status != AdminStatus.BANNED:
            raise IllegalMove(source=schedule.admin_status, target=AdminStatus.NEEDS_REVIEW)
        news.move(
            schedule,
            AdminStatus.NEEDS_REVIEW,
            Action.SCHEDULES_APPEAL_GRANTED,
            actor=actor,
            now=now,
            reason=_needed(reason),
            moves=APPEAL_MOVES,
        )
    return schedule


def _stop(
    schedule: Schedule,
    target: AdminStatus,
    action: Action,
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> Schedule:
    given = _needed(reason)
    if news.move(schedule, target, action, actor=actor, now=now, reason=given):
        news.stop_jobs([schedule.id], actor=actor, now=now, reason=given)
        code, remedy = {
            Action.SCHEDULES_REVIEW_REJECTED: ("schedule_rejected", None),
            Action.SCHEDULES_SCHEDULE_BANNED: ("schedule_suspended", BANNED_REMEDY),
        }.get(action, ("schedule_suspended", SUSPENDED_REMEDY))
        facts: dict[str, Given] = {"reason": given}
        if remedy is not None:
            facts = {"cause": given, "remedy": remedy}
        news.notify_people(
            schedule, code, facts, now=now, dedupe_key=f"{code}:{schedule.id}:{now.isoformat()}"
        )
    return schedule


def _needed(reason: str) -> str:
    cleaned = reason.strip()[:LONGEST_REASON]
    if not cleaned:
        raise ReasonRequired(field="reason")
    return cleaned


def approve_all(*, schedules: Mapping[UUID, str | None], actor: str, now: datetime) -> list[Ruling]:
    """Approve many in one transaction: for each its id and the digest that was looked at.

    Each is done or refused by itself; the rulings come in the order given.
    """
    acts = {
        schedule_id: partial(
            approve, schedule_id=schedule_id, seen_digest=seen, actor=actor, now=now
        )
        for schedule_id, seen in schedules.items()
    }
    return _each(acts)


def reject_all(
    *, schedule_ids: Iterable[UUID], reason: str, actor: str, now: datetime
) -> list[Ruling]:
    """Reject many in one transaction, each done or refused by itself. Refuses `ReasonRequired`."""
    return _stop_each(reject, schedule_ids, reason, actor, now)


def suspend_all(
    *, schedule_ids: Iterable[UUID], reason: str, actor: str, now: datetime
) -> list[Ruling]:
    """Suspend many in one transaction, each done or refused by itself. Refuses `ReasonRequired`."""
    return _stop_each(suspend, schedule_ids, reason, actor, now)


def ban_all(
    *, schedule_ids: Iterable[UUID], reason: str, actor: str, now: datetime
) -> list[Ruling]:
    """Ban many in one transaction, each done or refused by itself. Refuses `ReasonRequired`."""
    return _stop_each(ban, schedule_ids, reason, actor, now)


def _stop_each(
    verb: Callable[..., Schedule],
    schedule_ids: Iterable[UUID],
    reason: str,
    actor: str,
    now: datetime,
) -> list[Ruling]:
    given = _needed(reason)
    return _each(
        {
            schedule_id: partial(verb, schedule_id=schedule_id, reason=given, actor=actor, now=now)
            for schedule_id in schedule_ids
        }
    )


def _each(acts: Mapping[UUID, Callable[[], Schedule]]) -> list[Ruling]:
    rulings: dict[UUID, Ruling] = {}
    with tenancy.platform("an operator rules on many schedules"):
        # Locked in one order, so that two operators cannot wait for each other.
        for schedule_id in sorted(acts):
            try:
                with transaction.atomic():
                    acts[schedule_id]()
                rulings[schedule_id] = Ruling(schedule_id=schedule_id)
            except DomainError as refusal:
                rulings[schedule_id] = Ruling(schedule_id=schedule_id, refusal=refusal)
    return [rulings[schedule_id] for schedule_id in acts]
