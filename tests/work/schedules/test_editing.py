"""The customer's verbs: what they make, what they refuse, and when an operator is asked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tenantry.core import tenancy
from tenantry.core.errors import DomainError, InvalidInput, NotFound, ZoneUnknown
from tenantry.core.states import IllegalMove
from tenantry.customers.tenants.models import Tenant
from tenantry.governance.policies import services as setting
from tenantry.ledger.audit import queries as audit
from tenantry.ledger.audit.errors import Stale
from tenantry.work.automation.errors import CannotDoThat
from tenantry.work.automation.models import Connection
from tenantry.work.schedules import services
from tenantry.work.schedules.dispatch import dispatch_batch
from tenantry.work.schedules.errors import (
    BadDailyLimit,
    BadTime,
    ConnectionMissing,
    ContentMissing,
    NoTime,
    NoWeekday,
    ScheduleLocked,
    TooManyTimes,
)
from tenantry.work.schedules.models import Schedule
from tenantry.work.schedules.services import Wanted
from tenantry.work.schedules.states import AdminStatus
from tests.work.automation.probe import PagelessProbe, ProbeContent
from tests.work.schedules.conftest import (
    OPERATOR,
    MakeConnection,
    MakeSchedule,
    jobs,
    reload,
    slots_of,
)

pytestmark = pytest.mark.django_db
ACTOR = "user:me"


def set_review(rule: str, now: datetime) -> None:
    with tenancy.platform("test"):
        setting.set_policy(
            key="schedules.review", value=rule, reason="test", actor=OPERATOR, now=now
        )


def create(tenant: Tenant, wanted: Wanted, now: datetime) -> Schedule:
    return services.create_schedule(tenant_id=tenant.id, wanted=wanted, actor=ACTOR, now=now)


def edit(schedule: Schedule, wanted: Wanted, now: datetime, **given: int) -> Schedule:
    return services.edit_schedule(
        tenant_id=schedule.tenant_id,
        schedule_id=schedule.id,
        wanted=wanted,
        actor=ACTOR,
        now=now,
        **given,
    )


def as_wanted(schedule: Schedule) -> Wanted:
    return Wanted(
        name=schedule.name,
        connection_id=schedule.connection_id,
        content_id=schedule.content_id,
        zone=schedule.zone,
        weekdays=schedule.weekdays,
        times=schedule.times,
        daily_limit=schedule.daily_limit,
    )


def actions(schedule: Schedule) -> list[str]:
    with tenancy.scope(schedule.tenant_id):
        entries = audit.list_for_target("schedule", schedule.id)
        return [entry.action for entry in entries.order_by("seq")]


def test_first_schedule_waits_for_a_review(tenant: Tenant, wanted: Wanted, now: datetime) -> None:
    schedule = reload(create(tenant, wanted, now))
    assert (schedule.admin_status, schedule.approved_digest) == (AdminStatus.NEEDS_REVIEW, "")
    assert schedule.user_enabled
    # Sunday noon in UTC is Sunday evening in Seoul.
    assert schedule.next_due_at == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    assert (schedule.kind, schedule.product) == ("probe.publish", "probe")
    assert actions(schedule) == ["schedules.schedule.created"]


@pytest.mark.parametrize(
    ("rule", "second_status"),
    [
        ("first_and_changed", AdminStatus.APPROVED),
        ("all", AdminStatus.NEEDS_REVIEW),
        ("none", AdminStatus.APPROVED),
    ],
)
def test_later_schedules_wait_as_the_policy_says(
    rule: str,
    second_status: str,
    tenant: Tenant,
    schedule: Schedule,
    wanted: Wanted,
    now: datetime,
) -> None:
    set_review(rule, now)
    second = create(tenant, wanted, now)
    assert second.admin_status == second_status
    assert second.approved_digest == (
        second.content_digest if second_status == AdminStatus.APPROVED else ""
    )


def test_a_second_schedule_waits_while_none_was_approved(
    tenant: Tenant, wanted: Wanted, now: datetime
) -> None:
    create(tenant, wanted, now)
    assert create(tenant, wanted, now).admin_status == AdminStatus.NEEDS_REVIEW


def test_with_a_ban_every_new_schedule_waits(
    tenant: Tenant, make_schedule: MakeSchedule, wanted: Wanted, now: datetime
) -> None:
    make_schedule()
    make_schedule(admin_status=AdminStatus.BANNED, admin_reason="spam")
    assert create(tenant, wanted, now).admin_status == AdminStatus.NEEDS_REVIEW


REFUSED: dict[str, tuple[dict[str, object], type[DomainError]]] = {
    "no_name": ({"name": "  "}, InvalidInput),
    "long_name": ({"name": "n" * 81}, InvalidInput),
    "no_connection": ({"connection_id": None}, ConnectionMissing),
    "unknown_connection": ({"connection_id": uuid4()}, ConnectionMissing),
    "no_content": ({"content_id": None}, ContentMissing),
    "unknown_zone": ({"zone": "Asia/Soul"}, ZoneUnknown),
    "machine_zone": ({"zone": "localtime"}, ZoneUnknown),
    "no_weekday": ({"weekdays": 0}, NoWeekday),
    "bad_time": ({"times": ["99:99"]}, BadTime),
    "no_time": ({"times": []}, NoTime),
    "many_times": ({"times": [f"{h:02}:{m}0" for h in range(24) for m in (0, 3)]}, TooManyTimes),
    "no_limit": ({"daily_limit": 0}, BadDailyLimit),
    "high_limit": ({"daily_limit": 11}, BadDailyLimit),
}


@pytest.mark.parametrize("name", REFUSED)
def test_create_and_edit_refuse_alike(
    name: str, tenant: Tenant, schedule: Schedule, wanted: Wanted, now: datetime
) -> None:
    changes, refusal = REFUSED[name]
    wrong = replace(wanted, **changes)  # type: ignore[arg-type]  # as in Wanted
    with pytest.raises(refusal):
        create(tenant, wrong, now)
    with pytest.raises(refusal) as caught:
        edit(schedule, wrong, now)
    assert caught.value.remedy_text()
    assert reload(schedule).version == 1


def test_missing_content_is_refused(
    tenant: Tenant, content: ProbeContent, wanted: Wanted, now: datetime
) -> None:
    content.now_digest = ""
    with pytest.raises(ContentMissing):
        create(tenant, wanted, now)


def test_connector_that_cannot_publish_is_refused(
    tenant: Tenant, wanted: Wanted, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PagelessProbe, "capabilities", frozenset(), raising=False)
    product_connector = PagelessProbe(capabilities=frozenset())
    monkeypatch.setattr(
        "tenantry.sdk.registry.connector", lambda _product, _connector: product_connector
    )
    with pytest.raises(CannotDoThat):
        create(tenant, wanted, now)


def test_connection_of_another_company_is_refused(
    tenant: Tenant,
    other_tenant: Tenant,
    make_connection: MakeConnection,
    wanted: Wanted,
    now: datetime,
) -> None:
    foreign = make_connection(of=other_tenant.id)
    with pytest.raises(ConnectionMissing):
        create(tenant, replace(wanted, connection_id=foreign.id), now)


Verb = Callable[..., Schedule]


@pytest.mark.parametrize("verb", [services.enable, services.disable, services.request_review])
def test_schedule_of_another_company_is_not_found(
    verb: Verb, schedule: Schedule, other_tenant: Tenant, now: datetime
) -> None:
    with pytest.raises(NotFound):
        verb(tenant_id=other_tenant.id, schedule_id=schedule.id, actor=ACTOR, now=now)
    with pytest.raises(NotFound):
        services.edit_schedule(
            tenant_id=other_tenant.id,
            schedule_id=schedule.id,
            wanted=as_wanted(schedule),
            actor=ACTOR,
            now=now,
        )
    with pytest.raises(NotFound):
        services.run_now(tenant_id=other_tenant.id, schedule_id=schedule.id, actor=ACTOR, now=now)


def test_edit_of_the_rule_moves_the_next_run_and_fires_nothing_old(
    make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(next_due_at=now + timedelta(minutes=5), times=["12:05"])
    edited = edit(schedule, replace(as_wanted(schedule), times=["15:00"]), now)
    assert reload(edited).next_due_at == now + timedelta(hours=3)
    assert edited.version == 2
    assert edited.admin_status == AdminStatus.APPROVED
    assert dispatch_batch(now=now + timedelta(minutes=10)).claimed == 0
    assert actions(schedule) == ["schedules.schedule.edited"]


def test_edit_never_plans_before_what_was_decided(schedule: Schedule, now: datetime) -> None:
    dispatch_batch(now=now)
    an_hour_back = now - timedelta(hours=1)
    wanted = replace(as_wanted(reload(schedule)), times=["11:30", "12:00", "12:30"])
    assert edit(schedule, wanted, an_hour_back).next_due_at == now + timedelta(minutes=30)


def test_edit_of_the_name_moves_nothing(schedule: Schedule, now: datetime) -> None:
    edited = edit(schedule, replace(as_wanted(schedule), name="Noon post"), now)
    assert reload(edited).next_due_at == schedule.next_due_at


def test_edit_that_changes_nothing_is_none(schedule: Schedule, now: datetime) -> None:
    assert edit(schedule, as_wanted(schedule), now).version == 1
    assert actions(schedule) == []


def test_edit_of_what_somebody_else_edited_is_refused(schedule: Schedule, now: datetime) -> None:
    edit(schedule, replace(as_wanted(schedule), name="Mine"), now, seen_version=1)
    with pytest.raises(Stale):
        edit(schedule, replace(as_wanted(schedule), name="Theirs"), now, seen_version=1)


def test_other_account_is_reviewed(
    schedule: Schedule, make_connection: MakeConnection, now: datetime
) -> None:
    other = make_connection()
    edited = edit(schedule, replace(as_wanted(schedule), connection_id=other.id), now)
    assert reload(edited).admin_status == AdminStatus.NEEDS_REVIEW
    assert actions(schedule) == ["schedules.schedule.edited", "schedules.review.requested"]


def test_other_content_is_reviewed_unless_policy_says_none(
    schedule: Schedule, content: ProbeContent, now: datetime
) -> None:
    set_review("none", now)
    content.now_digest = "second"
    edited = edit(schedule, replace(as_wanted(schedule), content_id=uuid4()), now)
    assert (edited.admin_status, reload(edited).approved_digest) == ("APPROVED", "second")
    set_review("first_and_changed", now)
    content.now_digest = "third"
    edited = edit(schedule, replace(as_wanted(edited), content_id=uuid4()), now)
    assert reload(edited).admin_status == AdminStatus.NEEDS_REVIEW
    assert reload(edited).approved_digest == "second"


def test_any_edit_of_a_suspended_schedule_asks_for_a_review(
    make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(admin_status=AdminStatus.SUSPENDED, admin_reason="price missing")
    edited = reload(edit(schedule, replace(as_wanted(schedule), name="Better"), now))
    assert (edited.admin_status, edited.admin_reason) == (AdminStatus.NEEDS_REVIEW, "")


def test_banned_schedule_cannot_be_edited(make_schedule: MakeSchedule, now: datetime) -> None:
    schedule = make_schedule(admin_status=AdminStatus.BANNED, admin_reason="spam")
    with pytest.raises(ScheduleLocked) as caught:
        edit(schedule, replace(as_wanted(schedule), name="Other"), now)
    assert caught.value.text() == "This schedule cannot be turned on: it is banned. spam"


def test_off_cancels_what_has_not_submitted_and_on_goes_on(
    schedule: Schedule, now: datetime
) -> None:
    dispatch_batch(now=now)
    given = {"tenant_id": schedule.tenant_id, "schedule_id": schedule.id}
    assert not services.disable(**given, actor=ACTOR, now=now).user_enabled
    assert [job.state for job in jobs()] == ["CANCELLED"]
    assert services.enable(**given, actor=ACTOR, now=now).user_enabled
    services.enable(**given, actor=ACTOR, now=now)
    assert actions(schedule) == ["schedules.schedule.disabled", "schedules.schedule.enabled"]
    assert reload(schedule).next_due_at == now + timedelta(days=1)


@pytest.mark.parametrize(
    "status", [AdminStatus.NEEDS_REVIEW, AdminStatus.SUSPENDED, AdminStatus.BANNED]
)
def test_on_is_locked_while_not_approved(
    status: AdminStatus, make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(user_enabled=False, admin_status=status, admin_reason="why not")
    with pytest.raises(ScheduleLocked):
        services.enable(tenant_id=schedule.tenant_id, schedule_id=schedule.id, actor=ACTOR, now=now)
    assert not reload(schedule).user_enabled


def test_on_needs_an_account(
    make_schedule: MakeSchedule, connection: Connection, now: datetime
) -> None:
    schedule = make_schedule(user_enabled=False)
    with tenancy.scope(connection.tenant_id):
        Connection.objects.filter(id=connection.id).update(removed_at=now)
    with pytest.raises(ConnectionMissing):
        services.enable(tenant_id=schedule.tenant_id, schedule_id=schedule.id, actor=ACTOR, now=now)


def test_review_is_asked_for_once(make_schedule: MakeSchedule, now: datetime) -> None:
    schedule = make_schedule(admin_status=AdminStatus.SUSPENDED, admin_reason="why")
    for _ in range(2):
        services.request_review(
            tenant_id=schedule.tenant_id, schedule_id=schedule.id, actor=ACTOR, now=now
        )
    assert reload(schedule).admin_status == AdminStatus.NEEDS_REVIEW
    assert actions(schedule) == ["schedules.review.requested"]


@pytest.mark.parametrize("status", [AdminStatus.APPROVED, AdminStatus.BANNED])
def test_review_of_what_needs_none_is_refused(
    status: AdminStatus, make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(admin_status=status, admin_reason="why")
    with pytest.raises(IllegalMove):
        services.request_review(
            tenant_id=schedule.tenant_id, schedule_id=schedule.id, actor=ACTOR, now=now
        )


def test_run_now_of_a_closed_schedule_records_why(
    make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(admin_status=AdminStatus.NEEDS_REVIEW)
    slot = services.run_now(
        tenant_id=schedule.tenant_id, schedule_id=schedule.id, actor=ACTOR, now=now
    )
    assert (slot.outcome, slot.code, slot.origin) == ("BLOCKED", "ADMIN_NEEDS_REVIEW", "run_now")
    assert [slot.id] == [one.id for one in slots_of(schedule)]
    with tenancy.scope(schedule.tenant_id):
        (entry,) = audit.list_for_target("slot", slot.id)
    assert (entry.action, entry.actor) == ("schedules.run.requested", ACTOR)
