"""A requested tenant, room on a host, and a pretended place to run its instance."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tenantry.core import tenancy
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants import services as tenant_services
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.provisioning import drivers, engine, queries, services, turns
from tenantry.fleet.provisioning.drivers.fake import FakeDriver, FakeRecipe, product_with
from tenantry.fleet.provisioning.models import Run, Step
from tenantry.fleet.provisioning.turns import Rest
from tenantry.sdk import registry

ACTOR = "system:test"
REGION = "sg"
MOST_TURNS = 400


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    """Give the platform a pretended place and a pretended application."""
    made = FakeDriver()
    recipe = FakeRecipe(driver=made)
    monkeypatch.setattr(drivers, "current", lambda: made)
    monkeypatch.setattr(registry, "products", lambda: (product_with(recipe),))
    return made


@pytest.fixture
def _host(db: None, now: datetime) -> None:
    register_host(now)


def register_host(now: datetime) -> None:
    hosts.register_host(
        name="local-sg", region=REGION, cpu_milli=10**6, memory_mb=10**6, disk_mb=10**6, now=now
    )


MakeTenant = Callable[[], UUID]


@pytest.fixture
def tenant_id(owner: User, _host: None, now: datetime) -> UUID:
    return request_tenant(owner, now)


def request_tenant(owner: User, now: datetime) -> UUID:
    return tenant_services.create_tenant(
        name="Hanbit Phones",
        zone="Asia/Seoul",
        language="en",
        owner=owner,
        actor=ACTOR,
        now=now,
        state=TenantState.REQUESTED,
    ).id


def start(tenant_id: UUID, now: datetime, kind: str = "create") -> Run:
    return services.start_run(
        tenant_id=tenant_id,
        kind=kind,
        actor="operator:test",
        reason="a test",
        now=now,
        subject=uuid4(),
        region=REGION if kind == "create" else "",
    )


@dataclass(kw_only=True)
class Time:
    """A clock that a test turns."""

    now: datetime

    def drive(self, run: Run, driver: FakeDriver, *, turns_at_most: int = MOST_TURNS) -> Run:
        """Take turns, skipping over every wait, until the run has ended."""
        for _ in range(turns_at_most):
            rest = engine.take_turn(
                run_id=run.id, tenant_id=run.tenant_id, driver=driver, now=self.now
            )
            if isinstance(rest, Rest):
                if rest.until is None:
                    return queries.get_run(run.id)
                self.now = rest.until
        message = f"{run} did not end: {[str(step) for step in queries.steps_of(run)]}"
        raise AssertionError(message)

    def turn(self, run: Run, driver: FakeDriver) -> Rest | None:
        return engine.take_turn(run_id=run.id, tenant_id=run.tenant_id, driver=driver, now=self.now)

    def pass_by(self, **given: float) -> datetime:
        self.now += timedelta(**given)
        return self.now


@pytest.fixture
def time(now: datetime) -> Time:
    return Time(now=now)


def state_of(tenant_id: UUID) -> str:
    return str(tenants.get_tenant(tenant_id).state)


def states(run: Run) -> dict[str, str]:
    return {step.name: str(step.state) for step in queries.steps_of(run)}


def step_of(run: Run, name: str) -> Step:
    with tenancy.scope(run.tenant_id):
        return Step.objects.get(run_id=run.id, name=name)


def lease_is_free(run: Run) -> bool:
    return all(step.lease_token is None for step in queries.steps_of(run))


__all__ = ["turns"]
