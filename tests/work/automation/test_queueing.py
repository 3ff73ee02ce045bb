from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db import connection as database

from tenantry.core import clock, queue, tenancy
from tenantry.core.errors import NotFound
from tenantry.core.ids import uuid7
from tenantry.ledger.audit.models import AuditEntry
from tenantry.work.automation import services
from tenantry.work.automation.errorcodes import Code, Failure
from tenantry.work.automation.errors import CannotDoThat, JobStopped
from tenantry.work.automation.messages import DrainLane
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.states import JobState
from tests.probes import at_once
from tests.work.automation.conftest import ACTOR, MakeConnection, MakeJob, reload
from tests.work.automation.probe import DIGEST, PagelessProbe

pytestmark = pytest.mark.django_db


def claim_all(connection: Connection) -> list[Job]:
    claimed = services.claim(
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        now=clock.now(),
    )
    return list(claimed.jobs)


def waiting(lock: str) -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE queueing_lock = %s", [lock])
        count: int = cursor.fetchone()[0]
        return count


def test_enqueue_wakes_the_lane_once(connection: Connection, make_job: MakeJob) -> None:
    jobs = [make_job() for _ in range(3)]
    assert {job.state for job in jobs} == {JobState.QUEUED}
    assert waiting(f"lane:{connection.id}") == 1


def test_enqueue_makes_one_job_per_subject(make_job: MakeJob) -> None:
    subject = uuid4()
    first, second = make_job(subject=subject), make_job(subject=subject)
    assert first.id == second.id


def test_enqueue_refuses_strangers_and_strange_kinds(
    connection: Connection, make_job: MakeJob, site: object
) -> None:
    with pytest.raises(NotFound):
        make_job(kind="probe.none")
    with pytest.raises(NotFound):
        services.enqueue(
            tenant_id=uuid4(),
            connection_id=connection.id,
            kind="probe.publish",
            actor=ACTOR,
            now=clock.now(),
        )


def test_database_refuses_a_job_on_a_foreign_connection(connection: Connection) -> None:
    stranger = uuid4()
    job = Job(
        tenant_id=stranger,
        connection=connection,
        kind="probe.publish",
        run_after=clock.now(),
        created_at=clock.now(),
        trace_id="0" * 32,
    )
    with pytest.raises(IntegrityError), transaction.atomic(), tenancy.scope(stranger):
        job.save(force_insert=True)
        with database.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_claim_takes_irreversible_jobs_one_by_one_in_order(
    connection: Connection, make_job: MakeJob
) -> None:
    first, _second = make_job(), make_job()
    (claimed,) = claim_all(connection)
    assert claimed.id == first.id
    assert (claimed.state, claimed.attempts) == (JobState.RUNNING, 1)
    assert claimed.lease_token is not None


def test_claim_takes_batchable_jobs_together_but_not_past_another_kind(
    connection: Connection, make_job: MakeJob
) -> None:
    pings = [make_job(kind="probe.ping").id for _ in range(3)]
    publish = make_job()
    claimed = claim_all(connection)
    assert [job.id for job in claimed] == pings
    assert [job.id for job in claim_all(connection)] == [publish.id]


def test_claim_leaves_later_jobs(connection: Connection, make_job: MakeJob) -> None:
    job = make_job()
    with tenancy.scope(connection.tenant_id):
        Job.objects.filter(id=job.id).update(run_after=clock.now() + timedelta(hours=1))
    assert claim_all(connection) == []


@pytest.mark.django_db(transaction=True)
def test_each_job_is_claimed_once_by_64_claimers(connection: Connection, make_job: MakeJob) -> None:
    jobs = {make_job().id for _ in range(40)}

    def take() -> list[UUID]:
        taken: list[UUID] = []
        while claimed := claim_all(connection):
            taken += [job.id for job in claimed]
        return taken

    answers = at_once([take] * 64)
    taken = [job for answer in answers if isinstance(answer, list) for job in answer]
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert sorted(taken) == sorted(jobs)


def test_a_lost_lease_can_change_nothing(connection: Connection, make_job: MakeJob) -> None:
    make_job()
    (stale,) = claim_all(connection)
    services.rescue_jobs(now=clock.now() + timedelta(minutes=1))
    (fresh,) = claim_all_later(connection)
    assert fresh.id == stale.id
    assert not services.renew(tenant_id=stale.tenant_id, jobs=[stale], now=clock.now())
    with pytest.raises(JobStopped):
        services.intend(job=stale, submitted={}, now=clock.now())
    with pytest.raises(JobStopped):
        services.fail_attempt(
            job=stale,
            failure=Failure(code=Code.TIMEOUT),
            tried=services.Tried(),
            now=clock.now(),
        )
    assert services.complete(tenant_id=stale.tenant_id, results={stale: {}}, now=clock.now()) == 0
    services.intend(job=fresh, submitted={"title": "x"}, now=clock.now())
    assert reload(fresh).state == JobState.SUBMITTING


def claim_all_later(connection: Connection) -> list[Job]:
    return list(
        services.claim(
            tenant_id=connection.tenant_id,
            connection_id=connection.id,
            now=clock.now() + timedelta(minutes=2),
        ).jobs
    )


