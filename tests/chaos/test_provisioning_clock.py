"""Activations on a virtual clock, on a place where everything may go wrong.

Calls fail before, in the middle and after; workers die anywhere; waits pass in no time. Nobody is
let in before all is proven, and everybody is told exactly once.
"""

import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tenantry.core import tenancy
from tenantry.customers.accounts.models import User
from tenantry.customers.notices.models import Mail
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants import services as tenant_services
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.provisioning import engine, queries, services, turns
from tenantry.fleet.provisioning.drivers.compute import DriverError
from tenantry.fleet.provisioning.drivers.fake import FakeDriver, FakeRecipe, product_with
from tenantry.fleet.provisioning.models import Run
from tenantry.fleet.provisioning.turns import LEASE, Rest
from tenantry.sdk import registry

pytestmark = [pytest.mark.chaos, pytest.mark.django_db, pytest.mark.timeout(300)]

# The whole proof is a thousand activations, in about five minutes: CHAOS_SEEDS=40.
SEEDS = int(os.environ.get("CHAOS_SEEDS", "1"))
ACTIVATIONS = 25
START = datetime(2026, 11, 22, 12, tzinfo=UTC)
ACTOR = "system:test"
CODES = ["TEMPLATE_LOCKED", "DATABASE_UNREACHABLE", "HOST_UNREACHABLE", "PORT_TAKEN"]
# Chances at every point of every call.
FAILS, DIES = 0.06, 0.03
MOST_TURNS = 500


class Killed(BaseException):
    """The worker was killed here: nothing after this happens."""


@dataclass(kw_only=True)
class Chaos:
    """What may go wrong, by a seed; counts what did."""

    dice: random.Random
    struck: Counter[str] = field(default_factory=Counter)

    def maybe_die(self) -> None:
        if self.dice.random() < DIES:
            self.struck["killed"] += 1
            raise Killed

    def strike(self, verb: str, at: str) -> None:
        self.maybe_die()
        if self.dice.random() < FAILS:
            self.struck["failed"] += 1
            raise DriverError(self.dice.choice(CODES), retryable=True, detail=f"{verb} {at}")


@dataclass(kw_only=True)
class Simulator:
    """Takes turns of one run after the other, and watches whom it lets in."""

    driver: FakeDriver
    now: datetime = START

    def activate(self, owner: User, number: int) -> Run:
        tenant = tenant_services.create_tenant(
            name=f"Company {number}",
            zone="UTC",
            language="en",
            owner=owner,
            actor=ACTOR,
            now=self.now,
            state=TenantState.REQUESTED,
        )
        run = services.start_run(
            tenant_id=tenant.id,
            kind="create",
            actor=ACTOR,
            reason="",
            now=self.now,
            subject=uuid4(),
        )
        for _ in range(MOST_TURNS):
            if not self.turn(run):
                return queries.get_run(run.id)
        message = f"{run} did not end"
        raise AssertionError(message)

    def turn(self, run: Run) -> bool:
        """Take one turn; returns whether there are more."""
        try:
            rest = engine.take_turn(
                run_id=run.id, tenant_id=run.tenant_id, driver=self.driver, now=self.now
            )
        except Killed:
            rest = Rest(until=self.now + LEASE)
        if tenants.get_tenant(run.tenant_id).state == TenantState.ACTIVE:
            self.assert_true(run.tenant_id)
        if rest is None:
            return True
        if rest.until is None:
            return False
        self.now = max(self.now, rest.until) + timedelta(milliseconds=1)
        hosts.beat_host(name="local", now=self.now)
        return True

    def assert_true(self, tenant_id: UUID) -> None:
        """Whoever was let in has everything, and every proof is fresh."""
        instance = queries.instance_of(tenant_id)
        assert instance is not None
        with self.driver.store.open() as world:
            assert world["databases"][instance.label]["complete"]
            seen = world["instances"][instance.label]
        assert (seen["observed"], seen["tenant_id"]) == ("running", str(tenant_id))
        assert instance.upstream == f"127.0.0.1:{seen['port']}"
        known = queries.conditions_of(tenant_id)
        assert {one.status for one in known} == {"true"}
        assert all(self.now - one.checked_at <= timedelta(minutes=1) for one in known)


@pytest.fixture(params=range(SEEDS))
def chaos(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Chaos:
    made = Chaos(dice=random.Random(request.param))
    conclude = engine.conclude

    def watched(given: turns.Claim, *rest: Any, **more: Any) -> None:
        made.maybe_die()
        conclude(given, *rest, **more)
        made.maybe_die()

    monkeypatch.setattr(engine, "conclude", watched)
    return made


@pytest.fixture
def simulator(chaos: Chaos, monkeypatch: pytest.MonkeyPatch, db: None) -> Simulator:
    driver = FakeDriver(strike=chaos.strike, looks_to_start=2)
    recipe = FakeRecipe(driver=driver)
    monkeypatch.setattr(registry, "products", lambda: (product_with(recipe),))
    hosts.register_host(
        name="local", region="sg", cpu_milli=10**6, memory_mb=10**6, disk_mb=10**6, now=START
    )
    return Simulator(driver=driver)


def test_chaos_lets_nobody_in_early_and_tell_everybody_once(
    simulator: Simulator, chaos: Chaos, owner: User
) -> None:
    runs = [simulator.activate(owner, number) for number in range(ACTIVATIONS)]
    ended = Counter(str(run.state) for run in runs)
    assert ended["succeeded"] + ended["failed"] == ACTIVATIONS
    assert ended["succeeded"] > 0.9 * ACTIVATIONS, ended
    assert chaos.struck["killed"] > ACTIVATIONS / 4
    assert chaos.struck["failed"] > ACTIVATIONS / 4
    active = {run.tenant_id for run in runs if run.state == "succeeded"}
    with tenancy.platform("look at a chaos test"):
        told = Counter(
            Mail.objects.filter(template="tenant_active").values_list("tenant_id", flat=True)
        )
    assert told == dict.fromkeys(active, 1)
    assert set(simulator.driver.world()["created"].values()) == {1}
