"""What dead processes leave behind is picked up, once, whoever does it."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection as database
from django.db import connections
from procrastinate.contrib.django import app

from tenantry.core import clock, tenancy
from tenantry.work.automation import kinds, queries, rescue, services
from tenantry.work.automation.errorcodes import Code
from tenantry.work.automation.models import Attempt, Connection, Job, ProcessBeat
from tenantry.work.automation.states import JobState, SessionState
from tests.probes import at_once
from tests.work.automation.conftest import ACTOR, MakeConnection, MakeJob, reload, reload_connection
from tests.work.automation.probe import PASSWORD, Site

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=1)
ResultT = TypeVar("ResultT")


def claim(connection: Connection, now: datetime | None = None) -> Job:
    claimed = services.claim(
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        now=now or clock.now(),
    )
    return claimed.jobs[0]


def test_living_leases_are_left_alone(connection: Connection, make_job: MakeJob) -> None:
    make_job()
    running = claim(connection)
    assert services.rescue_jobs(now=clock.now()) == 0
    assert reload(running).lease_token == running.lease_token


def test_running_job_of_a_dead_worker_is_queued_again(
    connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    claim(connection)
    assert services.rescue_jobs(now=clock.now() + LATER) == 1
    back = reload(job)
    assert (back.state, back.attempts, back.lease_token) == (JobState.QUEUED, 1, None)
    with tenancy.scope(job.tenant_id):
        (attempt,) = Attempt.objects.filter(job=job)
    assert (attempt.error_code, attempt.ended_at is None) == (Code.BROWSER_ERROR, False)


def test_job_that_kills_its_workers_fails_in_the_end(
    connection: Connection, make_job: MakeJob
) -> None:
    job, moment = make_job(), clock.now()
    for _ in range(5):
        claim(connection, moment)
        moment += LATER
        services.rescue_jobs(now=moment)
    ended = reload(job)
    assert (ended.state, ended.error_code) == (JobState.FAILED, Code.BROWSER_ERROR)


def test_submitting_job_of_a_dead_worker_is_looked_up(
    connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    running = claim(connection)
    services.intend(job=running, submitted={}, now=clock.now())
    assert services.rescue_jobs(now=clock.now() + LATER) == 1
    left = reload(job)
    assert (left.state, left.error_code) == (JobState.UNKNOWN, Code.OUTCOME_UNKNOWN)
    look = services.claim(
        tenant_id=job.tenant_id,
        connection_id=connection.id,
        now=clock.now() + LATER,
    ).look
    assert look is not None
    assert (look.id, look.looks) == (job.id, 1)


def test_dead_sign_in_is_an_error_in_the_end(site: Site) -> None:
    connection = services.connect(
        tenant_id=uuid4(),
        product="probe",
        connector="pageless",
        account="a",
        password=PASSWORD,
        label="",
        actor=ACTOR,
        now=clock.now(),
    )
    moment = clock.now()
    for _ in range(5):
        assert claim(connection, moment).kind == kinds.SIGN_IN.name
        moment += LATER
        services.rescue_jobs(now=moment)
    assert reload_connection(connection).session_state == SessionState.ERROR


def test_unknown_outcome_nobody_could_look_up_is_left_to_a_person(
    connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    services.intend(job=claim(connection), submitted={}, now=clock.now())
    services.rescue_jobs(now=clock.now() + LATER)
    assert services.rescue_jobs(now=clock.now() + timedelta(days=2)) == 0
    assert services.rescue_jobs(now=clock.now() + timedelta(days=4)) == 1
    assert (reload(job).state, reload(job).error_code) == (JobState.FAILED, Code.OUTCOME_UNKNOWN)


@pytest.mark.django_db(transaction=True)
def test_rescuers_at_once_rescue_each_job_once(
    connection: Connection, make_job: MakeJob, make_connection: MakeConnection
) -> None:
    for _ in range(10):
        one = make_connection()
        make_job(on=one)
        claim(one)
    now = clock.now() + LATER
    answers = at_once([lambda: services.rescue_jobs(now=now)] * 16)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert sum(answer for answer in answers if isinstance(answer, int)) == 10


def waiting() -> list[str]:
    with database.cursor() as cursor:
        cursor.execute("SELECT lock FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [lock for (lock,) in cursor.fetchall()]


def clear() -> None:
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def test_lost_wake_ups_are_made_up_for(connection: Connection, make_job: MakeJob) -> None:
    make_job()
    make_job()
    clear()
    assert services.wake_ready(now=clock.now()) == 1
    assert services.wake_ready(now=clock.now()) == 0
    assert waiting() == [f"lane:{connection.id}"]


def test_lanes_that_cannot_run_are_not_woken(connection: Connection, make_job: MakeJob) -> None:
    job = make_job()
    with tenancy.scope(job.tenant_id):
        Job.objects.filter(id=job.id).update(run_after=clock.now() + LATER)
    clear()
    assert services.wake_ready(now=clock.now()) == 0
    assert services.wake_ready(now=clock.now() + 2 * LATER) == 1


def put_message(*, worker: str, lock: str) -> int:
    """Insert a running message: of a worker that is dead, alive, or was forgotten."""
    with database.cursor() as cursor:
        worker_id = None
        if worker != "forgotten":
            age = "0" if worker == "alive" else "60"
            cursor.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES"
                " (now() - %s::interval) RETURNING id",
                [f"{age} seconds"],
            )
            worker_id = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, status,"
            " worker_id) VALUES ('browser', 'x', %s, %s, 'doing', %s) RETURNING id",
            [lock, lock, worker_id],
        )
        message: int = cursor.fetchone()[0]
        return message


def in_loop(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run it as a worker does, and close what the loop's threads have opened."""

    async def run() -> ResultT:
        try:
            return await work
        finally:
            await sync_to_async(connections.close_all)()

    return asyncio.run(run())


