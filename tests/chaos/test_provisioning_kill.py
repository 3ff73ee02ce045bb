"""A worker is killed at every step boundary and inside every call of a driver.

Whatever happens: nothing is made twice, nothing is left over, every run ends by itself. Real worker
processes on a real PostgreSQL; the place that they work on is pretended and outlives them. Time is
made to pass for leases, waits and heartbeats.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.db import connection as database

from tenantry.core import clock, tenancy
from tenantry.customers.accounts import services as accounts
from tenantry.customers.notices.models import Mail
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants import services as tenant_services
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.domains.models import Domain
from tenantry.fleet.gateway import queries as gateway
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.hosts.models import Host, Lease
from tenantry.fleet.provisioning import instances, queries, services
from tenantry.fleet.provisioning.drivers.fake import (
    AFTER,
    BEFORE,
    MIDDLE,
    FakeDriver,
    FakeRecipe,
    Fault,
    File,
    product_with,
)
from tenantry.fleet.provisioning.models import Run
from tenantry.fleet.provisioning.states import RUN_MOVES, STEP_MOVES
from tenantry.fleet.provisioning.steps import STEPS
from tenantry.ledger.audit.models import AuditEntry
from tenantry.sdk import registry
from tests.chaos.pretended import (
    CLAIMED,
    CONCLUDED,
    WORKED,
    WORLD,
    Nursery,
    nursery,
)

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(120),
]

ACTOR = "operator:test"
PATIENCE_SECONDS = 60.0
# A message that killed its worker ten times is given up; a run is sent on all the same, but later.
KILLS_PER_RUN = 8
Point = tuple[str, str]


def boundaries(kind: str) -> list[Point]:
    return [(step, at) for step in STEPS[kind] for at in (CLAIMED, WORKED, CONCLUDED)]


def inside(*verbs: str, points: Sequence[str] = (BEFORE, MIDDLE, AFTER)) -> list[Point]:
    return [(verb, at) for verb in verbs for at in points]


CREATE = [
    *boundaries("create"),
    *inside("create_database", "create_instance"),
    *inside("template_ready", "find_instance", "identity_of", "sign_in", points=[BEFORE]),
]
UNDO = [
    *inside("remove_instance", "remove_database"),
    *((step, at) for step in ("database", "instance", "domain") for at in (WORKED, CONCLUDED)),
]
LATER = {
    "suspend": [*boundaries("suspend")[:-1], *inside("stop_instance", points=[BEFORE, AFTER])],
    "resume": [
        *inside("start_instance", points=[BEFORE, AFTER]),
        ("route_open", WORKED),
        ("resumed", WORKED),
        ("resumed", CONCLUDED),
    ],
    "archive": [
        ("route_removed", CONCLUDED),
        *inside("remove_instance"),
        *inside("lock_database", points=[BEFORE, AFTER]),
        ("capacity_released", WORKED),
        ("archived", WORKED),
    ],
}


@dataclass(kw_only=True)
class World:
    """A pretended place, workers that may be killed, and time that can be made to pass."""

    driver: FakeDriver
    workers: Nursery
    killed: int = 0

    def tenant(self) -> UUID:
        email = f"owner-{uuid4().hex[:12]}@hanbit.example"
        owner = accounts.create_user(email=email, actor=ACTOR, now=clock.now())
        return tenant_services.create_tenant(
            name="Hanbit",
            zone="Asia/Seoul",
            language="en",
            owner=owner,
            actor=ACTOR,
            now=clock.now(),
            state=TenantState.REQUESTED,
        ).id

    def start(self, tenant_id: UUID, kind: str) -> Run:
        return services.start_run(
            tenant_id=tenant_id,
            kind=kind,
            actor=ACTOR,
            reason="a test",
            now=clock.now(),
            subject=uuid4(),
        )

    def kill_at(self, points: Sequence[Point]) -> None:
        self.driver.plan(*(Fault(verb=verb, at=at, do="kill") for verb, at in points))

    def age(self) -> None:
        """Let a minute have passed for leases, waits and heartbeats."""
        hosts.beat_host(name="local", now=clock.now())
        with tenancy.platform("let time pass"), database.cursor() as cursor:
            cursor.execute(
                "UPDATE provisioning_step SET lease_until = lease_until - interval '1 minute',"
                " next_try_at = next_try_at - interval '1 minute'"
            )
            cursor.execute(
                "UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - interval '1 minute'"
                " WHERE status = 'todo'"
            )
            cursor.execute(
                "UPDATE procrastinate_workers"
                " SET last_heartbeat = last_heartbeat - interval '1 minute'"
            )

    def settle(self, run: Run, *, done: Callable[[Run], bool] = lambda run: not run.is_live) -> Run:
        """Let workers go on, each until it is killed, until the run has ended and all kills too."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.age()
            worker = self.workers.fork()
            while not self.workers.ended(worker):
                if done(found := queries.get_run(run.id)) and not self.kills_left():
                    self._end(worker)
                    return found
                assert time.monotonic() < deadline, self._said(found)
                time.sleep(0.02)
            self.killed += 1

    def _end(self, worker: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
        while not self.workers.ended(worker):
            time.sleep(0.01)

    def _said(self, run: Run) -> str:
        steps = [f"{step} {step.error_code} {step.message}" for step in queries.steps_of(run)]
        return f"{run} after {self.killed} kills: {steps}"

    def kills_left(self) -> list[Point]:
        planned = self.driver.world()["faults"]
        return [(one["verb"], one["at"]) for one in planned if one["do"] == "kill" and one["times"]]


@pytest.fixture
def world(
    tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    path = tmp_path / "world.json"
    driver = FakeDriver(store=File(path), looks_to_start=1)
    monkeypatch.setattr(registry, "products", lambda: (product_with(FakeRecipe(driver=driver)),))
    hosts.register_host(
        name="local", region="sg", cpu_milli=10**6, memory_mb=10**6, disk_mb=10**6, now=clock.now()
    )
    given = database.get_connection_params()
    server = f"{given['host']}:{given['port']}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tenantry.config.settings",
        "DATABASE_URL": f"postgres://{given['user']}:{given['password']}@{server}/{given['dbname']}",
        "TENANTRY_STATE_DIR": str(settings.STATE_DIR),
        "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path]),
        "COMPUTE_DRIVER": "tests.chaos.pretended.driver",
        WORLD: str(path),
    }
    with nursery(environment, tmp_path / "workers.log") as workers:
        yield World(driver=driver, workers=workers)


def label_of(tenant_id: UUID) -> str:
    return instances.label_of(tenants.get_tenant(tenant_id).short_id)


def assert_moves_were_legal(tenant_id: UUID) -> None:
    for kind, moves in (("run", RUN_MOVES), ("step", STEP_MOVES)):
        with tenancy.scope(tenant_id):
            entries = AuditEntry.objects.filter(tenant_id=tenant_id, target_kind=kind)
            seen = [entry.facts for entry in entries if "from" in entry.facts]
        assert seen
        assert all(move["to"] in moves[move["from"]] for move in seen)


def test_create_survives_a_kill_at_every_point(world: World) -> None:
    made: list[UUID] = []
    for first in range(0, len(CREATE), KILLS_PER_RUN):
        points = CREATE[first : first + KILLS_PER_RUN]
        world.kill_at(points)
        tenant_id = world.tenant()
        made.append(tenant_id)
        run = world.settle(world.start(tenant_id, "create"))
        assert (run.state, run.error_code) == ("succeeded", ""), points
        assert_moves_were_legal(tenant_id)
    # Looks at the tenants before may come to the same point at the same moment.
    assert len(CREATE) - len(made) <= world.killed <= len(CREATE)
    labels = {label_of(tenant_id) for tenant_id in made}
    found = world.driver.world()
    assert world.driver.labels() == labels
    assert found["created"] == {
        f"{kind}:{label}": 1 for kind in ("database", "instance") for label in labels
    }
    assert all(one["complete"] for one in found["databases"].values())
    with tenancy.platform("look at a chaos test"):
        mails = list(Mail.objects.filter(template="tenant_active"))
        assert sorted(mail.tenant_id for mail in mails if mail.tenant_id) == sorted(made)
        assert Lease.objects.exclude(state="released").count() == len(made)
        assert Domain.objects.exclude(state="removed").count() == len(made)
        assert {tenants.get_tenant(tenant_id).state for tenant_id in made} == {"active"}
    assert len(gateway.desired().routes) == len(made)


@pytest.mark.parametrize("points", [UNDO[:6], UNDO[6:]])
def test_undoing_survives_a_kill_at_every_point(world: World, points: list[Point]) -> None:
    tenant_id = world.tenant()
    world.driver.plan(Fault(verb="sign_in", times=10_000))
    run = world.start(tenant_id, "create")
    world.settle(run, done=lambda _run: "sign_in" in world.driver.world()["calls"])
    world.kill_at(points)
    services.cancel_run(run_id=run.id, actor=ACTOR, reason="not wanted", now=clock.now())
    run = world.settle(run)
    assert run.state == "cancelled"
    assert world.driver.labels() == frozenset()
    assert tenants.get_tenant(tenant_id).state == "failed"
    assert queries.instance_of(tenant_id) is None
    assert gateway.desired().routes == {}
    with tenancy.platform("look at a chaos test"):
        assert not Lease.objects.exclude(state="released").exists()
        assert not Domain.objects.exclude(state="removed").exists()
        assert not Mail.objects.filter(template="tenant_active").exists()
        assert Host.objects.get().memory_used == 0
    assert_moves_were_legal(tenant_id)


def test_later_runs_survive_a_kill_at_every_point(world: World) -> None:
    tenant_id = world.tenant()
    assert world.settle(world.start(tenant_id, "create")).state == "succeeded"
    label = label_of(tenant_id)
    ends = {"suspend": "suspended", "resume": "active", "archive": "archived"}
    for kind, points in LATER.items():
        world.kill_at(points)
        run = world.settle(world.start(tenant_id, kind))
        assert (run.state, tenants.get_tenant(tenant_id).state) == ("succeeded", ends[kind])
    found = world.driver.world()
    assert found["instances"] == {}
    assert found["databases"][label]["locked"]
    assert found["created"] == {f"database:{label}": 1, f"instance:{label}": 1}
    assert_moves_were_legal(tenant_id)
