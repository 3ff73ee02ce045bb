"""A browser worker is killed at each step of a publish: the article is there exactly once.

Real processes, a real Chromium, the fake cafe. Time is made to pass for leases and heartbeats.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.db import connection as database

from tenantry.core import clock, tenancy
from tenantry.ledger.audit.models import AuditEntry
from tenantry.sdk import Image
from tenantry.work.automation import chromium, services, workers
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.states import JOB_MOVES, JobState
from tenantry_cafe import services as cafe
from tenantry_cafe.fakesite.server import RunningSite, running_site
from tenantry_cafe.fakesite.visitor import make_png
from tenantry_cafe.models import Template
from tests import forked

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.skipif(chromium.find().headless is None, reason="needs Chromium"),
]

ACTOR = "system:test"
PATIENCE_SECONDS = 60.0


@dataclass(kw_only=True)
class World:
    """One tenant with a connected cafe account and a template."""

    site: RunningSite
    objects: str
    tenant_id: UUID
    connection_id: UUID
    template: Template

    def enqueue(self) -> Job:
        return services.enqueue(
            tenant_id=self.tenant_id,
            connection_id=self.connection_id,
            kind="cafe.publish",
            actor=ACTOR,
            now=clock.now(),
            content_id=self.template.id,
            content_digest=self.template.digest,
            moment=clock.now(),
            zone="Asia/Seoul",
            subject=uuid4(),
        )

    def job(self, job: Job) -> Job:
        with tenancy.scope(self.tenant_id):
            return Job.objects.get(id=job.id)

    def state(self, job: Job) -> str:
        return str(self.job(job).state)

    def session(self) -> str:
        with tenancy.scope(self.tenant_id):
            return str(Connection.objects.get(id=self.connection_id).session_state)

    def age(self, seconds: float) -> None:
        """Let that much time have passed for leases, waits and heartbeats."""
        past = f"{seconds} seconds"
        with tenancy.platform("let time pass"), database.cursor() as cursor:
            cursor.execute(
                "UPDATE automation_job SET lease_until = lease_until - %s::interval,"
                " run_after = run_after - %s::interval,"
                " submitted_at = submitted_at - %s::interval WHERE ended_at IS NULL",
                [past, past, past],
            )
            cursor.execute(
                "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - %s::interval",
                [past],
            )

    @contextmanager
    def worker(self) -> Iterator[ForkServerProcess]:
        process = forked.start(forked.browser_worker, self.site.url, self.objects)
        try:
            yield process
            process.terminate()
            process.join(timeout=40)
            assert process.exitcode is not None
        finally:
            process.kill()
            process.join()

    def settle(self, *jobs: Job) -> None:
        """Let a worker go on until the jobs have ended, with time passing quickly."""
        self.age(60)
        with self.worker():
            for job in jobs:
                self._wait_for_the_end(job)

    def _wait_for_the_end(self, job: Job) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.job(job).ended_at is None:
            assert time.monotonic() < deadline, f"{job} is still {self.state(job)}"
            time.sleep(0.5)
            if self.state(job) in {JobState.UNKNOWN, JobState.QUEUED}:
                self.age(10)


def wait_for(condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


@pytest.fixture
def world(tmp_path: Path, settings: LazySettings) -> Iterator[World]:
    with running_site(tmp_path / "cafe") as site:
        objects = f"file://{tmp_path / 'objects'}"
        settings.CAFE_SITE_URL, settings.OBJECT_STORE_URL = site.url, objects
        tenant_id = uuid4()
        with tenancy.scope(tenant_id):
            template = cafe.create_template(
                tenant_id=tenant_id, actor=ACTOR, draft=_draft(), now=clock.now()
            )
        connection = services.connect(
            tenant_id=tenant_id,
            product="cafe",
            connector="browser",
            account="seller01",
            password=site.password,
            label="",
            actor=ACTOR,
            now=clock.now(),
        )
        made = World(
            site=site,
            objects=objects,
            tenant_id=tenant_id,
            connection_id=connection.id,
            template=template,
        )
        workers.run_worker(queues=["browser"], concurrency=1, wait=False)
        assert made.session() == "HEALTHY"
        yield made


def _draft() -> cafe.Draft:
    picture = Image(name="a.png", media_type="image/png", data=make_png(40, 30))
    return cafe.Draft(
        name="Phone",
        title="Phone for sale {{time}}",
        body="As good as new.\nCall us.",
        cafe="market",
        board="sale",
        images=(picture,),
    )


def assert_published_once(world: World, enqueued: Job) -> None:
    job = world.job(enqueued)
    assert (job.state, job.error_code) == (JobState.SUCCESS, "")
    articles = world.site.control.articles()
    assert [str(article["id"]) for article in articles] == [job.published_id]
    with tenancy.scope(world.tenant_id):
        entries = AuditEntry.objects.filter(target_kind="job", target_id=str(job.id))
        moves = [e.facts for e in entries.order_by("seq") if "from" in e.facts]
    assert all(move["to"] in JOB_MOVES[move["from"]] for move in moves)


def kill(process: ForkServerProcess) -> None:
    process.kill()
    process.join()


def test_killed_while_filling_in(world: World) -> None:
    world.site.control.set_fault("slow_page", seconds=3, where="write", times=1)
    job = world.enqueue()
    with world.worker() as process:
        wait_for(lambda: world.state(job) == JobState.RUNNING)
        kill(process)
    assert world.state(job) == JobState.RUNNING
    world.settle(job)
    assert_published_once(world, job)


def test_killed_right_after_the_intent(world: World) -> None:
    job = world.enqueue()
    with world.worker() as process:
        wait_for(lambda: world.state(job) not in {JobState.QUEUED, JobState.RUNNING})
        kill(process)
    world.settle(job)
    assert_published_once(world, job)


def test_killed_in_the_submit_before_the_site_stored_it(world: World) -> None:
    world.site.control.set_fault("hold_submit", at="before", abandoned="drop", times=1)
    job = world.enqueue()
    with world.worker() as process:
        world.site.control.wait_until_held(timeout=PATIENCE_SECONDS)
        kill(process)
    world.site.control.release()
    assert world.state(job) == JobState.SUBMITTING
    world.settle(job)
    assert_published_once(world, job)


def test_killed_in_a_submit_that_the_site_stores_later(world: World) -> None:
    world.site.control.set_fault("hold_submit", at="before", abandoned="keep", times=1)
    job = world.enqueue()
    with world.worker() as process:
        world.site.control.wait_until_held(timeout=PATIENCE_SECONDS)
        kill(process)
    world.site.control.release()
    wait_for(world.site.control.articles)
    world.settle(job)
    assert_published_once(world, job)


def test_killed_after_the_site_stored_it(world: World) -> None:
    world.site.control.set_fault("hold_submit", at="after", times=1)
    job = world.enqueue()
    with world.worker() as process:
        world.site.control.wait_until_held(timeout=PATIENCE_SECONDS)
        kill(process)
    world.site.control.release()
    assert len(world.site.control.articles()) == 1
    world.settle(job)
    assert_published_once(world, job)


def test_connection_reset_under_a_stored_submit_is_not_answered_by_a_second_one(
    world: World,
) -> None:
    world.site.control.set_fault("network_cut", step="submit_after", resend="allow", times=1)
    job = world.enqueue()
    world.settle(job)
    assert_published_once(world, job)


def test_killed_while_the_proof_is_read(world: World) -> None:
    job = world.enqueue()
    with world.worker() as process:
        wait_for(lambda: world.job(job).result.get("id"))
        kill(process)
    world.settle(job)
    assert_published_once(world, job)


def test_killed_again_and_again_at_any_moment(world: World) -> None:
    chance = random.Random(7)
    jobs = [world.enqueue() for _ in range(4)]
    for _ in range(6):
        with world.worker() as process:
            running = time.monotonic() + chance.uniform(0.1, 2.0)
            wait_for(lambda: time.monotonic() > running)  # noqa: B023  # within this round
            kill(process)
        world.age(60)
    world.settle(*jobs)
    assert {world.state(job) for job in jobs} == {JobState.SUCCESS}
    published = sorted(str(world.job(job).published_id) for job in jobs)
    assert sorted(str(article["id"]) for article in world.site.control.articles()) == published
    assert len(set(published)) == len(jobs)
