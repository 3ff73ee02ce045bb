"""Case `gateway`: what a gateway adds to a request, the built-in one and Caddy where it is.

One client, one kept connection, one upstream; direct and through take turns. Then the same with
many connections at once, for the requests per second.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from tenantry.config.bench.database import own_database
from tenantry.config.bench.report import at_most, figure, percentile, report
from tenantry.config.machine import free_port
from tenantry.config.supervision import tenantry
from tenantry.core import clock, db
from tenantry.core.ids import uuid7
from tenantry.fleet.gateway import services
from tenantry.fleet.gateway.states import RouteState

_HOST = "tenant-bench.localhost"
_REQUEST = f"GET /page?a=b HTTP/1.1\r\nHost: {_HOST}\r\nAccept: text/html\r\n\r\n".encode()
_PATIENCE_SECONDS = 30.0
_BODY = b"x" * 2_000
_CONNECTIONS = 16
_NEIGHBORS = 200
_NO_CADDY = "no caddy on PATH, and TENANTRY_CADDY names none"


def run(*, quick: bool) -> dict[str, Any]:
    """Measure latency and throughput, directly and through each gateway."""
    rounds, requests = (2, 50) if quick else (9, 400)
    checks = {"every answer is whole": True}
    latencies: dict[str, list[list[float]]] = {}
    rates: dict[str, list[float]] = {}
    with ExitStack() as stack:
        doors = stack.enter_context(_doors())
        for door, port in doors.items():
            _ask_often(port, 20, checks)
            latencies[door], rates[door] = [], []
        for _ in range(rounds):
            for door, port in doors.items():
                latencies[door].append(_ask_often(port, requests, checks))
        for _ in range(rounds):
            for door, port in doors.items():
                rates[door].append(asyncio.run(_crowd(port, requests, checks)))
    return _reported(latencies, rates, checks)


def _reported(
    latencies: Mapping[str, list[list[float]]],
    rates: Mapping[str, list[float]],
    checks: Mapping[str, bool],
) -> dict[str, Any]:
    figures, targets = {}, {}
    for door, rounds in latencies.items():
        for name, share in (("p50", 0.50), ("p99", 0.99)):
            figures[f"{door}_{name}"] = figure([percentile(one, share) for one in rounds], "ms")
    for door in latencies.keys() - {"direct"}:
        for name, share in (("p50", 0.50), ("p99", 0.99)):
            turns = zip(latencies[door], latencies["direct"], strict=True)
            added = [percentile(ours, share) - percentile(bare, share) for ours, bare in turns]
            figures[f"{door}_added_{name}"] = figure(added, "ms")
            if (door, name) == ("built_in", "p50"):
                targets["built_in_added_p50_ms"] = at_most(median(added), 2.0)
    figures |= {f"{door}_rate": figure(values, "requests/s") for door, values in rates.items()}
    return report(
        case="gateway",
        figures=dict(sorted(figures.items())),
        ratios={},
        targets=targets,
        checks=checks,
        skipped={} if "caddy" in latencies else {"caddy": _NO_CADDY},
    )


def _ask_often(port: int, times: int, checks: dict[str, bool]) -> list[float]:
    """Ask over one kept connection; returns milliseconds."""
    taken: list[float] = []
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(times):
            begun = time.perf_counter()
            link.sendall(_REQUEST)
            answer = b""
            while not answer.endswith(_BODY):
                piece = link.recv(65_536)
                if not piece:
                    checks["every answer is whole"] = False
                    return taken
                answer += piece
            taken.append((time.perf_counter() - begun) * 1000)
            _check(answer, checks)
    return taken


async def _crowd(port: int, times: int, checks: dict[str, bool]) -> float:
    """Ask over many connections at once; returns answers per second."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(times // 4):
            writer.write(_REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            _check(head + await reader.readexactly(len(_BODY)), checks)
        writer.close()
        await writer.wait_closed()

    begun = time.perf_counter()
    async with asyncio.timeout(_PATIENCE_SECONDS * 4):
        await asyncio.gather(*(one() for _ in range(_CONNECTIONS)))
    return _CONNECTIONS * (times // 4) / (time.perf_counter() - begun)


def _check(answer: bytes, checks: dict[str, bool]) -> None:
    if not answer.startswith(b"HTTP/1.1 200 ") or not answer.endswith(_BODY):
        checks["every answer is whole"] = False


@contextmanager
def _doors() -> Iterator[dict[str, int]]:
    """Start upstream and gateways; yields the port of each way to the same page."""
    caddy = shutil.which("caddy") or os.environ.get("TENANTRY_CADDY", "").partition(os.pathsep)[0]
    with own_database() as name, ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        direct, built_in = free_port(24_000), free_port(24_100)
        doors, options = {"direct": direct, "built_in": built_in}, []
        stack.enter_context(_running(sys.executable, "-c", _UPSTREAM, str(direct)))
        if caddy:
            doors["caddy"], admin = free_port(24_200), free_port(24_300)
            begin = folder / "caddy.json"
            begin.write_text(json.dumps({"admin": {"listen": f"127.0.0.1:{admin}"}}))
            stack.enter_context(
                _running(caddy, "run", "--config", str(begin), XDG_DATA_HOME=str(folder))
            )
            options = ["--caddy", f"http://127.0.0.1:{admin}"]
            options += ["--caddy-listen", f"127.0.0.1:{doors['caddy']}"]
        _route(direct)
        given = {key: str(value) for key, value in db.dsn().items() if key in _ADDRESS}
        database = psycopg.conninfo.make_conninfo(**{**given, "dbname": name})
        command = tenantry("gateway", "--port", str(built_in), *options)
        stack.enter_context(_running(*command, DATABASE_URL=database))
        for port in doors.values():
            _wait(port)
        yield doors


_ADDRESS = ("host", "port", "user", "password", "dbname")


def _route(port: int) -> None:
    hosts = [_HOST, *(f"tenant-neighbor{number}.localhost" for number in range(_NEIGHBORS))]
    for host in hosts:
        services.put_route(
            tenant_id=uuid7(),
            host=host,
            upstream=f"127.0.0.1:{port}",
            state=RouteState.SERVING,
            now=clock.now(),
        )


@contextmanager
def _running(*command: str, **environment: str) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        checks = {"every answer is whole": True}
        try:
            _ask_once(port, checks)
        except OSError:
            checks["every answer is whole"] = False
        if checks["every answer is whole"]:
            return
        time.sleep(0.1)
    message = f"nothing serves {_HOST} on port {port}"
    raise TimeoutError(message)


def _ask_once(port: int, checks: dict[str, bool]) -> None:
    closing = _REQUEST.replace(b"Accept", b"Connection: close\r\nAccept")
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS) as link:
        link.sendall(closing)
        answer = b""
        while piece := link.recv(65_536):
            answer += piece
        _check(answer, checks)


# The least a server can be: what is measured is the way to it.
_UPSTREAM = f"""
import asyncio, sys
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\nContent-Length: {len(_BODY)}\\r\\n"
class Page(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.heard = transport, b""
    def data_received(self, data):
        self.heard += data
        while b"\\r\\n\\r\\n" in self.heard:
            asked, _, self.heard = self.heard.partition(b"\\r\\n\\r\\n")
            last = b"Connection: close" in asked
            end = b"Connection: close\\r\\n\\r\\n" if last else b"\\r\\n"
            self.transport.write(ANSWER + end + b"x" * {len(_BODY)})
            if last:
                self.transport.close()
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Page, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(main())
"""
