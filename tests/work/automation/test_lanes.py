"""Whole lanes against a pretended site: without a browser, so that every turn is quick."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database

from tenantry.core import clock, db, tenancy
from tenantry.sdk import errors
from tenantry.work.automation import lanes, leases, queries, services
from tenantry.work.automation.browserhost import BrowserHost
from tenantry.work.automation.chromium import Chromium
from tenantry.work.automation.errorcodes import Code
from tenantry.work.automation.models import Attempt, Connection, Job
from tenantry.work.automation.states import JobState, SessionState
from tests.work.automation.conftest import (
    ACTOR,
    MakeConnection,
    MakeJob,
    reload,
    reload_connection,
)
from tests.work.automation.probe import DIGEST, PASSWORD, Site, Trouble

pytestmark = pytest.mark.django_db(transaction=True)


def drain(connection: Connection) -> int:
    async def run() -> int:
        host = BrowserHost(Chromium(headless=None, headed=None, xvfb=None))
        try:
            return await lanes.drain(
                connection_id=connection.id,
                tenant_id=connection.tenant_id,
                host=host,
                now=clock.now,
            )
        finally:
            await host.close()

    return asyncio.run(run())


def change(job: Job, **fields: object) -> None:
    with tenancy.scope(job.tenant_id):
        Job.objects.filter(id=job.id).update(**fields)


def attempts(job: Job) -> list[tuple[str, str, str]]:
    with tenancy.scope(job.tenant_id):
        rows = queries.list_attempts(tenant_id=job.tenant_id, job_id=job.id)
        return [(row.mode, row.phase, row.error_code) for row in rows if row.ended_at]


def test_publish_ends_with_proof(site: Site, connection: Connection, make_job: MakeJob) -> None:
    job = make_job()
    assert drain(connection) == 1
    ended = reload(job)
    assert (ended.state, ended.error_code, ended.published_id) == (JobState.SUCCESS, "", "1")
    assert ended.result["url"] == "https://probe.example/1"
    assert ended.result["matches"] is True
    assert attempts(job) == [("pageless", "submitted", "")]
    assert site.submits == 1


def test_jobs_of_a_connection_run_one_after_another(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    jobs = [make_job() for _ in range(5)]
    assert drain(connection) == 5
    published = [reload(job).published_id for job in jobs]
    assert published == ["1", "2", "3", "4", "5"]


HAND_OVER = f"""
    WITH wanted AS (
        SELECT gen_random_uuid() AS job_id, tenant_id, id AS connection_id, %(kind)s AS kind,
            gen_random_uuid() AS content_id, %(digest)s AS content_digest, %(now)s AS moment,
            'Asia/Seoul' AS zone, gen_random_uuid() AS subject, false AS debug,
            repeat('a', 32) AS trace_id, %(now)s AS at
        FROM automation_connection WHERE id = %(connection)s
    ), jobs AS ({services.ENQUEUE_FROM.format(source="wanted")}),
    lanes AS ({services.WAKE_FROM.format(source="wanted")}) SELECT
"""
# A transaction keeps what it once read of the activity.
LOOK_ANEW = "SELECT pg_stat_clear_snapshot()"
WAITING = """
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def hand_over(connection: Connection) -> None:
    """Queue a job in one statement, as the scheduler does."""
    given = {"connection": connection.id, "kind": "probe.publish", "digest": DIGEST}
    execute(HAND_OVER, {**given, "now": clock.now()})


def execute(statement: str, given: Mapping[str, Any]) -> int:
    with database.cursor() as cursor:
        cursor.execute(statement, given)
        rows: int = cursor.rowcount
        return rows


def begin_and_drain(connection: Connection) -> int:
    """Do what a worker does that takes the lane's message."""
    with db.borrowed():
        begin = "UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = %(lock)s"
        assert execute(begin, {"lock": f"lane:{connection.id}"}) == 1
        return drain(connection)


@pytest.mark.parametrize("set_based", [False, True])
def test_a_job_that_is_committed_while_its_lane_ends_is_taken(
    site: Site, connection: Connection, make_job: MakeJob, *, set_based: bool
) -> None:
    with tenancy.scope(connection.tenant_id):
        services.wake(connection_id=connection.id, tenant_id=connection.tenant_id)
    with ThreadPoolExecutor(1) as threads:
        with tenancy.scope(connection.tenant_id):
            # The lane's message waits, so this sends none. Then that begins, and sees no job.
            hand_over(connection) if set_based else make_job()
            lane = threads.submit(begin_and_drain, connection)
            deadline = time.monotonic() + 10
            while not (lane.done() or execute(WAITING, {})):
                assert time.monotonic() < deadline
                time.sleep(0.01)
                execute(LOOK_ANEW, {})
        assert lane.result(20) == 1
    assert site.submits == 1


