"""The customer's verbs: make a schedule, change it, turn it on and off, ask for a review."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tenantry.core import tenancy
from tenantry.core.errors import InvalidInput, NotFound
from tenantry.core.ids import uuid7
from tenantry.core.states import IllegalMove
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import registry
from tenantry.sdk.product import Capability
from tenantry.work.automation import queries as automation
from tenantry.work.automation.errors import CannotDoThat
from tenantry.work.automation.models import Connection
from tenantry.work.schedules import policy as policies
from tenantry.work.schedules.errors import (
    BadDailyLimit,
    ConnectionMissing,
    ContentMissing,
    ScheduleLocked,
)
from tenantry.work.schedules.models import Schedule
from tenantry.work.schedules.rule import Rule, clock_times, next_after, parse
from tenantry.work.schedules.services import news
from tenantry.work.schedules.states import AdminStatus

_LONGEST_NAME = 80


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a customer asks for: `weekdays` are bits (Monday is 1), `times` read `HH:MM` there."""

    name: str
    connection_id: UUID | None
    content_id: UUID | None
    zone: str
    weekdays: int
    times: Sequence[str]
    daily_limit: int


@dataclass(frozen=True, kw_only=True)
class _Checked:
    # What was asked for, found to exist and to be allowed.
    rule: Rule
    columns: Mapping[str, object]


def create_schedule(*, tenant_id: UUID, wanted: Wanted, actor: str, now: datetime) -> Schedule:
    """Make a schedule, turned on; the review policy says whether it waits for an operator.

    Refuses: `InvalidInput` (the name), `ConnectionMissing`, `ContentMissing`, `CannotDoThat`,
    `ZoneUnknown`, `NoWeekday`, `BadTime`, `NoTime`, `TooManyTimes`, `BadDailyLimit`.
    """
    with tenancy.scope(tenant_id):
        checked = _check(tenant_id, wanted)
        waits = policies.new_needs_review(
            policies.review_rule(), approved_before=_in_good_standing(tenant_id)
        )
        schedule = Schedule(
            id=uuid7(),
            tenant_id=tenant_id,
            **checked.columns,
            admin_status=AdminStatus.NEEDS_REVIEW if waits else AdminStatus.APPROVED,
            next_due_at=next_after(checked.rule, now),
            watermark_at=now,
            created_at=now,
        )
        schedule.approved_digest = "" if waits else schedule.content_digest
        schedule.save(force_insert=True)
        news.record(
            schedule,
            Action.SCHEDULES_SCHEDULE_CREATED,
            actor=actor,
            now=now,
            body={"admin_status": schedule.admin_status, "connection": wanted.connection_id},
        )
        news.tell(schedule)
        news.wake_schedulers()
    return schedule


def _in_good_standing(tenant_id: UUID) -> bool:
    schedules = Schedule.objects.filter(tenant_id=tenant_id)
    banned = schedules.filter(admin_status=AdminStatus.BANNED).exists()
    return not banned and schedules.filter(admin_status=AdminStatus.APPROVED).exists()


def edit_schedule(
    *,
    tenant_id: UUID,
    schedule_id: UUID,
    wanted: Wanted,
    actor: str,
    now: datetime,
    seen_version: int | None = None,
) -> Schedule:
    """Change a schedule. Nothing of the old rule fires afterwards; decided slots stay as they are.

    Other content or another account is reviewed as the policy says, and a suspended schedule is
    looked at again. `seen_version` is that of the form. Refuses what `create_schedule` refuses,
    `NotFound`, `Stale` (somebody else edited it), `ScheduleLocked` (banned).
    """
    with tenancy.scope(tenant_id):
        schedule = news.locked(schedule_id, tenant_id=tenant_id)
        if seen_version not in {None, schedule.version}:
            raise Stale
        if schedule.admin_status == AdminStatus.BANNED:
            raise _locked_by_operator(schedule)
        checked = _check(tenant_id, wanted)
        before = {name: getattr(schedule, name) for name in checked.columns}
        changes = {name: value for name, value in checked.columns.items() if before[name] != value}
        if not changes:
            return schedule
        changed = sorted(changes)
        if checked.rule != schedule.rule:
            changes["next_due_at"] = next_after(checked.rule, max(now, schedule.watermark_at))
        changes["version"] = schedule.version + 1
        for name, value in changes.items():
            setattr(schedule, name, value)
        schedule.save(update_fields=[*changes])
        body = {"changed": changed, "version": schedule.version}
        news.record(schedule, Action.SCHEDULES_SCHEDULE_EDITED, actor=actor, now=now, body=body)
        review_again(schedule, elsewhere="connection_id" in changes, actor=actor, now=now)
        news.tell(schedule)
        news.wake_schedulers()
    return schedule


