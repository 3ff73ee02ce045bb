"""A pretended place to run instances, and a pretended application: for tests and benches.

Its world is kept in memory, or in a file that survives the process and is shared by many. Faults
strike at named points of a verb: before anything was done, in the middle, after all was done.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings

from tenantry.core.errors import Text
from tenantry.fleet.gateway import queries as gateway
from tenantry.fleet.provisioning.drivers.compute import (
    AlreadyThere,
    DatabaseFound,
    DriverError,
    InstanceFound,
)
from tenantry.sdk.product import Product
from tenantry.sdk.recipe import (
    DatabaseAccess,
    Entry,
    Identity,
    InstanceRefused,
    InstanceUnreachable,
    Launch,
    Needs,
    Passwords,
    Progress,
)

BEFORE, MIDDLE, AFTER = "before", "middle", "after"
_FIRST_PORT = 20_000
World = dict[str, Any]
# Asks what may go wrong at a point of a verb; what it raises the caller of the verb sees.
Strike = Callable[[str, str], None]


def _empty() -> World:
    return {"databases": {}, "instances": {}, "created": {}, "faults": [], "calls": []}


class Store(Protocol):
    """Where the pretended world is kept."""

    def open(self) -> Any:  # noqa: ANN401  # a context manager that yields the World
        """Yield the world alone; what was changed is kept when the block ends."""
        ...


class Memory:
    """A world that ends with the process."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._world = _empty()

    @contextmanager
    def open(self) -> Iterator[World]:
        """Yield the world."""
        yield self._world


