"""The scheduler as a process: it sleeps, wakes, survives, and lets nothing broken stop the rest."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.db import connection as database
from structlog.testing import capture_logs

from tenantry.core import clock, tenancy
from tenantry.work.schedules import dispatch, scheduling
from tenantry.work.schedules.models import Schedule, Slot
from tenantry.work.schedules.services import Wanted, create_schedule
from tests.work.schedules.conftest import MakeConnection, MakeSchedule, reload, slots_of

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def running(read_clock: Callable[[], datetime] = clock.now) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(
        target=scheduling.run_scheduler, args=(stop,), kwargs={"read_clock": read_clock}
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)
        assert not thread.is_alive()


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def decided(schedule: Schedule) -> Slot | None:
    slots = slots_of(schedule)
    return slots[0] if slots else None


def soon(seconds: float = 0.5) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


def test_it_sleeps_until_a_slot_is_due(make_schedule: MakeSchedule) -> None:
    schedule = make_schedule(next_due_at=soon(1))
    with running():
        wait_for(lambda: decided(schedule) is not None)
    (slot,) = slots_of(schedule)
    assert timedelta(0) <= slot.decided_at - slot.nominal_at < timedelta(seconds=1)


def test_it_does_nothing_while_nothing_is_due(
    make_schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schedule(next_due_at=soon(3600))
    rounds = []
    monkeypatch.setattr(scheduling, "_watch_clock", lambda _latest, now: rounds.append(now))
    with running():
        wait_for(lambda: len(rounds) == 1)
        # Long enough for fifty rounds of a poller.
        time.sleep(1)
    assert len(rounds) <= 2


def test_news_wakes_it(
    wanted: Wanted, make_schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep = threading.Event()
    monkeypatch.setattr(scheduling, "_give_back", asleep.set)
    with running():
        assert asleep.wait(5)
        made = create_schedule(
            tenant_id=make_schedule(next_due_at=None).tenant_id,
            wanted=wanted,
            actor="user:me",
            now=clock.now() - timedelta(days=8),
        )
        wait_for(lambda: decided(made) is not None)


def test_it_goes_on_after_the_database_was_lost(make_schedule: MakeSchedule) -> None:
    first = make_schedule(next_due_at=soon(0))
    with capture_logs() as logs, running():
        wait_for(lambda: decided(first) is not None)
        second = make_schedule(next_due_at=soon(0.2))
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user"
                " AND pid <> pg_backend_pid()"
            )
        scheduling_topic()
        wait_for(lambda: decided(second) is not None)
    said = {log["event"] for log in logs}
    assert said & {"live_connection_lost", "scheduler_waits_for_database"}


def scheduling_topic() -> None:
    with tenancy.platform("wake"), database.cursor() as cursor:
        cursor.execute('SELECT pg_notify(\'tenantry\', \'{"topic":"schedules.due","facts":{}}\')')


def test_a_clock_stepping_back_is_said_and_decides_nothing_twice(
    make_schedule: MakeSchedule,
) -> None:
    schedule = make_schedule(next_due_at=soon(-1), times=["00:00"])
    back = [timedelta(0)]
    with capture_logs() as logs, running(lambda: clock.now() - back[0]):
        wait_for(lambda: decided(schedule) is not None)
        back[0] = timedelta(hours=1)
        scheduling_topic()
        wait_for(lambda: "clock_stepped_back" in [log["event"] for log in logs])
    assert len(slots_of(schedule)) == 1


def test_a_schedule_that_breaks_stops_no_other(
    make_schedule: MakeSchedule, make_connection: MakeConnection
) -> None:
    due = soon(0)
    broken = make_schedule(next_due_at=due, zone="Never/Heard")
    others = [make_schedule(next_due_at=due, on=make_connection()) for _ in range(4)]
    late = make_schedule(next_due_at=due + timedelta(seconds=1), on=make_connection())
    with capture_logs() as logs, running():
        wait_for(lambda: all(decided(one) for one in [*others, late]))
    failed = {log["schedule_id"] for log in logs if log["event"] == "slot_failed"}
    assert failed == {str(broken.id)}
    assert decided(broken) is None
    assert reload(broken).next_due_at == due


@pytest.mark.django_db(transaction=True)
def test_one_pass_takes_many_batches(
    make_schedule: MakeSchedule, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(scheduling, "BATCH", 2)
    take = dispatch.dispatch_batch
    monkeypatch.setattr(dispatch, "dispatch_batch", lambda **given: take(**{"limit": 2, **given}))
    for number in range(5):
        make_schedule(name=f"post {number}")
    passed = scheduling.drain(lambda: now, threading.Event())
    assert (passed.decided, passed.failed) == (5, 0)


def test_stopping_is_prompt(make_schedule: MakeSchedule) -> None:
    make_schedule(next_due_at=soon(3600))
    started = time.monotonic()
    with running():
        pass
    assert time.monotonic() - started < 5
