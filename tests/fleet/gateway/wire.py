"""HTTP as bytes on a socket: tests say exactly what is sent and see exactly what comes."""

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

PATIENCE = 20.0
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Seen:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def heard(self) -> dict[str, list[str]]:
        """Return the header as the upstream heard it, by name."""
        found: dict[str, list[str]] = {}
        for name, value in self.json["headers"]:
            found.setdefault(name, []).append(value)
        return found


@contextmanager
def connected(port: int, *, patience: float = PATIENCE) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as link:
        yield link


def request(
    method: str, target: str, headers: Pairs, body: bytes = b"", *, version: str = "HTTP/1.1"
) -> bytes:
    lines = [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def answer(link: socket.socket, method: str = "GET") -> Seen:
    found = HTTPResponse(link, method=method)
    found.begin()
    headers = [(name.lower(), value) for name, value in found.getheaders()]
    seen = Seen(status=found.status, headers=headers, body=found.read())
    found.close()
    return seen


def send(port: int, raw: bytes, *, method: str = "GET") -> Seen:
    with connected(port) as link:
        link.sendall(raw)
        return answer(link, method)


def ask(
    port: int,
    host: str,
    target: str = "/echo",
    headers: Pairs = (),
    body: bytes = b"",
    *,
    method: str = "",
) -> Seen:
    method = method or ("POST" if body else "GET")
    given = [("Host", host), *headers]
    if body and "transfer-encoding" not in {name.lower() for name, _value in headers}:
        given.append(("Content-Length", str(len(body))))
    return send(port, request(method, target, given, body), method=method)


def everything(link: socket.socket) -> bytes:
    """Return all that comes until the other side closes."""
    said = b""
    try:
        while piece := link.recv(65_536):
            said += piece
    except ConnectionResetError:
        pass
    return said


def until(condition: Callable[[], object], *, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.01)