class File:
    """A world in a file; a killed process leaves it as before or after a change, never between."""

    def __init__(self, path: Path) -> None:
        """Begin with what the file holds, or with nothing."""
        self._path = path

    @contextmanager
    def open(self) -> Iterator[World]:
        """Yield the world, locked against other processes."""
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._path.exists()
            world = json.loads(self._path.read_text(encoding="utf-8")) if known else _empty()
            yield world
            aside = self._path.with_suffix(".new")
            aside.write_text(json.dumps(world), encoding="utf-8")
            aside.replace(self._path)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens at a point of a verb, so many times: raise, hang, or kill the process."""

    verb: str
    at: str = BEFORE
    do: str = "raise"
    code: str = "HOST_UNREACHABLE"
    retryable: bool = True
    seconds: float = 60.0
    times: int = 1


@dataclass(kw_only=True)
class FakeDriver:
    """Implements `compute.ComputeDriver` over a store.

    `looks_to_start` is how many looks an instance takes until it runs; `strike` is asked at every
    point, besides the faults that the store holds.
    """

    store: Store = field(default_factory=Memory)
    looks_to_start: int = 0
    strike: Strike | None = None
    templates: bool = True

    def plan(self, *faults: Fault) -> None:
        """Let these happen, each as often as it says."""
        with self.store.open() as world:
            world["faults"] += [asdict(fault) for fault in faults]

    def world(self) -> World:
        """Return a copy of everything there is."""
        with self.store.open() as world:
            copy: World = json.loads(json.dumps(world))
            return copy

    def reach(self, verb: str, at: str) -> None:
        """Come to a point of a verb, where a fault may strike."""
        if self.strike is not None:
            self.strike(verb, at)
        with self.store.open() as world:
            if at == BEFORE:
                world["calls"].append(verb)
            fault = _next_fault(world, verb, at)
        if fault is None:
            return
        if fault.do == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault.do == "hang":
            time.sleep(fault.seconds)
            return
        raise DriverError(fault.code, retryable=fault.retryable, detail="a planned fault")

    def template_ready(self, *, recipe: str) -> bool:
        """Say what it was told to say."""
        del recipe
        self.reach("template_ready", BEFORE)
        return self.templates

    def create_database(self, *, label: str, recipe: str, password: str) -> DatabaseFound:
        """Make the role, then the database."""
        del recipe
        self.reach("create_database", BEFORE)
        with self.store.open() as world:
            made = world["databases"].setdefault(label, {"complete": False, "locked": False})
            if made["complete"]:
                raise AlreadyThere(label)
            made["password"] = password
        self.reach("create_database", MIDDLE)
        with self.store.open() as world:
            world["databases"][label]["complete"] = True
            _count(world, f"database:{label}")
        self.reach("create_database", AFTER)
        return _database(label)

    def find_database(self, *, label: str) -> DatabaseFound | None:
        """Find it once it is complete."""
        self.reach("find_database", BEFORE)
        with self.store.open() as world:
            complete = world["databases"].get(label, {}).get("complete", False)
        return _database(label) if complete else None

    def remove_database(self, *, label: str) -> None:
        """Remove the database, then the role."""
        self.reach("remove_database", BEFORE)
        with self.store.open() as world:
            if label in world["databases"]:
                world["databases"][label]["complete"] = False
        self.reach("remove_database", MIDDLE)
        with self.store.open() as world:
            world["databases"].pop(label, None)
        self.reach("remove_database", AFTER)

    def lock_database(self, *, label: str) -> None:
        """Let nobody in."""
        self._set_locked("lock_database", label, locked=True)

    def unlock_database(self, *, label: str) -> None:
        """Let its role in."""
        self._set_locked("unlock_database", label, locked=False)

    def _set_locked(self, verb: str, label: str, *, locked: bool) -> None:
        self.reach(verb, BEFORE)
        with self.store.open() as world:
            if label in world["databases"]:
                world["databases"][label]["locked"] = locked
        self.reach(verb, AFTER)

    def create_instance(self, *, label: str, tenant_id: UUID) -> InstanceFound:
        """Make its folder, then its process."""
        self.reach("create_instance", BEFORE)
        with self.store.open() as world:
            ports = [one["port"] for one in world["instances"].values()]
            made = world["instances"].setdefault(
                label,
                {
                    "tenant_id": str(tenant_id),
                    "port": max(ports, default=_FIRST_PORT) + 1,
                    "observed": "",
                    "looks": 0,
                },
            )
            if made["observed"]:
                raise AlreadyThere(label)
        self.reach("create_instance", MIDDLE)
        with self.store.open() as world:
            world["instances"][label]["observed"] = "starting"
            _count(world, f"instance:{label}")
        self.reach("create_instance", AFTER)
        return InstanceFound(label=label, observed="starting")

    def find_instance(self, *, label: str) -> InstanceFound | None:
        """Look at it; a starting one runs after some looks."""
        self.reach("find_instance", BEFORE)
        with self.store.open() as world:
            found = world["instances"].get(label)
            if found is None or not found["observed"]:
                return None
            if found["observed"] == "starting":
                found["looks"] += 1
                if found["looks"] > self.looks_to_start:
                    found["observed"] = "running"
            running = found["observed"] == "running"
            return InstanceFound(
                label=label,
                observed=found["observed"],
                pid=found["port"] if running else None,
                upstream=f"127.0.0.1:{found['port']}" if running else "",
            )

    def stop_instance(self, *, label: str) -> None:
        """End its process."""
        self._become("stop_instance", label, "stopped")

    def start_instance(self, *, label: str) -> None:
        """Start its process."""
        self._become("start_instance", label, "starting")

    def _become(self, verb: str, label: str, observed: str) -> None:
        self.reach(verb, BEFORE)
        with self.store.open() as world:
            if label in world["instances"]:
                world["instances"][label] |= {"observed": observed, "looks": 0}
        self.reach(verb, AFTER)

    def remove_instance(self, *, label: str) -> None:
        """End its process, then remove its folder."""
        self.reach("remove_instance", BEFORE)
        with self.store.open() as world:
            if label in world["instances"]:
                world["instances"][label]["observed"] = "stopped"
        self.reach("remove_instance", MIDDLE)
        with self.store.open() as world:
            world["instances"].pop(label, None)
        self.reach("remove_instance", AFTER)

    def labels(self) -> frozenset[str]:
        """Return the labels of everything, halves included."""
        with self.store.open() as world:
            return frozenset(world["databases"]) | frozenset(world["instances"])

    def die(self, *, label: str) -> None:
        """Let the process of an instance end by itself."""
        with self.store.open() as world:
            world["instances"][label]["observed"] = "dead"


def _count(world: World, what: str) -> None:
    world["created"][what] = world["created"].get(what, 0) + 1


def _next_fault(world: World, verb: str, at: str) -> Fault | None:
    for planned in world["faults"]:
        if (planned["verb"], planned["at"]) == (verb, at) and planned["times"] > 0:
            planned["times"] -= 1
            return Fault(**planned)
    return None


def _database(label: str) -> DatabaseFound:
    return DatabaseFound(label=label, name=label, user=label, host="127.0.0.1", port=5432)


def _routed(host: str) -> str | None:
    # As a gateway would lead that name at this moment.
    target = gateway.desired().routes.get(host)
    return target.upstream if target is not None and target.serving else None


@dataclass(frozen=True, kw_only=True)
class FakeRecipe:
    """Implements `sdk.recipe.Recipe` for instances of a `FakeDriver`."""

    driver: FakeDriver
    slug: str = "fake"
    label: Text = "Fake"
    version: str = "1"
    needs: Needs = field(default_factory=lambda: Needs(memory_mb=64, cpu_milli=100, disk_mb=100))

    def prepare(self, *, folder: Path, progress: Progress) -> None:
        """There is nothing to prepare."""
        del folder
        progress("nothing", 1.0)

    def build_template(self, *, folder: Path, database: DatabaseAccess, progress: Progress) -> None:
        """There is nothing to fill."""
        del folder, database
        progress("nothing", 1.0)

    def settle(
        self, *, folder: Path, database: DatabaseAccess, identity: Identity, passwords: Passwords
    ) -> None:
        """There is nothing to settle."""

    def launch(
        self,
        *,
        folder: Path,
        workdir: Path,
        database: DatabaseAccess,
        port: int,
        identity: Identity,
    ) -> Launch:
        """Return a command that is never run."""
        del folder, workdir, database, identity
        return Launch(command=["false", str(port)])

    def identity_of(self, *, url: str, host: str) -> str:
        """Return whose instance runs at the upstream, or behind the gateway under that name."""
        self._reach("identity_of")
        through = url.rstrip("/") == settings.GATEWAY_URL.rstrip("/")
        upstream = _routed(host) if through else url.removeprefix("http://")
        with self.driver.store.open() as world:
            for label, instance in world["instances"].items():
                here = upstream == f"127.0.0.1:{instance['port']}"
                if here and instance["observed"] == "running":
                    return str(label).removeprefix("tnt_")
        raise InstanceUnreachable(part=host)

    def sign_in(self, *, url: str, host: str, database: str, account: str, password: str) -> Entry:
        """Let everybody in who has a password, where an instance runs."""
        self.identity_of(url=url, host=host)
        try:
            self._reach("sign_in")
        except InstanceUnreachable as error:
            raise InstanceRefused from error
        if not (database and account and password):
            raise InstanceRefused
        return Entry(path="/", local_storage={"account": account})

    def _reach(self, verb: str) -> None:
        try:
            self.driver.reach(verb, BEFORE)
        except DriverError as error:
            raise InstanceUnreachable(part=verb) from error


def product_with(recipe: FakeRecipe) -> Product:
    """Return a product that has nothing but this application."""
    return Product(
        slug=recipe.slug,
        name="Fake",
        version="0",
        requires_platform=">=0.1",
        app=recipe.slug,
        recipe=recipe,
    )