def test_changed_content_is_not_published(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job(content_digest="another")
    drain(connection)
    ended = reload(job)
    assert (ended.state, ended.error_code) == (JobState.FAILED, Code.VALIDATION_ERROR)
    assert "approval" in ended.error_message
    assert site.submits == 0


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (errors.NetworkError("cut"), JobState.QUEUED, Code.NETWORK_ERROR),
        (errors.SiteTimeout("slow"), JobState.QUEUED, Code.TIMEOUT),
        (errors.RateLimited(retry_after=900), JobState.QUEUED, Code.RATE_LIMIT),
        (errors.UiChanged(landmark="title"), JobState.FAILED, Code.UI_CHANGED),
        (errors.PermissionDenied(), JobState.FAILED, Code.PERMISSION_DENIED),
        (errors.AuthExpired(), JobState.FAILED, Code.AUTH_EXPIRED),
        (errors.ChallengeRequired(), JobState.FAILED, Code.CHALLENGE_REQUIRED),
        (Trouble("strange"), JobState.FAILED, Code.UNKNOWN),
        (ZeroDivisionError("a bug"), JobState.FAILED, Code.UNKNOWN),
    ],
)
def test_error_before_the_submit_follows_its_rule(
    site: Site,
    connection: Connection,
    make_job: MakeJob,
    error: Exception,
    state: JobState,
    code: Code,
) -> None:
    job = make_job()
    site.fail_before = error
    drain(connection)
    ended = reload(job)
    assert (ended.state, ended.error_code) == (state, code)
    assert attempts(job) == [("pageless", "before_submit", code)]
    assert site.submits == 0
    if code == Code.RATE_LIMIT:
        assert ended.run_after - clock.now() > timedelta(minutes=14)