def rescued_messages() -> int:
    return in_loop(rescue.retry_stalled(app.job_manager, now=clock.now()))


def statuses() -> list[str]:
    with database.cursor() as cursor:
        cursor.execute("SELECT status FROM procrastinate_jobs ORDER BY id")
        return [status for (status,) in cursor.fetchall()]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("worker", "rescued", "status"),
    [("dead", 1, ["todo"]), ("forgotten", 1, ["todo"]), ("alive", 0, ["doing"])],
)
def test_messages_of_dead_workers_are_given_to_others(
    worker: str, rescued: int, status: list[str]
) -> None:
    put_message(worker=worker, lock="lane:a")
    assert rescued_messages() == rescued
    assert statuses() == status


@pytest.mark.django_db(transaction=True)
def test_stalled_message_makes_way_for_the_one_that_waits() -> None:
    put_message(worker="dead", lock="lane:a")
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock)"
            " VALUES ('browser', 'x', 'lane:a', 'lane:a')"
        )
    assert rescued_messages() == 1
    assert statuses() == ["todo"]


@pytest.mark.django_db(transaction=True)
def test_tend_does_everything_at_once(connection: Connection, make_job: MakeJob) -> None:
    job = make_job()
    clear()
    in_loop(rescue.tend(app.job_manager, now=clock.now()))
    assert waiting() == [f"lane:{connection.id}"]
    assert reload(job).state == JobState.QUEUED


def test_beats_show_who_lives(now: datetime) -> None:
    for pid, age in ((1, 0), (2, 10), (3, 20)):
        services.beat(
            kind="worker",
            host="one",
            pid=pid,
            started_at=now - LATER,
            now=now - timedelta(seconds=age),
            version="0.1",
        )
    services.beat(kind="worker", host="one", pid=1, started_at=now, now=now)
    alive = {beat.pid: living for beat, living in queries.list_processes(now=now)}
    assert alive == {1: True, 2: True, 3: False}
    assert services.forget_beats(now=now + timedelta(days=2)) == 3
    assert not ProcessBeat.objects.exists()
