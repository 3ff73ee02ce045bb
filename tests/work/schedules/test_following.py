"""News from below: jobs that end, once each however often heard, and content that changes."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tenantry.core import tenancy
from tenantry.customers.notices.models import Notice
from tenantry.governance.policies import queries as policies
from tenantry.sdk.content import content_changed
from tenantry.work.automation import services as automation
from tenantry.work.schedules import services
from tenantry.work.schedules.dispatch import dispatch_batch
from tenantry.work.schedules.models import Schedule, Slot
from tenantry.work.schedules.services import run_now
from tenantry.work.schedules.states import AdminStatus
from tests.probes import handle_messages
from tests.work.automation.probe import ProbeContent
from tests.work.schedules.conftest import OPERATOR, MakeSchedule, jobs, reload, slots_of

pytestmark = pytest.mark.django_db


def end(slot: Slot, state: str, now: datetime, code: str = "") -> None:
    services.record_job_end(
        tenant_id=slot.tenant_id, slot_id=slot.id, state=state, error_code=code, now=now
    )


def run(schedule: Schedule, moment: datetime) -> Slot:
    return run_now(
        tenant_id=schedule.tenant_id, schedule_id=schedule.id, actor="user:me", now=moment
    )


def ended(schedule: Schedule, states: list[str], now: datetime) -> list[Slot]:
    slots = []
    for number, state in enumerate(states):
        moment = now + timedelta(days=number)
        slots.append(run(schedule, moment))
        end(slots[-1], state, moment, "UI_CHANGED" if state == "FAILED" else "")
    return slots


def test_outcome_is_taken_once(schedule: Schedule, now: datetime) -> None:
    slot = run(schedule, now)
    for _ in range(3):
        end(slot, "FAILED", now, "UI_CHANGED")
    end(slot, "SUCCESS", now)
    assert [one.job_outcome for one in slots_of(schedule)] == ["FAILED"]
    assert reload(schedule).consecutive_failures == 1


@pytest.mark.parametrize(
    ("states", "failures"),
    [
        (["FAILED", "FAILED"], 2),
        (["FAILED", "SUCCESS"], 0),
        (["FAILED", "CANCELLED", "FAILED"], 2),
        (["FAILED", "UNKNOWN", "FAILED"], 2),
        (["FAILED", "FAILED", "SUCCESS", "FAILED"], 1),
    ],
)
def test_failures_count_in_a_row(
    states: list[str], failures: int, schedule: Schedule, now: datetime
) -> None:
    ended(schedule, states, now)
    assert reload(schedule).consecutive_failures == failures


def test_unknown_may_become_another_and_nothing_else_may(schedule: Schedule, now: datetime) -> None:
    slot = run(schedule, now)
    seen = []
    for state in ("UNKNOWN", "UNKNOWN", "SUCCESS", "UNKNOWN", "FAILED"):
        end(slot, state, now, "UI_CHANGED" if state == "FAILED" else "")
        seen.append(slots_of(schedule)[0].job_outcome)
    assert seen == ["UNKNOWN", "UNKNOWN", "SUCCESS", "SUCCESS", "SUCCESS"]


def test_five_failures_suspend_and_say_why(schedule: Schedule, now: datetime) -> None:
    waiting = run(schedule, now - timedelta(hours=1))
    ended(schedule, ["FAILED"] * 4, now)
    assert reload(schedule).admin_status == AdminStatus.APPROVED
    ended(schedule, ["FAILED"], now + timedelta(days=9))
    stopped = reload(schedule)
    assert (stopped.admin_status, stopped.consecutive_failures) == (AdminStatus.SUSPENDED, 5)
    assert stopped.reason_text.startswith("5 posts in a row failed. The last one: The site's page")
    with tenancy.scope(schedule.tenant_id):
        (notice,) = Notice.objects.all()
    assert notice.code == "schedule_suspended"
    assert notice.message.startswith("5 posts in a row failed.")
    assert "ask for a new review" in notice.remedy
    assert [job.state for job in jobs() if job.subject == waiting.id] == ["CANCELLED"]
    assert run(schedule, now + timedelta(days=10)).code == "ADMIN_SUSPENDED"


def test_debug_begins_exactly_at_three(schedule: Schedule, now: datetime) -> None:
    ended(schedule, ["FAILED"] * 4, now)
    assert [job.debug for job in jobs()] == [False, False, False, True]


@pytest.mark.parametrize(
    ("state", "code", "left"),
    [
        ("FAILED", "UI_CHANGED", 0),
        ("CANCELLED", "", 0),
        ("SUCCESS", "", 1),
        ("UNKNOWN", "", 1),
        ("FAILED", "OUTCOME_UNKNOWN", 1),
    ],
)
def test_only_what_certainly_was_not_posted_is_given_back(
    state: str, code: str, left: int, schedule: Schedule, now: datetime
) -> None:
    slot = run(schedule, now)
    for _ in range(2):
        end(slot, state, now, code)
    with tenancy.scope(schedule.tenant_id):
        day = f"{now:%Y-%m-%d}"
        assert policies.used(key=f"schedule:{schedule.id}", window=day) == left
        assert policies.used(key=f"connection:{schedule.connection_id}", window=day) == left


def test_outcome_left_unknown_is_told_and_counts_as_no_failure(
    schedule: Schedule, now: datetime
) -> None:
    slot = run(schedule, now)
    for _ in range(2):
        end(slot, "FAILED", now, "OUTCOME_UNKNOWN")
    assert reload(schedule).consecutive_failures == 0
    with tenancy.scope(schedule.tenant_id):
        (notice,) = Notice.objects.all()
    assert notice.code == "post_unknown"
    assert "2026-11-22 12:00 (UTC)" in notice.message


def test_end_of_a_strange_job_is_ignored(schedule: Schedule, now: datetime) -> None:
    services.record_job_end(
        tenant_id=schedule.tenant_id, slot_id=UUID(int=1), state="FAILED", error_code="", now=now
    )
    assert reload(schedule).consecutive_failures == 0


def test_job_ended_message_reaches_the_slot(schedule: Schedule, now: datetime) -> None:
    dispatch_batch(now=now)
    (slot,) = slots_of(schedule)
    with tenancy.scope(schedule.tenant_id):
        automation.cancel_jobs(subjects=[slot.id], actor=OPERATOR, now=now, reason="test")
    handle_messages()
    assert [one.job_outcome for one in slots_of(schedule)] == ["CANCELLED"]


def change_content(schedule: Schedule, digest: str) -> None:
    with tenancy.scope(schedule.tenant_id):
        content_changed(
            tenant_id=schedule.tenant_id,
            product="probe",
            content_id=schedule.content_id,
            digest=digest,
        )
    handle_messages()


def test_changed_content_is_reviewed_before_it_is_posted(
    make_schedule: MakeSchedule, content: ProbeContent, now: datetime
) -> None:
    shared = uuid4()
    many = [make_schedule(content_id=shared) for _ in range(2)]
    other = make_schedule()
    content.now_digest = "edited"
    change_content(many[0], "edited")
    assert [reload(schedule).admin_status for schedule in (*many, other)] == [
        "NEEDS_REVIEW",
        "NEEDS_REVIEW",
        "APPROVED",
    ]
    dispatch_batch(now=now)
    assert [slots_of(schedule)[0].code for schedule in many] == ["ADMIN_NEEDS_REVIEW"] * 2
    assert reload(many[0]).content_digest == "edited"


def test_late_news_of_older_content_changes_nothing(
    schedule: Schedule, content: ProbeContent
) -> None:
    before = content.now_digest
    change_content(schedule, "what it was for a moment")
    assert (reload(schedule).content_digest, reload(schedule).admin_status) == (before, "APPROVED")


def test_deleted_content_is_not_posted(
    schedule: Schedule, content: ProbeContent, now: datetime
) -> None:
    content.now_digest = ""
    change_content(schedule, "")
    dispatch_batch(now=now)
    assert reload(schedule).admin_status == AdminStatus.APPROVED
    assert slots_of(schedule)[0].code == "ADMIN_STALE"


def test_only_approved_content_is_ever_dispatched(
    schedule: Schedule, content: ProbeContent, now: datetime
) -> None:
    approved = {content.now_digest}
    for day, (digest, approve) in enumerate([("b", False), ("b", True), ("c", False)]):
        content.now_digest = digest
        change_content(schedule, digest)
        if approve:
            services.approve(schedule_id=schedule.id, actor=OPERATOR, now=now)
            approved.add(digest)
        run(schedule, now + timedelta(days=day))
    assert [job.content_digest for job in jobs()] == ["b"]
    assert {job.content_digest for job in jobs()} <= approved