def test_cancelled_jobs_never_submit(connection: Connection, make_job: MakeJob) -> None:
    job = make_job()
    (running,) = claim_all(connection)
    with tenancy.scope(job.tenant_id):
        stopped = services.cancel_jobs(
            subjects=[job.subject or uuid4()], actor=ACTOR, now=clock.now(), reason="suspended"
        )
    assert stopped == services.Stopped(stopped=(job.id,), too_late=())
    with pytest.raises(JobStopped):
        services.intend(job=running, submitted={}, now=clock.now())
    assert reload(job).state == JobState.CANCELLED


def test_cancel_says_when_it_is_too_late(connection: Connection, make_job: MakeJob) -> None:
    job = make_job()
    (running,) = claim_all(connection)
    services.intend(job=running, submitted={}, now=clock.now())
    with tenancy.scope(job.tenant_id):
        stopped = services.cancel_jobs(
            subjects=[job.subject or uuid4()], actor=ACTOR, now=clock.now(), reason="suspended"
        )
    assert stopped == services.Stopped(stopped=(), too_late=(job.id,))
    assert reload(job).state == JobState.SUBMITTING


@pytest.mark.django_db(transaction=True)
def test_cancel_and_submit_race_has_one_winner(connection: Connection, make_job: MakeJob) -> None:
    for _ in range(20):
        job = make_job()
        (running,) = claim_all(connection)

        def submit(running: Job = running) -> str:
            try:
                services.intend(job=running, submitted={}, now=clock.now())
            except JobStopped:
                return "stopped"
            return "submitted"

        def cancel(job: Job = job) -> str:
            with tenancy.scope(job.tenant_id):
                stopped = services.cancel_jobs(
                    subjects=[job.subject or uuid4()], actor=ACTOR, now=clock.now(), reason="x"
                )
            return "stopped" if stopped.stopped else "submitted"

        answers = at_once([submit, cancel])
        assert answers[0] == answers[1]
        expected = JobState.CANCELLED if answers[0] == "stopped" else JobState.SUBMITTING
        assert reload(job).state == expected


def test_held_jobs_wait_for_their_release(connection: Connection, make_job: MakeJob) -> None:
    job = make_job()
    with tenancy.scope(job.tenant_id):
        services.hold(job_ids=[job.id], actor=ACTOR, now=clock.now(), reason="breaker")
    assert claim_all(connection) == []
    with tenancy.scope(job.tenant_id):
        assert services.release(job_ids=[job.id], actor=ACTOR, now=clock.now()) == 1
    assert [each.id for each in claim_all(connection)] == [job.id]


def test_every_move_has_its_audit_entry(connection: Connection, make_job: MakeJob) -> None:
    job = make_job()
    (running,) = claim_all(connection)
    services.intend(job=running, submitted={}, now=clock.now())
    with tenancy.scope(job.tenant_id):
        entries = AuditEntry.objects.filter(target_kind="job", target_id=str(job.id))
        moves = [(e.facts.get("from"), e.facts.get("to")) for e in entries.order_by("seq")]
    assert moves == [(None, None), ("QUEUED", "RUNNING"), ("RUNNING", "SUBMITTING")]


def test_set_based_enqueueing_makes_the_same_rows(
    connection: Connection, make_job: MakeJob
) -> None:
    single = make_job()
    job_id, subject, moment = uuid7(), uuid4(), datetime(2026, 11, 22, tzinfo=UTC)
    statement = f"""
        WITH wanted AS (
            SELECT %s::uuid AS job_id, %s::uuid AS tenant_id, %s::uuid AS connection_id,
                'probe.publish' AS kind, %s::uuid AS content_id, %s AS content_digest,
                %s::timestamptz AS moment, 'Asia/Seoul' AS zone, %s::uuid AS subject,
                false AS debug, %s AS trace_id, %s::timestamptz AS at
        ), jobs AS ({services.ENQUEUE_FROM.format(source="wanted")}),
        lanes AS ({services.WAKE_FROM.format(source="wanted")})
        SELECT count(*) FROM wanted
    """
    with tenancy.scope(connection.tenant_id), database.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
        cursor.execute(
            statement,
            [
                job_id,
                connection.tenant_id,
                connection.id,
                uuid4(),
                DIGEST,
                moment,
                subject,
                "a" * 32,
                moment,
            ],
        )
        made = Job.objects.get(id=job_id)
        fields = {field.attname for field in Job._meta.concrete_fields}
        own = {"id", "content_id", "moment", "subject", "run_after", "created_at", "trace_id"}
        for field in fields - own:
            assert getattr(made, field) == getattr(single, field), field
        cursor.execute("SELECT task_name, args, lock, queueing_lock FROM procrastinate_jobs")
        (row,) = cursor.fetchall()
    assert row[0] == queue.task_name(DrainLane)
    assert str(connection.id) in str(row[1])
    assert row[2:] == (f"lane:{connection.id}", f"lane:{connection.id}")


def test_connector_without_the_verb_is_refused(
    make_connection: MakeConnection, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tenantry.sdk.registry.connector",
        lambda *_: PagelessProbe(capabilities=frozenset()),
    )
    with pytest.raises(CannotDoThat):
        make_job()
