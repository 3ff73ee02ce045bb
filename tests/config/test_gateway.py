"""The gateway process: routes of the database within a second, from memory while it is away."""

import json
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

import psycopg
import pytest

from tenantry.core.ids import uuid7
from tenantry.fleet.gateway import queries, services
from tenantry.fleet.gateway.states import RouteState
from tenantry.work.automation.models import ProcessBeat
from tests.config.support import Installation, database_url, until
from tests.fleet.gateway.conftest import BINARIES, running
from tests.fleet.gateway.upstream import Upstream
from tests.fleet.gateway.wire import Seen, ask
from tests.ports import free_port

HOST, TENANT = "tenant-aaaa.localhost", uuid7()
SERVING, SUSPENDED = RouteState.SERVING, RouteState.SUSPENDED


class Wire:
    """A way to the database that can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._links: list[socket.socket] = []
        self.cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._door.accept()
            except OSError:
                return
            if self.cut:
                near.close()
                continue
            far = socket.create_connection(self._there)
            self._links += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(65_536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def break_off(self) -> None:
        self.cut = True
        while self._links:
            link = self._links.pop()
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def close(self) -> None:
        self.break_off()
        self._door.close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    running = Upstream("real").start()
    yield running
    running.stop()


@pytest.fixture
def wire() -> Iterator[Wire]:
    given = psycopg.conninfo.conninfo_to_dict(database_url())
    made = Wire(str(given["host"]), int(str(given["port"])))
    yield made
    made.close()


Put = Callable[..., None]


@pytest.fixture
def put(upstream: Upstream, now: datetime) -> Put:
    def put(host: str = HOST, state: RouteState = SERVING) -> None:
        there = f"127.0.0.1:{upstream.port}"
        services.put_route(tenant_id=TENANT, host=host, upstream=there, state=state, now=now)

    return put


def started(installation: Installation, *words: str, **more: str) -> int:
    """Start a gateway and wait until it has read the routes; returns its port."""
    port = free_port()
    installation.start("gateway", "--port", str(port), *words, **more)

    def is_well() -> bool:
        try:
            return ask(port, "localhost", "/.tenantry/health").status == 200
        except OSError:
            return False

    until(is_well)
    return port


def seconds_until(condition: Callable[[], object]) -> float:
    began = time.monotonic()
    until(condition)
    return time.monotonic() - began


def health(port: int) -> Seen:
    return ask(port, "localhost", "/.tenantry/health")


@pytest.mark.django_db(transaction=True)
def test_change_of_a_route_is_served_within_a_second(
    installation: Installation, put: Put, now: datetime
) -> None:
    put()
    port = started(installation)
    assert ask(port, HOST).json["name"] == "real"
    changes: list[tuple[Callable[[], object], int]] = [
        (lambda: put(state=SUSPENDED), 503),
        (put, 200),
        (lambda: services.remove_routes(tenant_id=TENANT, now=now), 404),
        (put, 200),
    ]
    for change, status in changes:
        change()
        assert seconds_until(lambda status=status: ask(port, HOST).status == status) < 1.0  # type: ignore[misc]  # a default argument
    desired, said = queries.desired(), health(port).json
    assert (said["version"], said["digest"], said["routes"]) == (desired.version, desired.digest, 1)


@pytest.mark.django_db(transaction=True)
def test_process_beats_and_ends_when_asked(installation: Installation) -> None:
    port = started(installation)
    until(lambda: list(ProcessBeat.objects.values_list("kind", flat=True)) == ["gateway"])
    assert ProcessBeat.objects.get().note == f"127.0.0.1:{port}"
    (process,) = installation.started
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert list(ProcessBeat.objects.all()) == []
    log = (installation.state_dir / "gateway-0.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert [line["process"] for line in lines if line["event"] == "process_started"] == ["gateway"]
    assert not re.search(r"Traceback|password=", log)


@pytest.mark.django_db(transaction=True)
def test_known_routes_are_served_while_the_database_is_away(
    installation: Installation, put: Put, wire: Wire
) -> None:
    put()
    through = psycopg.conninfo.make_conninfo(database_url(), host="127.0.0.1", port=wire.port)
    port = started(installation, DATABASE_URL=through)
    assert ask(port, HOST).status == 200
    wire.break_off()
    put(host="tenant-bbbb.localhost")
    log = installation.state_dir / "gateway-0.log"
    until(lambda: "live_connection_lost" in log.read_text())
    for _ in range(5):
        assert ask(port, HOST).status == 200
        assert ask(port, "tenant-bbbb.localhost").status == 404
    assert health(port).status == 200
    wire.cut = False
    until(lambda: ask(port, "tenant-bbbb.localhost").status == 200)
    assert "Traceback" not in log.read_text()


@pytest.mark.django_db(transaction=True)
def test_gateway_that_never_read_routes_says_that_it_starts(
    installation: Installation, wire: Wire
) -> None:
    wire.cut = True
    through = psycopg.conninfo.make_conninfo(database_url(), host="127.0.0.1", port=wire.port)
    port = free_port()
    installation.start("gateway", "--port", str(port), DATABASE_URL=through)

    def code() -> str:
        try:
            return str(ask(port, HOST).json["code"])
        except OSError:
            return ""

    until(lambda: code() == "routes_unknown")
    assert (health(port).status, health(port).json["status"]) == (503, "starting")
    wire.cut = False
    until(lambda: code() == "host_unknown")


@pytest.mark.django_db(transaction=True)
def test_gateway_keeps_its_caddy_current(installation: Installation, put: Put) -> None:
    if not BINARIES:
        pytest.skip("no caddy on this machine")
    admin, front = free_port(), free_port()
    empty = installation.state_dir / "caddy.json"
    empty.write_text(json.dumps({"admin": {"listen": f"127.0.0.1:{admin}"}}))
    folder = str(installation.state_dir)
    with running(BINARIES[0], "run", "--config", str(empty), HOME=folder, XDG_DATA_HOME=folder):
        put()
        given = ("--caddy", f"http://127.0.0.1:{admin}", "--caddy-listen", f"127.0.0.1:{front}")
        started(installation, *given)

        def status(host: str) -> int:
            try:
                return ask(front, host).status
            except OSError:
                return 0

        until(lambda: status(HOST) == 200)
        assert status("tenant-bbbb.localhost") == 404
        put(host="tenant-bbbb.localhost")
        assert seconds_until(lambda: status("tenant-bbbb.localhost") == 200) < 1.0
