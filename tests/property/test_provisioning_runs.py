"""Runs of one tenant in any order of turns, deaths, faults, waits and operators' wishes.

Whatever the order: a live run always goes on, what a state says is true outside, nobody is let in
without proof, everybody is told once, and nothing is made twice or left over.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tenantry.core import tenancy
from tenantry.core.errors import DomainError
from tenantry.customers.accounts.models import User
from tenantry.customers.notices.models import Mail
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants import services as tenant_services
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.domains import queries as domains
from tenantry.fleet.gateway import queries as gateway
from tenantry.fleet.hosts import queries as host_queries
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.provisioning import (
    drivers,
    engine,
    instances,
    queries,
    services,
    turns,
    watching,
)
from tenantry.fleet.provisioning.drivers.compute import DriverError
from tenantry.fleet.provisioning.drivers.fake import (
    AFTER,
    BEFORE,
    MIDDLE,
    FakeDriver,
    FakeRecipe,
    product_with,
)
from tenantry.fleet.provisioning.models import Run
from tenantry.fleet.provisioning.states import RunKind, RunState
from tenantry.fleet.provisioning.steps import STEPS
from tenantry.fleet.provisioning.turns import LEASE, Rest
from tenantry.sdk import registry

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPERATOR = "operator:me"
VERBS = [
    "template_ready",
    "create_database",
    "find_database",
    "remove_database",
    "lock_database",
    "create_instance",
    "find_instance",
    "stop_instance",
    "start_instance",
    "remove_instance",
    "identity_of",
    "sign_in",
]


class Killed(BaseException):
    """The worker was killed here."""


def refusal_of(verb: Callable[..., object], **given: object) -> str:
    """Return the code of a refusal, "" when there was none."""
    try:
        verb(**given)
    except DomainError as refusal:
        return refusal.code
    return ""


class Life(RuleBasedStateMachine):
    """One tenant, its place, and what must be true of them."""

    owner: User
    driver: FakeDriver

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.now = START
        self.planned: list[tuple[str, str, str]] = []
        self.driver.__init__(strike=self.strike, looks_to_start=1)  # type: ignore[misc]  # afresh
        self.beat()
        self.tenant = tenant_services.create_tenant(
            name="Hanbit",
            zone="UTC",
            language="en",
            owner=self.owner,
            actor="system:me",
            now=START,
            state=TenantState.REQUESTED,
        )
        self.label = instances.label_of(self.tenant.short_id)
        self.was_active = False
        self.undone = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def beat(self) -> None:
        hosts.register_host(
            name="local", region="sg", cpu_milli=1000, memory_mb=1000, disk_mb=1000, now=self.now
        )

    def strike(self, verb: str, at: str) -> None:
        for index, (planned, where, what) in enumerate(self.planned):
            if (planned, where) == (verb, at):
                del self.planned[index]
                if what == "dies":
                    raise Killed
                raise DriverError("HOST_UNREACHABLE", retryable=what == "fails")

    @property
    def run(self) -> Run | None:
        return queries.run_of(self.tenant.id)

    @property
    def state(self) -> str:
        return str(tenants.get_tenant(self.tenant.id).state)

    def turn(self) -> Rest | None:
        run = self.run
        if run is None:
            return Rest()
        try:
            rest = engine.take_turn(
                run_id=run.id, tenant_id=self.tenant.id, driver=self.driver, now=self.now
            )
        except Killed:
            rest = None
        self.look_at_activation()
        return rest

    def look_at_activation(self) -> None:
        """Check at the moment of letting in that it was proven, by what is true outside."""
        if self.was_active or self.state != TenantState.ACTIVE:
            return
        self.was_active = True
        assert self.driver.world()["instances"][self.label]["observed"] == "running"
        known = queries.conditions_of(self.tenant.id)
        assert {one.status for one in known} == {"true"}
        assert all(self.now - one.checked_at <= timedelta(minutes=1) for one in known)

    @rule(count=st.integers(1, 8))
    def work(self, count: int) -> None:
        for _ in range(count):
            if self.turn() is not None:
                return

    @rule()
    def die_after_claiming(self) -> None:
        run = self.run
        if run is not None:
            turns.claim(run_id=run.id, tenant_id=self.tenant.id, now=self.now)

    @rule(
        verb=st.sampled_from(VERBS),
        at=st.sampled_from([BEFORE, MIDDLE, AFTER]),
        what=st.sampled_from(["fails", "refuses", "dies"]),
    )
    def plan_fault(self, verb: str, at: str, what: str) -> None:
        self.planned.append((verb, at, what))

    @rule(seconds=st.sampled_from([0.3, 2.0, 16.0, 70.0, 400.0, 2000.0]))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.beat()

    @rule(kind=st.sampled_from(RunKind))
    def wish(self, kind: RunKind) -> None:
        self.now += timedelta(milliseconds=1)
        code = refusal_of(
            services.start_run,
            tenant_id=self.tenant.id,
            kind=kind,
            actor=OPERATOR,
            reason="wished",
            now=self.now,
            subject=uuid4(),
        )
        assert code in {"", "run_in_progress", "run_not_allowed"}

    @rule()
    def cancel(self) -> None:
        run = self.run
        if run is None:
            return
        code = refusal_of(
            services.cancel_run, run_id=run.id, actor=OPERATOR, reason="no", now=self.now
        )
        assert code in {"", "run_not_cancellable"}

    @rule(name=st.sampled_from(["", *STEPS["create"]]))
    def retry(self, name: str) -> None:
        run = self.run
        if run is None:
            return
        code = refusal_of(
            services.retry_run,
            run_id=run.id,
            from_step=name,
            actor=OPERATOR,
            reason="mended",
            now=self.now,
        )
        assert code in {"", "run_not_failed", "run_step_unknown"}

    @precondition(lambda self: self.was_active)
    @rule()
    def instance_dies(self) -> None:
        if self.label in self.driver.world()["instances"]:
            self.driver.die(label=self.label)

    @precondition(lambda self: self.was_active)
    @rule()
    def instance_is_started(self) -> None:
        if self.driver.world()["instances"].get(self.label, {}).get("observed") == "dead":
            with self.driver.store.open() as world:
                world["instances"][self.label]["observed"] = "running"

    @precondition(lambda self: self.was_active)
    @rule()
    def watch(self) -> None:
        try:
            watching.look(tenant_id=self.tenant.id, now=self.now)
        except Killed:
            return

    @invariant()
    def nothing_is_made_twice(self) -> None:
        world = self.driver.world()
        assert self.driver.labels() <= {self.label}
        assert world["created"].get(f"database:{self.label}", 0) <= 1 + self.cancelled_creates()

    def cancelled_creates(self) -> int:
        return sum(
            run.kind == RunKind.CREATE and run.cancel_asked
            for run in queries.runs_of(self.tenant.id)
        )

    @invariant()
    def everybody_is_told_once(self) -> None:
        with tenancy.scope(self.tenant.id):
            told = Mail.objects.filter(template="tenant_active").count()
        assert told == int(self.was_active)

    @invariant()
    def live_run_goes_on(self) -> None:
        run = self.run
        if run is None or not run.is_live:
            return
        moments = [
            moment
            for step in queries.steps_of(run)
            for moment in (step.lease_until, step.next_try_at)
            if moment is not None
        ]
        later = max([self.now, *moments]) + LEASE
        assert later - self.now < timedelta(minutes=3)
        with transaction.atomic():
            assert watching.send_on(now=later) == 1
            claimed = turns.claim(run_id=run.id, tenant_id=self.tenant.id, now=later)
            ended = not queries.get_run(run.id).is_live
            transaction.set_rollback(True)
        assert isinstance(claimed, turns.Claim) or ended

    @invariant()
    def states_say_what_is_true(self) -> None:
        run = self.run
        if run is None or run.is_live:
            return
        states = {str(step.state) for step in queries.steps_of(run)}
        if run.state == RunState.SUCCEEDED:
            assert states == {"succeeded"}
        if run.state == RunState.CANCELLED:
            assert states <= {"pending", "compensated"}
        if run.state == RunState.CANCELLED and run.kind == RunKind.CREATE:
            assert self.driver.labels() == frozenset()
            assert queries.instance_of(self.tenant.id) is None
            assert host_queries.find_lease(self.tenant.id) is None
        if run.state == RunState.SUCCEEDED:
            self.ended_well()

    def ended_well(self) -> None:
        served = [target.serving for target in gateway.desired().routes.values()]
        world = self.driver.world()
        if self.state in {TenantState.ACTIVE, TenantState.DEGRADED}:
            assert served == [True]
            assert domains.find_canonical(self.tenant.id) is not None
            assert not world["databases"][self.label]["locked"]
        elif self.state == TenantState.SUSPENDED:
            assert served == [False]
            assert world["instances"][self.label]["observed"] in {"stopped", "dead", "running"}
        elif self.state == TenantState.ARCHIVED:
            assert served == []
            assert self.label not in world["instances"]
            assert world["databases"][self.label]["locked"]
            assert host_queries.find_lease(self.tenant.id) is None


@pytest.mark.django_db
@pytest.mark.timeout(240)
def test_life_of_a_tenant_in_any_order(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = FakeDriver()
    recipe = FakeRecipe(driver=driver)
    monkeypatch.setattr(drivers, "current", lambda: driver)
    monkeypatch.setattr(registry, "products", lambda: (product_with(recipe),))
    monkeypatch.setattr(Life, "owner", owner, raising=False)
    monkeypatch.setattr(Life, "driver", driver, raising=False)
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
