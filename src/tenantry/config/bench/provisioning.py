"""Case `provisioning`: what the control plane itself costs from the wish to the living tenant.

A real worker takes the real engine through all seven steps on a pretended place whose calls take no
time. Runs one after the other, and sixteen at once.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from tenantry.config.bench.database import own_database
from tenantry.config.bench.report import at_most, figure, percentile, report
from tenantry.core import clock, db, tenancy
from tenantry.customers.accounts import services as accounts
from tenantry.customers.notices import queries as notices
from tenantry.customers.tenants import services as tenants
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.provisioning import drivers, queries, services
from tenantry.fleet.provisioning.drivers.fake import FakeDriver, FakeRecipe, product_with
from tenantry.fleet.provisioning.models import Run
from tenantry.fleet.provisioning.states import RunKind, RunState
from tenantry.sdk import registry
from tenantry.work.automation import workers

_ACTOR = "system:bench"
_AT_ONCE = 16
_PLENTY = 10**6
_PATIENCE_SECONDS = 120.0
_LOOK_EVERY = 0.01


def run(*, quick: bool) -> dict[str, Any]:
    """Measure whole runs, from the moment they are wished to the one that ends them."""
    alone, rounds = (3, 1) if quick else (20, 5)
    with own_database(), _pretended() as driver:
        hosts.register_host(
            name="bench",
            region="bench",
            cpu_milli=_PLENTY,
            memory_mb=_PLENTY,
            disk_mb=_PLENTY,
            now=clock.now(),
        )
        one_by_one, together = asyncio.run(_measure(alone=alone, rounds=rounds))
        return _reported(one_by_one, together, driver)


@contextmanager
def _pretended() -> Iterator[FakeDriver]:
    # Swapped from outside: no setting of the product leads to a pretended application.
    driver = FakeDriver()
    product = product_with(FakeRecipe(driver=driver))
    before = drivers.current, registry.products
    drivers.current = lambda: driver
    registry.products = lambda: (product,)  # type: ignore[assignment]  # without its cache
    try:
        yield driver
    finally:
        drivers.current, registry.products = before


async def _measure(*, alone: int, rounds: int) -> tuple[list[Run], list[list[Run]]]:
    working = asyncio.create_task(
        workers.serve(queues=["worker", "pipelines"], concurrency=_AT_ONCE)
    )
    try:
        # The first one finds cold caches and a worker that just starts.
        await _run_at_once(1)
        one_by_one = [(await _run_at_once(1))[0] for _ in range(alone)]
        together = [await _run_at_once(_AT_ONCE) for _ in range(rounds)]
    finally:
        working.cancel()
        await working
    return one_by_one, together


async def _run_at_once(count: int) -> list[Run]:
    tenant_ids = [await db.in_thread(_request) for _ in range(count)]
    begun = await asyncio.gather(*(db.in_thread(_begin, tenant_id) for tenant_id in tenant_ids))
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        runs = [await db.in_thread(queries.get_run, run.id) for run in begun]
        if not any(run.is_live for run in runs) or time.monotonic() > deadline:
            return runs
        await asyncio.sleep(_LOOK_EVERY)


def _request() -> UUID:
    now = clock.now()
    number = time.monotonic_ns()
    owner = accounts.create_user(email=f"{number}@bench.example", actor=_ACTOR, now=now)
    made = tenants.create_tenant(
        name="Bench",
        zone="UTC",
        language="en",
        owner=owner,
        actor=_ACTOR,
        now=now,
        state=TenantState.REQUESTED,
    )
    return made.id


def _begin(tenant_id: UUID) -> Run:
    return services.start_run(
        tenant_id=tenant_id,
        kind=RunKind.CREATE,
        actor=_ACTOR,
        reason="",
        now=clock.now(),
        subject=tenant_id,
    )


def _reported(
    one_by_one: Sequence[Run], together: Sequence[Sequence[Run]], driver: FakeDriver
) -> dict[str, Any]:
    runs = [*one_by_one, *(run for crowd in together for run in crowd)]
    alone = [_seconds(run) for run in one_by_one]
    last = [max(_seconds(run) for run in crowd) for crowd in together]
    every = {f"step_{name}": figure(values, "ms") for name, values in _steps(one_by_one).items()}
    with tenancy.platform("check a measurement"):
        told = notices.list_mails().filter(template="tenant_active").count()
    made = driver.world()["created"]
    return report(
        case="provisioning",
        figures={
            "run_alone": figure(alone, "s"),
            "last_of_sixteen_at_once": figure(last, "s"),
            **every,
        },
        ratios={},
        targets={
            "run_alone_p95": at_most(percentile(alone, 0.95), 2.0),
        },
        checks={
            "every run ended well": all(run.state == RunState.SUCCEEDED for run in runs),
            # One more has warmed the worker up.
            "everybody was told once": told == len(runs) + 1,
            "nothing was made twice": set(made.values()) == {1},
            "everything has its tenant": len(driver.labels()) == len(runs) + 1,
        },
    )


def _seconds(run: Run) -> float:
    ended = run.ended_at or clock.now()
    return (ended - run.created_at).total_seconds()


def _steps(runs: Sequence[Run]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for run in runs:
        for step in queries.steps_of(run):
            if step.started_at and step.ended_at:
                took = (step.ended_at - step.started_at).total_seconds() * 1000
                found.setdefault(step.name, []).append(took)
    return found
