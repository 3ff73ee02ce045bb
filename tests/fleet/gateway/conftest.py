"""Gateways in front of two applications: the built-in one, and Caddy wherever it is at hand."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.gateway.upstream import Upstream
from tests.fleet.gateway.wire import ask, until
from tests.ports import free_port

ONE, TWO, CLOSED, DOWN = (
    f"{name}.localhost" for name in ("tenant-one", "tenant-two", "tenant-closed", "tenant-down")
)
TENANTS = {
    ONE: "01900000-0000-7000-8000-000000000001",
    TWO: "01900000-0000-7000-8000-000000000002",
    CLOSED: "01900000-0000-7000-8000-000000000003",
    DOWN: "01900000-0000-7000-8000-000000000004",
}
PUNY = "xn--9n2bp8q.localhost"
# Several binaries are proven at once: TENANTRY_CADDY=/one/caddy:/other/caddy
BINARIES = [
    path
    for path in [shutil.which("caddy"), *os.environ.get("TENANTRY_CADDY", "").split(os.pathsep)]
    if path
]
BUILT_IN = "built-in"


@dataclass(kw_only=True)
class Gate:
    """One gateway: where it listens, and what is behind it."""

    kind: str
    port: int
    own_port: int
    one: Upstream
    two: Upstream
    routes: Path
    dead_port: int
    admin: str = ""

    @property
    def old(self) -> bool:
        """Return whether this is Debian's Caddy of 2022."""
        return self.kind != BUILT_IN and version_of(self.kind) < (2, 7)

    def put(self, **changed: list[Any] | None) -> None:
        """Write the desired routes; names are written with two underscores for a dot."""
        routes: dict[str, list[Any]] = {
            ONE: [TENANTS[ONE], f"127.0.0.1:{self.one.port}", True],
            TWO: [TENANTS[TWO], f"127.0.0.1:{self.two.port}", True],
            CLOSED: [TENANTS[CLOSED], f"127.0.0.1:{self.one.port}", False],
            DOWN: [TENANTS[DOWN], f"127.0.0.1:{self.dead_port}", True],
            PUNY: [TENANTS[TWO], f"127.0.0.1:{self.two.port}", True],
        }
        for name, route in changed.items():
            host = name.replace("__", ".")
            if route is None:
                del routes[host]
            else:
                routes[host] = route
        fresh = self.routes.with_suffix(".new")
        fresh.write_text(json.dumps(routes))
        fresh.rename(self.routes)


@cache
def version_of(binary: str) -> tuple[int, ...]:
    said = subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.lstrip("v").split()[0].split(".")[:2])


@contextmanager
def running(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def opened(kind: str, folder: Path, **limits: float) -> Iterator[Gate]:
    with ExitStack() as stack:
        one, two = Upstream("one").start(), Upstream("two").start()
        stack.callback(one.stop)
        stack.callback(two.stop)
        own = port = free_port()
        admin = listen = ""
        if kind != BUILT_IN:
            port = free_port()
            admin, listen = f"http://127.0.0.1:{free_port()}", f"127.0.0.1:{port}"
            empty = folder / "caddy.json"
            empty.write_text(json.dumps({"admin": {"listen": admin.removeprefix("http://")}}))
            stack.enter_context(
                running(
                    kind, "run", "--config", str(empty), HOME=str(folder), XDG_DATA_HOME=str(folder)
                )
            )
        routes = folder / "routes.json"
        gate = Gate(
            kind=kind,
            port=port,
            own_port=own,
            one=one,
            two=two,
            routes=routes,
            dead_port=free_port(),
            admin=admin,
        )
        gate.put()
        given = {
            "address": f"127.0.0.1:{own}",
            "routes": str(routes),
            "caddy": admin,
            "listen": listen,
            "limits": limits,
        }
        stack.enter_context(
            running(sys.executable, "-m", "tests.fleet.gateway.gate", GATE=json.dumps(given))
        )
        until(lambda: answers(port), patience=60)
        yield gate


def answers(port: int) -> bool:
    try:
        return ask(port, ONE).status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Gate]]:
    """Return how a kind of gateway is had: opened once, whatever the order of the tests."""
    with ExitStack() as stack:

        @cache
        def had(kind: str) -> Gate:
            folder = tmp_path_factory.mktemp("gate")
            limits = {"body_bytes": 2_000_000, "answer_seconds": 1.0}
            return stack.enter_context(opened(kind, folder, **limits))

        yield had


@pytest.fixture(params=[BUILT_IN, *BINARIES])
def gate(request: pytest.FixtureRequest, gates: Callable[[str], Gate]) -> Gate:
    return gates(request.param)


@pytest.fixture
def narrow(tmp_path: Path) -> Callable[..., Any]:
    """Return how a built-in gateway with limits of its own is opened."""
    return lambda **limits: opened(BUILT_IN, tmp_path, **limits)
