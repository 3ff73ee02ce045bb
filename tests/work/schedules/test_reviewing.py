"""The operators' verbs: moves, reasons, notices, jobs that never submit, and many at once."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

import pytest

from tenantry.core import tenancy
from tenantry.core.errors import NotFound
from tenantry.core.states import IllegalMove
from tenantry.customers.notices.models import Mail, Notice
from tenantry.ledger.audit import queries as audit
from tenantry.ledger.audit.errors import Stale
from tenantry.work.schedules import queries, services
from tenantry.work.schedules.dispatch import dispatch_batch
from tenantry.work.schedules.errors import ReasonRequired
from tenantry.work.schedules.models import Schedule
from tenantry.work.schedules.states import AdminStatus
from tests.work.automation.probe import ProbeContent
from tests.work.schedules.conftest import OPERATOR, MakeSchedule, jobs, reload

pytestmark = pytest.mark.django_db
A = AdminStatus


def last_entry(schedule: Schedule) -> tuple[str, str, str]:
    with tenancy.scope(schedule.tenant_id):
        entry = audit.list_for_target("schedule", schedule.id).order_by("-seq")[0]
        return entry.action, entry.actor, entry.reason


def notices(schedule: Schedule) -> list[Notice]:
    with tenancy.scope(schedule.tenant_id):
        return list(Notice.objects.order_by("created_at", "id"))


def test_approval_binds_the_content(
    make_schedule: MakeSchedule, content: ProbeContent, now: datetime
) -> None:
    schedule = make_schedule(admin_status=A.NEEDS_REVIEW, approved_digest="")
    services.approve(
        schedule_id=schedule.id, actor=OPERATOR, now=now, seen_digest=content.now_digest
    )
    approved = reload(schedule)
    assert (approved.admin_status, approved.approved_digest) == (A.APPROVED, content.now_digest)
    assert last_entry(schedule) == ("schedules.review.approved", OPERATOR, "")
    (notice,) = notices(schedule)
    assert (notice.code, notice.link.endswith(f"/schedules/{schedule.id}/")) == (
        "schedule_approved",
        True,
    )


def test_approval_of_unseen_content_is_refused(make_schedule: MakeSchedule, now: datetime) -> None:
    schedule = make_schedule(admin_status=A.NEEDS_REVIEW)
    with pytest.raises(Stale):
        services.approve(schedule_id=schedule.id, actor=OPERATOR, now=now, seen_digest="older")
    assert reload(schedule).admin_status == A.NEEDS_REVIEW


def test_approval_of_changed_content_binds_it_anew(
    make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(content_digest="changed")
    services.approve(schedule_id=schedule.id, actor=OPERATOR, now=now)
    assert reload(schedule).approved_digest == "changed"
    services.approve(schedule_id=schedule.id, actor=OPERATOR, now=now)
    assert len(notices(schedule)) == 1


def test_approval_of_a_suspended_schedule_forgets_its_failures(
    make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(
        admin_status=A.SUSPENDED, admin_reason="five", suspended_at=now, consecutive_failures=5
    )
    services.unsuspend(schedule_id=schedule.id, actor=OPERATOR, now=now)
    resumed = reload(schedule)
    assert (resumed.admin_status, resumed.consecutive_failures) == (A.APPROVED, 0)
    assert (resumed.admin_reason, resumed.suspended_at) == ("", None)
    assert last_entry(schedule)[0] == "schedules.schedule.resumed"


Stop = Callable[..., Schedule]
STOPS: dict[str, tuple[Stop, AdminStatus, AdminStatus, str, str]] = {
    "reject": (
        services.reject,
        A.NEEDS_REVIEW,
        A.SUSPENDED,
        "schedules.review.rejected",
        "schedule_rejected",
    ),
    "suspend": (
        services.suspend,
        A.APPROVED,
        A.SUSPENDED,
        "schedules.schedule.suspended",
        "schedule_suspended",
    ),
    "ban": (
        services.ban,
        A.APPROVED,
        A.BANNED,
        "schedules.schedule.banned",
        "schedule_suspended",
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_stop_is_told_with_its_reason(
    name: str, make_schedule: MakeSchedule, now: datetime
) -> None:
    verb, source, target, action, code = STOPS[name]
    schedule = make_schedule(admin_status=source)
    verb(schedule_id=schedule.id, reason=" No price. ", actor=OPERATOR, now=now)
    stopped = reload(schedule)
    assert (stopped.admin_status, stopped.admin_reason) == (target, "No price.")
    assert stopped.suspended_at == now
    assert last_entry(schedule) == (action, OPERATOR, "No price.")
    (notice,) = notices(schedule)
    assert notice.code == code
    assert "No price." in notice.message
    assert notice.remedy
    with tenancy.scope(schedule.tenant_id):
        assert list(Mail.objects.values_list("recipient", flat=True)) == ["owner@hanbit.example"]


@pytest.mark.parametrize("name", STOPS)
def test_stop_needs_a_reason(name: str, make_schedule: MakeSchedule, now: datetime) -> None:
    verb, source, *_ = STOPS[name]
    schedule = make_schedule(admin_status=source)
    with pytest.raises(ReasonRequired):
        verb(schedule_id=schedule.id, reason=" ", actor=OPERATOR, now=now)
    assert reload(schedule).admin_status == source


@pytest.mark.parametrize("verb", [services.suspend, services.ban])
def test_stop_cancels_queued_jobs(verb: Stop, schedule: Schedule, now: datetime) -> None:
    dispatch_batch(now=now)
    verb(schedule_id=schedule.id, reason="why", actor=OPERATOR, now=now)
    assert [job.state for job in jobs()] == ["CANCELLED"]


def test_ban_ends_only_by_an_appeal(make_schedule: MakeSchedule, now: datetime) -> None:
    schedule = make_schedule(admin_status=A.BANNED, admin_reason="spam", suspended_at=now)
    for verb in (services.approve, services.unsuspend):
        with pytest.raises(IllegalMove):
            verb(schedule_id=schedule.id, actor=OPERATOR, now=now)
    with pytest.raises(IllegalMove):
        services.suspend(schedule_id=schedule.id, reason="why", actor=OPERATOR, now=now)
    with pytest.raises(ReasonRequired):
        services.grant_appeal(schedule_id=schedule.id, reason="", actor=OPERATOR, now=now)
    services.grant_appeal(schedule_id=schedule.id, reason="our mistake", actor=OPERATOR, now=now)
    assert reload(schedule).admin_status == A.NEEDS_REVIEW
    assert last_entry(schedule) == ("schedules.appeal.granted", OPERATOR, "our mistake")


def test_what_does_not_wait_cannot_be_rejected(schedule: Schedule, now: datetime) -> None:
    with pytest.raises(IllegalMove):
        services.reject(schedule_id=schedule.id, reason="why", actor=OPERATOR, now=now)
    with pytest.raises(IllegalMove):
        services.unsuspend(schedule_id=schedule.id, actor=OPERATOR, now=now)
    with pytest.raises(IllegalMove):
        services.grant_appeal(schedule_id=schedule.id, reason="why", actor=OPERATOR, now=now)


def test_many_are_approved_each_by_itself(make_schedule: MakeSchedule, now: datetime) -> None:
    waiting = [make_schedule(admin_status=A.NEEDS_REVIEW) for _ in range(2)]
    banned = make_schedule(admin_status=A.BANNED, admin_reason="spam")
    changed = make_schedule(admin_status=A.NEEDS_REVIEW)
    unknown = uuid4()
    asked = {schedule.id: schedule.content_digest for schedule in waiting}
    asked |= {banned.id: banned.content_digest, changed.id: "older", unknown: "none"}
    rulings = services.approve_all(schedules={**asked}, actor=OPERATOR, now=now)
    assert [ruling.schedule_id for ruling in rulings] == list(asked)
    assert [type(ruling.refusal) for ruling in rulings] == [
        type(None),
        type(None),
        IllegalMove,
        Stale,
        NotFound,
    ]
    assert [ruling.done for ruling in rulings] == [True, True, False, False, False]
    assert {reload(schedule).admin_status for schedule in waiting} == {A.APPROVED}
    assert reload(changed).admin_status == A.NEEDS_REVIEW


@pytest.mark.parametrize(
    ("verb", "source", "target"),
    [
        (services.reject_all, A.NEEDS_REVIEW, A.SUSPENDED),
        (services.suspend_all, A.APPROVED, A.SUSPENDED),
        (services.ban_all, A.APPROVED, A.BANNED),
    ],
)
def test_many_are_stopped_with_one_reason(
    verb: Callable[..., list[services.Ruling]],
    source: AdminStatus,
    target: AdminStatus,
    make_schedule: MakeSchedule,
    now: datetime,
) -> None:
    many = [make_schedule(admin_status=source) for _ in range(3)]
    ids = [schedule.id for schedule in many]
    with pytest.raises(ReasonRequired):
        verb(schedule_ids=ids, reason="", actor=OPERATOR, now=now)
    rulings = verb(schedule_ids=ids, reason="campaign over", actor=OPERATOR, now=now)
    assert all(ruling.done for ruling in rulings)
    assert {reload(schedule).admin_status for schedule in many} == {target}


def test_review_queue_lists_all_companies_oldest_first(
    make_schedule: MakeSchedule, schedule: Schedule, now: datetime
) -> None:
    second = make_schedule(admin_status=A.NEEDS_REVIEW, created_at=now)
    first = make_schedule(admin_status=A.NEEDS_REVIEW)
    with tenancy.platform("test"):
        assert list(queries.review_queue()) == [first, second]
