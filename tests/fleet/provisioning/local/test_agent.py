"""A host's agent: keeps processes as wished, through deaths, clashes and its own end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tenantry.fleet.hosts import queries as hosts
from tenantry.fleet.provisioning import instances
from tenantry.fleet.provisioning.drivers.local import (
    LocalDriver,
    databases,
    limits,
    places,
    processes,
)
from tenantry.fleet.provisioning.drivers.local.agent import Agent, measure
from tenantry.fleet.provisioning.errors import HostTaken
from tenantry.fleet.provisioning.models import Instance
from tenantry.fleet.provisioning.states import Desired, Observed
from tests.fleet.provisioning.conformance import PASSWORD, Tenant
from tests.fleet.provisioning.local.conftest import HOST, REGION, Tenancy, running_agent
from tests.fleet.provisioning.local.plain import PlainRecipe, connect

PATIENCE = 30.0


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """One tenant whose instance is being kept."""

    tenant: Tenant
    driver: LocalDriver

    @property
    def folder(self) -> Path:
        return places.instance_folder(HOST, self.tenant.label)

    def row(self) -> Instance:
        found = instances.found_by(self.tenant.label)
        assert found is not None
        return found

    def make(self, tenancies: Tenancy) -> None:
        tenancies.place(self.tenant)
        self.driver.create_database(label=self.tenant.label, recipe="plain", password=PASSWORD)
        self.ask()

    def ask(self) -> None:
        self.driver.create_instance(label=self.tenant.label, tenant_id=self.tenant.tenant_id)

    def becomes(self, observed: Observed) -> Instance:
        until(lambda: self.row().observed == observed)
        return self.row()

    def pid(self) -> int:
        found = processes.pid_of(self.folder)
        assert found is not None
        return found


@pytest.fixture
def watched(one: Tenant, template: str) -> Watched:
    return Watched(tenant=one, driver=LocalDriver())


def test_instance_runs_apart_with_nothing_of_ours(
    watched: Watched, tenancies: Tenancy, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_SECRET", "not for instances")
    watched.make(tenancies)
    row = watched.becomes(Observed.RUNNING)
    assert (row.starts, row.upstream) == (1, f"127.0.0.1:{row.port}")
    assert row.pid == watched.pid()
    assert os.getsid(watched.pid()) == watched.pid()
    said = (watched.folder / "instance.log").read_text(encoding="utf-8")
    names = said.partition("[")[2].partition("]")[0].replace("'", "").split(", ")
    # The shell and Python add some of their own.
    added = {"LC_CTYPE", "OLDPWD", "PWD", "SHLVL", "_"}
    assert set(names) - added == {"SHORT_ID", "TENANTRY_LABEL"}
    kept = watched.folder / "settings.json"
    assert (kept.stat().st_mode & 0o777, PASSWORD in kept.read_text(encoding="utf-8")) == (
        0o600,
        True,
    )
    assert watched.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_instance_is_limited_and_has_no_power(
    watched: Watched, tenancies: Tenancy, agent: Agent
) -> None:
    watched.make(tenancies)
    pid = watched.becomes(Observed.RUNNING).pid
    assert pid is not None
    bounds = (Path("/proc") / str(pid) / "limits").read_text(encoding="utf-8")
    assert f"{64 * 6 * 1024 * 1024}" in bounds
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
    if limits.confinement():
        status = (Path("/proc") / str(pid) / "status").read_text(encoding="utf-8")
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert (int(facts["CapEff"], 16), facts["NoNewPrivs"]) == (0, "1")


def test_database_is_settled_once(
    watched: Watched, tenancies: Tenancy, agent: Agent, recipe: PlainRecipe
) -> None:
    watched.make(tenancies)
    watched.becomes(Observed.RUNNING)
    watched.driver.stop_instance(label=watched.tenant.label)
    watched.becomes(Observed.STOPPED)
    watched.driver.start_instance(label=watched.tenant.label)
    watched.becomes(Observed.RUNNING)
    assert len(recipe.settled) == 1
    with connect(databases.access(label=watched.tenant.label, password=PASSWORD)) as database:
        assert database.execute("SELECT name FROM company").fetchall() == [("Hanbit Phones",)]


def test_new_database_of_the_same_name_is_settled_again(
    watched: Watched, tenancies: Tenancy, agent: Agent, recipe: PlainRecipe
) -> None:
    watched.make(tenancies)
    watched.becomes(Observed.RUNNING)
    watched.driver.stop_instance(label=watched.tenant.label)
    watched.becomes(Observed.STOPPED)
    watched.driver.remove_database(label=watched.tenant.label)
    watched.driver.create_database(label=watched.tenant.label, recipe="plain", password=PASSWORD)
    watched.driver.start_instance(label=watched.tenant.label)
    watched.becomes(Observed.RUNNING)
    assert len(recipe.settled) == 2


def test_dead_instance_is_started_again(watched: Watched, tenancies: Tenancy, agent: Agent) -> None:
    watched.make(tenancies)
    first = watched.becomes(Observed.RUNNING)
    killed = watched.pid()
    os.killpg(killed, signal.SIGKILL)
    until(lambda: watched.row().starts == 2)
    second = watched.becomes(Observed.RUNNING)
    assert second.pid != killed
    assert second.port == first.port


def test_instance_that_never_comes_up_is_tried_ever_later(
    watched: Watched, tenancies: Tenancy, recipe: PlainRecipe, now: datetime
) -> None:
    recipe.server = "import sys; print('out of order', flush=True); sys.exit(3)"
    with running_agent(now) as agent:
        watched.make(tenancies)
        until(lambda: watched.row().starts >= 3)
        kept = agent._of(watched.tenant.label)
        assert kept.pause >= 2.0
        assert watched.row().observed in {Observed.DEAD, Observed.STARTING}
        assert processes.last_words(watched.folder) == "out of order"


def test_failed_settling_is_seen_and_tried_again(
    watched: Watched, tenancies: Tenancy, agent: Agent, recipe: PlainRecipe
) -> None:
    recipe.settling_fails = True
    watched.make(tenancies)
    assert watched.becomes(Observed.DEAD).starts == 0
    recipe.settling_fails = False
    assert watched.becomes(Observed.RUNNING).starts == 1


def test_taken_port_gives_way_to_another(
    watched: Watched, tenancies: Tenancy, agent: Agent
) -> None:
    watched.make(tenancies)
    first = watched.becomes(Observed.RUNNING)
    watched.driver.stop_instance(label=watched.tenant.label)
    watched.becomes(Observed.STOPPED)
    assert first.port is not None
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", first.port))
        squatter.listen()
        watched.driver.start_instance(label=watched.tenant.label)
        second = watched.becomes(Observed.RUNNING)
    assert second.port != first.port
    assert second.upstream == f"127.0.0.1:{second.port}"


def test_removed_instance_leaves_nothing(
    watched: Watched, tenancies: Tenancy, agent: Agent
) -> None:
    watched.make(tenancies)
    pid = watched.becomes(Observed.RUNNING).pid
    watched.driver.remove_instance(label=watched.tenant.label)
    until(lambda: watched.driver.find_instance(label=watched.tenant.label) is None)
    assert not watched.folder.exists()
    assert not _lives(pid)


def test_instance_nobody_knows_of_is_cleared(
    watched: Watched, tenancies: Tenancy, agent: Agent, now: datetime
) -> None:
    watched.make(tenancies)
    pid = watched.becomes(Observed.RUNNING).pid
    instances.forget(
        tenant_id=watched.tenant.tenant_id, actor="system:test", reason="a test", now=now
    )
    until(lambda: not watched.folder.exists())
    assert not _lives(pid)


def test_agent_that_is_asked_to_end_ends_its_instances(
    watched: Watched, tenancies: Tenancy, template: str, now: datetime
) -> None:
    with running_agent(now):
        watched.make(tenancies)
        pid = watched.becomes(Observed.RUNNING).pid
    row = watched.row()
    assert (row.observed, row.desired, row.pid) == (Observed.STOPPED, Desired.RUNNING, None)
    assert not _lives(pid)
    with running_agent(now):
        assert watched.becomes(Observed.RUNNING).starts == 2


def test_killed_agent_leaves_its_instances_and_another_finds_them(
    watched: Watched, tenancies: Tenancy, template: str, now: datetime, recipe: PlainRecipe
) -> None:
    agent = _agent_process()
    try:
        watched.make(tenancies)
        before = watched.becomes(Observed.RUNNING)
    finally:
        agent.kill()
        agent.wait()
    assert _lives(before.pid)
    with running_agent(now) as second:
        until(lambda: second._of(watched.tenant.label).proven)
        after = watched.becomes(Observed.RUNNING)
        assert (after.pid, after.starts, after.port) == (before.pid, 1, before.port)
        watched.driver.stop_instance(label=watched.tenant.label)
        watched.becomes(Observed.STOPPED)
    assert not _lives(before.pid)


def test_instance_that_died_without_an_agent_is_started_by_the_next(
    watched: Watched, tenancies: Tenancy, template: str, now: datetime
) -> None:
    agent = _agent_process()
    try:
        watched.make(tenancies)
        before = watched.becomes(Observed.RUNNING)
    finally:
        agent.kill()
        agent.wait()
    assert before.pid is not None
    os.killpg(before.pid, signal.SIGKILL)
    with running_agent(now):
        until(lambda: watched.row().starts == 2)
        watched.becomes(Observed.RUNNING)


def test_host_is_kept_by_one_process(agent: Agent, now: datetime) -> None:
    until(lambda: hosts.find_host(HOST) is not None)
    second = Agent(name=HOST, region=REGION, now=lambda: now)
    second.ending.set()
    with pytest.raises(HostTaken):
        second.run()


def test_host_registers_what_was_measured(agent: Agent) -> None:
    until(lambda: hosts.find_host(HOST) is not None)
    host = hosts.find_host(HOST)
    assert host is not None
    assert (host.cpu_milli, host.memory_mb) == (measure(1.0).cpu_milli, measure(1.0).memory_mb)


def test_share_of_the_machine_is_a_share() -> None:
    whole, half = measure(1.0), measure(0.5)
    assert half.cpu_milli == whole.cpu_milli // 2
    assert half.memory_mb == whole.memory_mb // 2


KEEP = """
import sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.INSTANCES_FOLDER = Path(sys.argv[2])
from tenantry.fleet.provisioning.drivers.local.agent import Agent
from tenantry.sdk import registry
from tenantry.sdk.product import Product
from tests.fleet.provisioning.local.plain import PlainRecipe
product = Product(slug="plain", name="Plain", version="0", requires_platform=">=0.1",
                  app="plain", recipe=PlainRecipe(version="1"))
registry.products = lambda: (product,)
Agent(name=sys.argv[3], region=sys.argv[4]).run()
"""


def _agent_process() -> subprocess.Popen[bytes]:
    name = str(connection.settings_dict["NAME"])
    return subprocess.Popen(
        [sys.executable, "-c", KEEP, name, str(settings.INSTANCES_FOLDER), HOST, REGION],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tenantry.config.settings"},
        cwd=Path(__file__).parents[4],
    )


def _lives(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
