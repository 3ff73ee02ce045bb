"""Claims on a loop's own connections: the same as `claim`, in one round trip."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar
from uuid import uuid4

import pytest
from procrastinate.contrib.django import connector_params
from psycopg_pool import AsyncConnectionPool

from tenantry.core import clock, tenancy
from tenantry.ledger.audit.models import AuditEntry
from tenantry.work.automation import services
from tenantry.work.automation.models import Attempt, Connection, Job
from tenantry.work.automation.services import Claim
from tenantry.work.automation.states import JobState
from tests.work.automation.conftest import MakeConnection, MakeJob, reload

pytestmark = pytest.mark.django_db(transaction=True)


T = TypeVar("T")


def with_pool(ask: Callable[[AsyncConnectionPool], Awaitable[T]]) -> T:
    async def run() -> T:
        options = connector_params() | {"autocommit": True, "prepare_threshold": 0}
        async with AsyncConnectionPool(kwargs=options, min_size=1, max_size=1) as pool:
            return await ask(pool)

    return asyncio.run(run())


async def claim(pool: AsyncConnectionPool, connection: Connection, **given: object) -> Claim | None:
    whose = {"tenant_id": connection.tenant_id, "connection_id": connection.id, **given}
    return await services.claim_quickly(pool=pool, now=clock.now(), **whose)  # type: ignore[arg-type]  # a test's own mix


def test_claim_quickly_leases_and_records_like_claim(
    make_connection: MakeConnection, make_job: MakeJob
) -> None:
    ways = []
    for quickly in (True, False):
        connection = make_connection()
        job = make_job(kind="probe.ping", on=connection)
        claimed = (
            with_pool(partial(claim, connection=connection))
            if quickly
            else services.claim(
                tenant_id=connection.tenant_id, connection_id=connection.id, now=clock.now()
            )
        )
        assert claimed is not None
        assert claimed.connection == connection
        (taken,) = claimed.jobs
        stored = reload(job)
        with tenancy.scope(job.tenant_id):
            entries = AuditEntry.objects.filter(target_id=str(job.id)).order_by("seq")
            tries = Attempt.objects.filter(job=job)
            ways.append(
                (
                    [(entry.action, entry.actor, entry.body) for entry in entries[1:]],
                    [(one.number, one.mode, one.id.version) for one in tries],
                    (stored.state, stored.attempts, stored.lease_token == taken.lease_token),
                    (taken.state, taken.result, taken.submitted, taken.lease_until is not None),
                )
            )
    assert ways[0] == ways[1]
    assert ways[0][2] == (JobState.RUNNING, 1, True)


def test_claim_quickly_sees_one_tenant_and_forgets_it(
    connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()

    async def ask(pool: AsyncConnectionPool) -> tuple[Claim | None, Claim | None, object]:
        strange = await claim(pool, connection, tenant_id=uuid4())
        own = await claim(pool, connection)
        async with pool.connection() as session:
            cursor = await session.execute("SELECT current_setting('tenantry.tenant', true)")
            return strange, own, (await cursor.fetchone() or (None,))[0]

    strange, own, left = with_pool(ask)
    assert strange is None
    assert own is not None
    assert [one.id for one in own.jobs] == [job.id]
    assert not left


def test_claim_quickly_leaves_open_outcomes_to_claim(
    connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    with tenancy.scope(job.tenant_id):
        Job.objects.filter(id=job.id).update(
            state=JobState.UNKNOWN, submitted_at=clock.now(), submitted={}
        )
    waiting = make_job()
    assert with_pool(partial(claim, connection=connection)) is None
    assert reload(waiting).state == JobState.QUEUED


def test_claim_quickly_leaves_a_database_that_is_away_to_claim(connection: Connection) -> None:
    async def ask(pool: AsyncConnectionPool) -> Claim | None:
        await pool.close()
        return await claim(pool, connection)

    assert with_pool(ask) is None