def review_again(schedule: Schedule, *, elsewhere: bool, actor: str, now: datetime) -> None:
    """After a change, ask for a review where what would be posted is not what was approved.

    `elsewhere`: it goes to another account. A suspended schedule is looked at again, whatever was
    changed; under the policy `none` the change counts as approved.
    """
    if schedule.admin_status == AdminStatus.APPROVED:
        if schedule.content_digest == schedule.approved_digest and not elsewhere:
            return
        if not policies.change_needs_review(policies.review_rule()):
            schedule.approved_digest = schedule.content_digest
            schedule.save(update_fields=["approved_digest"])
            return
    elif schedule.admin_status != AdminStatus.SUSPENDED:
        return
    news.move(
        schedule,
        AdminStatus.NEEDS_REVIEW,
        Action.SCHEDULES_REVIEW_REQUESTED,
        actor=actor,
        now=now,
    )


def request_review(*, tenant_id: UUID, schedule_id: UUID, actor: str, now: datetime) -> Schedule:
    """Ask an operator to look again at a suspended schedule whose cause was mended.

    Refuses: `NotFound`, `IllegalMove` (it is neither suspended nor waiting).
    """
    with tenancy.scope(tenant_id):
        schedule = news.locked(schedule_id, tenant_id=tenant_id)
        if schedule.admin_status == AdminStatus.APPROVED:
            raise IllegalMove(source=schedule.admin_status, target=AdminStatus.NEEDS_REVIEW)
        news.move(
            schedule,
            AdminStatus.NEEDS_REVIEW,
            Action.SCHEDULES_REVIEW_REQUESTED,
            actor=actor,
            now=now,
        )
    return schedule


def enable(*, tenant_id: UUID, schedule_id: UUID, actor: str, now: datetime) -> Schedule:
    """Turn a schedule on. Refuses: `NotFound`, `ScheduleLocked`, `ConnectionMissing`."""
    with tenancy.scope(tenant_id):
        schedule = news.locked(schedule_id, tenant_id=tenant_id)
        if schedule.is_locked:
            raise _locked_by_operator(schedule)
        if schedule.connection.removed_at is not None:
            raise ConnectionMissing(field="connection")
        _switch(schedule, Action.SCHEDULES_SCHEDULE_ENABLED, on=True, actor=actor, now=now)
    return schedule


def disable(*, tenant_id: UUID, schedule_id: UUID, actor: str, now: datetime) -> Schedule:
    """Turn a schedule off, and cancel what it has queued but not submitted. Refuses: `NotFound`.

    Slots that fall due meanwhile are recorded as skipped.
    """
    with tenancy.scope(tenant_id):
        schedule = news.locked(schedule_id, tenant_id=tenant_id)
        if _switch(schedule, Action.SCHEDULES_SCHEDULE_DISABLED, on=False, actor=actor, now=now):
            news.stop_jobs([schedule.id], actor=actor, now=now, reason="schedule turned off")
    return schedule


def _switch(schedule: Schedule, action: Action, *, on: bool, actor: str, now: datetime) -> bool:
    if schedule.user_enabled == on:
        return False
    schedule.user_enabled = on
    schedule.save(update_fields=["user_enabled"])
    news.record(schedule, action, actor=actor, now=now)
    news.tell(schedule)
    return True


def _locked_by_operator(schedule: Schedule) -> ScheduleLocked:
    return ScheduleLocked(
        status=AdminStatus(schedule.admin_status).label, reason=schedule.reason_text
    )


def _check(tenant_id: UUID, wanted: Wanted) -> _Checked:
    name = wanted.name.strip()
    if not 0 < len(name) <= _LONGEST_NAME:
        raise InvalidInput(field="name")
    connection = _connection(tenant_id, wanted.connection_id)
    rule = parse(zone=wanted.zone, weekdays=wanted.weekdays, times=wanted.times)
    most = policies.gate_policy().schedule_limit
    if not 1 <= wanted.daily_limit <= most:
        raise BadDailyLimit(field="daily_limit", limit=most)
    return _Checked(
        rule=rule,
        columns={
            "name": name,
            "connection_id": connection.id,
            "product": connection.product,
            "kind": _publishing_kind(connection),
            "content_id": wanted.content_id,
            "content_digest": _digest(tenant_id, connection.product, wanted.content_id),
            "zone": rule.zone,
            "weekdays": rule.weekdays,
            "times": clock_times(rule),
            "daily_limit": wanted.daily_limit,
        },
    )


def _connection(tenant_id: UUID, connection_id: UUID | None) -> Connection:
    if connection_id is None:
        raise ConnectionMissing(field="connection")
    try:
        return automation.get_connection(tenant_id=tenant_id, connection_id=connection_id)
    except NotFound:
        raise ConnectionMissing(field="connection") from None


def _publishing_kind(connection: Connection) -> str:
    connector = registry.connector(connection.product, connection.connector)
    if Capability.PUBLISH in connector.capabilities:
        for kind in registry.product(connection.product).job_kinds:
            if kind.capability is Capability.PUBLISH:
                return kind.name
    raise CannotDoThat(connector=connector.label)


def _digest(tenant_id: UUID, product: str, content_id: UUID | None) -> str:
    provider = registry.product(product).content
    if provider is not None and content_id is not None:
        digest = provider.digest(tenant_id=tenant_id, content_id=content_id)
        if digest:
            return digest
    raise ContentMissing(field="content")
