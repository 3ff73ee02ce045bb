"""What pages read: conditions, run log, explanations; and never a query per row."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from tenantry.core import tenancy
from tenantry.core.errors import NotFound
from tenantry.customers.tenants.models import Tenant
from tenantry.work.automation.models import Job
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules import queries, services
from tenantry.work.schedules.dispatch import dispatch_batch
from tenantry.work.schedules.models import Schedule
from tenantry.work.schedules.states import AdminStatus
from tests.work.schedules.conftest import (
    OPERATOR,
    MakeConnection,
    MakeSchedule,
    slots_of,
)

pytestmark = pytest.mark.django_db


def test_list_shows_conditions_and_next_run_on_the_schedules_clocks(
    make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(zone="Asia/Seoul", times=["21:00"])
    waiting = make_schedule(admin_status=AdminStatus.NEEDS_REVIEW, next_due_at=None)
    with tenancy.scope(schedule.tenant_id):
        first, second = queries.list_for_tenant(tenant_id=schedule.tenant_id, now=now)
    assert (first.schedule, second.schedule) == (schedule, waiting)
    assert first.dispatched
    assert [gate.code for gate in first.gates] == [
        "USER_ENABLED",
        "ADMIN_APPROVED",
        "SESSION_HEALTHY",
        "WITHIN_LIMIT",
    ]
    assert first.closed is None
    assert str(first.next_run) == "2026-11-22 21:00:00+09:00"
    assert second.closed is not None
    assert second.closed.code == "ADMIN_NEEDS_REVIEW"
    assert "approves the schedule" in second.closed.remedy
    assert second.next_run is None


def queries_of(call: Callable[[], object]) -> int:
    with CaptureQueriesContext(database) as captured:
        call()
    return len(captured)


def test_lists_take_as_many_queries_for_three_as_for_one(
    make_schedule: MakeSchedule, make_connection: MakeConnection, tenant: Tenant, now: datetime
) -> None:
    def look() -> None:
        with tenancy.scope(tenant.id):
            [one.gates for one in queries.list_for_tenant(tenant_id=tenant.id, now=now)]
            [queries.explain(slot) for slot in queries.list_slots(tenant_id=tenant.id)]

    make_schedule()
    dispatch_batch(now=now)
    look()
    once = queries_of(look)
    for _ in range(2):
        make_schedule(on=make_connection())
    dispatch_batch(now=now)
    assert (once, queries_of(look)) == (once, once)


def test_strangers_find_nothing(schedule: Schedule, other_tenant: Tenant, now: datetime) -> None:
    dispatch_batch(now=now)
    (slot,) = slots_of(schedule)
    with tenancy.scope(other_tenant.id):
        assert queries.list_for_tenant(tenant_id=other_tenant.id, now=now) == []
        assert list(queries.list_slots(tenant_id=other_tenant.id)) == []
        for tenant_id in (other_tenant.id, schedule.tenant_id):
            with pytest.raises(NotFound):
                queries.get_for_tenant(tenant_id=tenant_id, schedule_id=schedule.id)
            with pytest.raises(NotFound):
                queries.get_slot(tenant_id=tenant_id, slot_id=slot.id)
        with pytest.raises(NotFound):
            queries.simulate(schedule_id=schedule.id, at=now, now=now)


def test_upcoming_is_on_the_schedules_clocks(make_schedule: MakeSchedule, now: datetime) -> None:
    schedule = make_schedule(zone="Asia/Seoul", times=["21:00"])
    shown = [str(moment) for moment in queries.upcoming(schedule, now=now, count=2)]
    assert shown == ["2026-11-22 21:00:00+09:00", "2026-11-23 21:00:00+09:00"]
    assert queries.upcoming(make_schedule(next_due_at=None), now=now) == []


@pytest.fixture
def log(make_schedule: MakeSchedule, make_connection: MakeConnection, now: datetime) -> Schedule:
    """Four slots: queued, failed, blocked by the session, skipped because turned off."""
    queued = make_schedule(name="Queued one", next_due_at=now - timedelta(minutes=1))
    failed = make_schedule(name="Failed one", on=make_connection())
    make_schedule(name="Blocked one", on=make_connection(state=SessionState.EXPIRED))
    make_schedule(name="Skipped one", user_enabled=False)
    dispatch_batch(now=now)
    with tenancy.platform("fail a job"):
        Job.objects.filter(connection_id=failed.connection_id).update(
            state="FAILED", error_code="UI_CHANGED", ended_at=now
        )
    return queued


def names(schedule: Schedule, **filters: object) -> list[str]:
    with tenancy.scope(schedule.tenant_id):
        slots = queries.list_slots(tenant_id=schedule.tenant_id, **filters)  # type: ignore[arg-type]  # a test's own mix
        return sorted(slot.schedule.name.partition(" ")[0] for slot in slots)


def test_log_is_filtered(log: Schedule, now: datetime) -> None:
    assert names(log) == ["Blocked", "Failed", "Queued", "Skipped"]
    for status in ("QUEUED", "FAILED", "BLOCKED", "SKIPPED"):
        assert names(log, status=status) == [status.capitalize()]
    assert names(log, status="RUNNING") == names(log, status="SUCCESS") == []
    assert names(log, schedule_id=log.id) == ["Queued"]
    assert names(log, since=now) == ["Blocked", "Failed", "Skipped"]
    assert names(log, until=now) == ["Queued"]
    assert names(log, search="failed") == ["Failed"]
    assert names(log, search="ui_changed") == ["Failed"]
    assert names(log, search="session_") == ["Blocked"]
    assert names(log, search=slots_of(log)[0].trace_id) == ["Queued"]
    assert names(log, search="%") == []


def test_every_slot_explains_itself(log: Schedule) -> None:
    with tenancy.scope(log.tenant_id):
        found = queries.list_slots(tenant_id=log.tenant_id)
        told = {slot.status.value: queries.explain(slot) for slot in found}
    assert {status: one.message for status, one in told.items()} == {
        "QUEUED": "The post waits for its turn on the account.",
        "FAILED": "The site's page looks different from what we know.",
        "BLOCKED": "The account's sign-in has expired.",
        "SKIPPED": "The schedule is turned off.",
    }
    assert all(one.remedy and len(one.gates) == 4 for one in told.values())
    assert told["QUEUED"].late_seconds == 60


def test_simulation_says_what_run_now_then_does(
    make_schedule: MakeSchedule, make_connection: MakeConnection, now: datetime
) -> None:
    closed = make_connection(state=SessionState.CHALLENGE_REQUIRED)
    columns: list[dict[str, object]] = [
        {},
        {"user_enabled": False},
        {"admin_status": AdminStatus.NEEDS_REVIEW},
        {"content_digest": "other"},
        {"on": closed},
        {"on": closed, "user_enabled": False},
    ]
    for given in columns:
        schedule = make_schedule(**given)
        with tenancy.scope(schedule.tenant_id):
            expected = queries.simulate(schedule_id=schedule.id, at=now, now=now)
        slot = services.run_now(
            tenant_id=schedule.tenant_id, schedule_id=schedule.id, actor=OPERATOR, now=now
        )
        assert (slot.outcome, slot.code) == (expected.decision.outcome, expected.decision.code)
        assert slot.verdicts == expected.as_json()["verdicts"]


def test_simulation_for_another_day_reads_that_days_counters(
    make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(daily_limit=1)
    dispatch_batch(now=now)
    with tenancy.scope(schedule.tenant_id):
        today = queries.simulate(schedule_id=schedule.id, at=now, now=now)
        tomorrow = queries.simulate(schedule_id=schedule.id, at=now + timedelta(days=1), now=now)
        missed = queries.simulate(schedule_id=schedule.id, at=now - timedelta(days=1), now=now)
    assert [one.decision.code for one in (today, tomorrow, missed)] == [
        "DAILY_LIMIT",
        "ALL_OPEN",
        "SLOT_MISSED",
    ]
    assert next(iter(today.explained())) == (
        "skipped: The day's posts are used up: 1 of 1 of this schedule, 1 of 20 of the account."
    )
    told = list(missed.explained())
    assert told[0] == "skipped: The slot was found too late to be made up for."
    assert [line[2] for line in told[1:]] == ["+"] * 4


def test_explanation_names_the_remedy_below_each_closed_gate(
    make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(user_enabled=False)
    with tenancy.scope(schedule.tenant_id):
        standing = queries.simulate(schedule_id=schedule.id, at=now, now=now)
    assert list(standing.explained())[:3] == [
        "skipped: The schedule is turned off.",
        "  - Turned on: The schedule is turned off.",
        "    Turn the schedule on.",
    ]


def test_simulation_of_nothing_is_not_found(tenant: Tenant, now: datetime) -> None:
    with tenancy.scope(tenant.id), pytest.raises(NotFound):
        queries.simulate(schedule_id=uuid4(), at=now, now=now)