def test_network_error_is_given_up_after_three_retries(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    site.fail_before = errors.NetworkError("cut")
    for _ in range(6):
        change(job, run_after=clock.now())
        drain(connection)
    ended = reload(job)
    assert (ended.state, ended.attempts) == (JobState.FAILED, 4)
    assert len(attempts(job)) == 4


def test_error_after_the_submit_is_looked_up_and_found(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    site.fail_after = errors.SiteTimeout("accepted, then silence")
    drain(connection)
    ended = reload(job)
    assert (ended.state, ended.published_id) == (JobState.SUCCESS, "1")
    assert site.submits == 1
    with tenancy.scope(job.tenant_id):
        (attempt,) = Attempt.objects.filter(job=job)
    assert "accepted, then silence" in attempt.message


def test_unanswered_submit_that_is_not_there_yet_stays_unknown(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    site.fail_after, site.swallow = errors.SiteTimeout("silence"), True
    drain(connection)
    open_job = reload(job)
    assert (open_job.state, open_job.error_code) == (JobState.UNKNOWN, Code.TIMEOUT)
    assert open_job.run_after - clock.now() > timedelta(seconds=15)
    assert site.submits == 1


def test_unknown_outcome_is_found_later(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    site.fail_after, site.find_error = errors.SiteTimeout("x"), errors.OutcomeUnknown("busy")
    drain(connection)
    assert reload(job).state == JobState.UNKNOWN
    site.fail_after = site.find_error = None
    change(job, run_after=clock.now())
    drain(connection)
    assert (reload(job).state, reload(job).published_id) == (JobState.SUCCESS, "1")
    assert site.submits == 1


def test_unknown_outcome_proven_absent_is_published_once_more(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    site.fail_after, site.swallow = errors.SiteTimeout("silence"), True
    drain(connection)
    site.fail_after, site.swallow = None, False
    change(job, run_after=clock.now(), submitted_at=clock.now() - timedelta(minutes=1))
    drain(connection)
    queued = reload(job)
    assert (queued.state, queued.submitted_at) == (JobState.QUEUED, None)
    change(job, run_after=clock.now())
    drain(connection)
    assert reload(job).state == JobState.SUCCESS
    assert (site.submits, list(site.articles)) == (2, ["1"])


def test_refused_submit_that_is_absent_fails_with_the_answer(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    site.fail_after, site.swallow = errors.PermissionDenied("staff only"), True
    drain(connection)
    ended = reload(job)
    assert (ended.state, ended.error_code) == (JobState.FAILED, Code.PERMISSION_DENIED)
    assert site.looks == 1


def test_unknown_outcome_is_left_to_a_person_in_the_end(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    site.fail_after, site.find_error = errors.SiteTimeout("x"), errors.OutcomeUnknown("busy")
    drain(connection)
    for _ in range(12):
        change(job, run_after=clock.now())
        drain(connection)
    ended = reload(job)
    assert (ended.state, ended.error_code) == (JobState.FAILED, Code.OUTCOME_UNKNOWN)
    assert (site.submits, site.looks) == (1, 10)


def test_article_that_differs_is_no_success(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    site.matches = False
    drain(connection)
    assert reload(job).state == JobState.UNKNOWN
    assert reload(job).result == {"id": "1", "url": "https://probe.example/1"}


def test_article_of_another_job_is_no_proof(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    content = uuid4()
    moment = clock.now()
    first = make_job(content_id=content, moment=moment)
    drain(connection)
    second = make_job(content_id=content, moment=moment)
    site.fail_after, site.swallow = errors.SiteTimeout("silence"), True
    drain(connection)
    assert reload(first).state == JobState.SUCCESS
    assert reload(second).state == JobState.UNKNOWN


def test_nothing_new_is_posted_while_an_outcome_can_be_looked_up(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    open_job = make_job()
    site.fail_after, site.find_error = errors.SiteTimeout("x"), errors.OutcomeUnknown("busy")
    drain(connection)
    site.fail_after = site.find_error = None
    change(open_job, run_after=clock.now())
    later = make_job()
    drain(connection)
    assert (reload(open_job).published_id, reload(later).published_id) == ("1", "2")


def test_lost_session_stops_the_jobs_behind_without_touching_the_site(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    jobs = [make_job() for _ in range(3)]
    site.fail_before = errors.ChallengeRequired("captcha")
    drain(connection)
    assert {reload(job).error_code for job in jobs} == {Code.CHALLENGE_REQUIRED}
    assert reload_connection(connection).session_state == SessionState.CHALLENGE_REQUIRED
    assert [len(attempts(job)) for job in jobs] == [1, 1, 1]


def test_session_effects_stay_on_one_connection(
    site: Site, make_connection: MakeConnection, make_job: MakeJob
) -> None:
    mine, other = make_connection(), make_connection()
    make_job(on=mine)
    untouched = make_job(on=other)
    site.fail_before = errors.AuthExpired("signed out")
    drain(mine)
    site.fail_before = None
    drain(other)
    assert reload_connection(mine).session_state == SessionState.EXPIRED
    assert reload_connection(other).session_state == SessionState.HEALTHY
    assert reload(untouched).state == JobState.SUCCESS


def test_cancel_in_the_middle_never_becomes_a_success(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()

    async def cancel() -> None:
        await db.in_thread(cancel_job, job)

    site.between = cancel
    drain(connection)
    assert reload(job).state == JobState.CANCELLED
    assert site.submits == 0


def cancel_job(job: Job) -> None:
    with tenancy.scope(job.tenant_id):
        services.cancel_jobs(
            subjects=[job.subject or uuid4()], actor=ACTOR, now=clock.now(), reason="suspended"
        )


def test_running_job_that_is_cancelled_is_interrupted(
    site: Site, connection: Connection, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "RENEW_EVERY", timedelta(milliseconds=50))
    job = make_job()
    interrupted = []

    async def hang() -> None:
        await db.in_thread(cancel_job, job)
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            interrupted.append(True)
            raise

    site.between = hang
    drain(connection)
    assert interrupted == [True]
    assert (reload(job).state, site.submits) == (JobState.CANCELLED, 0)


def test_lease_is_lost_when_another_takes_over(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()

    async def be_rescued() -> None:
        await db.in_thread(services.rescue_jobs, now=clock.now() + timedelta(minutes=1))

    site.between = be_rescued
    drain(connection)
    assert (reload(job).state, site.submits) == (JobState.QUEUED, 0)


def test_database_that_hangs_up_in_the_middle_loses_nothing(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()

    async def hang_up() -> None:
        await db.in_thread(terminate_all_others)

    site.between = hang_up
    drain(connection)
    # This thread's connection was cut too, and the pool may hold more of that kind.
    db.disconnect()
    assert (reload(job).state, site.submits) == (JobState.RUNNING, 0)
    site.between = None
    services.rescue_jobs(now=clock.now() + timedelta(minutes=1))
    change(job, run_after=clock.now())
    drain(connection)
    assert (reload(job).state, site.submits) == (JobState.SUCCESS, 1)


def terminate_all_others() -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
        )


def test_sign_in_needs_a_second_look(site: Site, connection: Connection) -> None:
    fresh = sign_in(connection)
    assert drain(fresh) == 1
    signed_in = reload_connection(fresh)
    assert signed_in.session_state == SessionState.HEALTHY
    assert signed_in.session_secret_id is not None
    assert site.checks == 1


def test_sign_in_without_the_second_look_fails(site: Site, connection: Connection) -> None:
    site.check_error = errors.LoginFailed("not let in again")
    fresh = sign_in(connection)
    drain(fresh)
    lost = reload_connection(fresh)
    assert (lost.session_state, lost.session_code) == (SessionState.ERROR, Code.LOGIN_FAILED)
    assert lost.session_secret_id is None


def sign_in(connection: Connection) -> Connection:
    return services.connect(
        tenant_id=connection.tenant_id,
        product="probe",
        connector="pageless",
        account="fresh",
        password=PASSWORD,
        label="",
        actor=ACTOR,
        now=clock.now(),
    )


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, SessionState.HEALTHY),
        (errors.AuthExpired("gone"), SessionState.EXPIRED),
        (errors.ChallengeRequired("captcha"), SessionState.CHALLENGE_REQUIRED),
        (errors.NetworkError("cut"), SessionState.HEALTHY),
    ],
)
def test_check_moves_the_session_by_what_it_saw(
    site: Site, connection: Connection, error: Exception | None, state: SessionState
) -> None:
    fresh = sign_in(connection)
    drain(fresh)
    services.check_connection(
        tenant_id=fresh.tenant_id, connection_id=fresh.id, actor=ACTOR, now=clock.now()
    )
    site.check_error = error
    drain(fresh)
    assert reload_connection(fresh).session_state == state


def test_check_brings_a_session_back_to_life(site: Site, connection: Connection) -> None:
    fresh = sign_in(connection)
    drain(fresh)
    with tenancy.scope(fresh.tenant_id):
        rows = Connection.objects.filter(id=fresh.id)
        rows.update(session_state=SessionState.CHALLENGE_REQUIRED)
    services.check_connection(
        tenant_id=fresh.tenant_id, connection_id=fresh.id, actor=ACTOR, now=clock.now()
    )
    drain(fresh)
    assert reload_connection(fresh).session_state == SessionState.HEALTHY


def test_batch_ends_together_and_failures_alone(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    jobs = [make_job(kind="probe.ping", subject=None) for _ in range(60)]
    assert drain(connection) == 60
    assert {reload(job).state for job in jobs} == {JobState.SUCCESS}
    assert site.checks == 60
    failing = make_job(kind="probe.ping")
    site.check_error = errors.UiChanged(landmark="x")
    drain(connection)
    assert (reload(failing).state, reload(failing).error_code) == (
        JobState.FAILED,
        Code.UI_CHANGED,
    )


def test_missing_browser_is_said_and_retried(
    site: Site, make_connection: MakeConnection, make_job: MakeJob
) -> None:
    connection = make_connection(connector="probe")
    job = make_job(on=connection)
    drain(connection)
    waiting = reload(job)
    assert (waiting.state, waiting.error_code) == (JobState.QUEUED, Code.BROWSER_ERROR)
    assert "Chromium" in waiting.error_message


def test_lane_that_must_stop_leaves_the_rest_to_the_next(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    first, second = make_job(), make_job()
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")

    async def run() -> None:
        host = BrowserHost(Chromium(headless=None, headed=None, xvfb=None))
        host.stopping.set()
        await lanes.drain(
            connection_id=connection.id, tenant_id=connection.tenant_id, host=host, now=clock.now
        )

    asyncio.run(run())
    assert (reload(first).state, reload(second).state) == (JobState.SUCCESS, JobState.QUEUED)
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'browser'")
        assert cursor.fetchone()[0] == 1


def test_lease_is_kept_while_a_job_runs(
    site: Site, connection: Connection, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "RENEW_EVERY", timedelta(milliseconds=20))
    job = make_job()
    (running,) = services.claim(
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        now=clock.now(),
    ).jobs
    before = running.lease_until

    async def wait_for_renewal() -> None:
        async with leases.kept([running], now=clock.now), asyncio.timeout(5):
            while (await db.in_thread(reload, job)).lease_until == before:  # noqa: ASYNC110  # in the database
                await asyncio.sleep(0.01)

    asyncio.run(wait_for_renewal())
