"""What the built-in gateway alone must prove: framing, limits, silence, and whom it believes."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from pathlib import Path

import pytest

from tenantry.core.crypto import keyed_hash
from tests.fleet.gateway.conftest import BUILT_IN, ONE, TWO, Gate, opened
from tests.fleet.gateway.wire import Seen, answer, ask, connected, everything, request, until

Narrow = Callable[..., AbstractContextManager[Gate]]
HOST = f"Host: {ONE}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder: Path = tmp_path_factory.mktemp("own")
    with opened(BUILT_IN, folder, body_seconds=0.5, header_bytes=2_000) as gate:
        yield gate


def exchange(port: int, raw: str, *, seconds: float = 1.0) -> bytes:
    """Send bytes, say that nothing more comes, and return all that is answered."""
    with connected(port, patience=seconds) as link:
        try:
            link.sendall(raw.encode("latin-1"))
            link.shutdown(socket.SHUT_WR)
            return everything(link)
        except OSError:
            return b""


# Each hides a second request, GET /smuggled, from a reader that sees the length differently.
HIDDEN = f"GET /echo/smuggled HTTP/1.1\r\n{HOST}\r\n"
SMUGGLED = {
    "two lengths": f"Content-Length: 0\r\nContent-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "two lengths, the long first": (
        f"Content-Length: {len(HIDDEN)}\r\nContent-Length: 0\r\n\r\n{HIDDEN}"
    ),
    "a list of lengths": f"Content-Length: 0, {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "a signed length": f"Content-Length: +0\r\n\r\n{HIDDEN}",
    "a negative length": f"Content-Length: -1\r\n\r\n{HIDDEN}",
    "a length in hex": f"Content-Length: 0x0\r\n\r\n{HIDDEN}",
    "a space before the colon": f"Content-Length : 0\r\n\r\n{HIDDEN}",
    "an unknown coding": f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    "chunked not last": f"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{HIDDEN}",
    "a tab before chunked": f"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    "a folded line": f"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    "a bare carriage return": f"X-A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    "a zero byte": f"X-A: b\x00\r\n{CHUNKED}\r\n0\r\n\r\n{HIDDEN}",
    "a size that is none": f"{CHUNKED}\r\n0x0\r\n\r\n{HIDDEN}",
    "a size that overflows": f"{CHUNKED}\r\nffffffffffffffff0\r\n\r\n{HIDDEN}",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_request_of_two_lengths_is_refused(own: Gate, name: str) -> None:
    before = own.one.heard["/echo/smuggled"]
    said = exchange(own.port, f"POST /echo/outer HTTP/1.1\r\n{HOST}{SMUGGLED[name]}")
    assert said.count(b"HTTP/1.1 ") <= 1
    assert b"HTTP/1.1 200" not in said
    assert own.one.heard["/echo/smuggled"] == before


@pytest.mark.parametrize(
    "framing",
    [
        f"{CHUNKED}Content-Length: 3\r\n",
        f"Content-Length: 3\r\n{CHUNKED}",
        f"Content-Length: 3\r\n{CHUNKED}Content-Length: 4\r\n",
    ],
)
def test_coding_wins_over_length_and_ends_the_connection(own: Gate, framing: str) -> None:
    """As RFC 9112 section 6.3 has it; upwards goes one framing, written anew."""
    before = own.one.heard["/echo/smuggled"]
    body = "5\r\nhello\r\n0\r\n\r\n"
    said = exchange(own.port, f"POST /echo HTTP/1.1\r\n{HOST}{framing}\r\n{body}{HIDDEN}")
    assert said.count(b"HTTP/1.1 ") == 1
    if b"HTTP/1.1 200" in said:
        heard = json.loads(said.partition(b"\r\n\r\n")[2])
        names = [name for name, _value in heard["headers"]]
        assert heard["body"] == "hello"
        assert names.count("transfer-encoding") + names.count("content-length") == 1
    assert own.one.heard["/echo/smuggled"] == before


def test_pipelined_requests_stay_apart(own: Gate) -> None:
    first = f"POST /echo/a HTTP/1.1\r\n{HOST}Content-Length: 3\r\n\r\nabc"
    second = f"GET /echo/b HTTP/1.1\r\nHost: {TWO}\r\n\r\n"
    with connected(own.port) as link:
        link.sendall((first + second).encode())
        answers: list[Seen] = [answer_of(link), answer_of(link)]
    assert [(seen.json["name"], seen.json["body"]) for seen in answers] == [
        ("one", "abc"),
        ("two", ""),
    ]


def answer_of(link: socket.socket) -> Seen:
    """Read exactly one answer of a known length."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += link.recv(1)
    lines = head.decode("latin-1").split("\r\n")
    headers = [
        (name.lower(), value)
        for name, _colon, value in (line.partition(": ") for line in lines[1:-2])
    ]
    length, body = int(dict(headers)["content-length"]), b""
    while len(body) < length:
        body += link.recv(length - len(body))
    return Seen(status=int(lines[0].split()[1]), headers=headers, body=body)


@pytest.mark.parametrize(
    "raw",
    [
        "GET /echo HTTP/1.1\r\n\r\n",
        f"GET /echo HTTP/1.1\r\n{HOST}Host: {TWO}\r\n\r\n",
        f"GET /echo HTTP/1.1\r\n{HOST}{HOST}\r\n",
        "GET /echo HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost: [::1\r\n\r\n",
        f"CONNECT {ONE}:443 HTTP/1.1\r\n{HOST}\r\n",
        f"TRACE /echo HTTP/1.1\r\n{HOST}\r\n",
        f"OPTIONS * HTTP/1.1\r\n{HOST}\r\n",
    ],
)
def test_malformed_request_is_refused(own: Gate, raw: str) -> None:
    before = own.one.heard.total() + own.two.heard.total()
    with connected(own.port) as link:
        link.sendall(raw.encode())
        seen = answer(link)
    assert seen.status == 400
    if seen.body:
        assert seen.json["code"] == "request_malformed"
    assert own.one.heard.total() + own.two.heard.total() == before


@pytest.mark.parametrize("number", [1, 90])
def test_header_above_the_limit_is_refused(own: Gate, number: int) -> None:
    value = "x" * (2_000 // number)
    seen = ask(own.port, ONE, "/echo", [(f"X-{one}", value) for one in range(number)])
    assert (seen.status, seen.json["code"]) == (431, "headers_too_large")


@pytest.mark.parametrize("raw", ["X-A: " + "x" * 200_000, "\r\n".join(["X-A: b"] * 300)])
def test_header_far_above_the_limit_is_refused_by_the_server(own: Gate, raw: str) -> None:
    said = exchange(own.port, f"GET /echo HTTP/1.1\r\n{HOST}{raw}\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 431 ") or said == b""


def test_body_that_stops_is_refused(own: Gate) -> None:
    given = [("Host", ONE), ("Content-Length", "10")]
    with connected(own.port) as link:
        link.sendall(request("POST", "/echo/stopped", given, b"abc"))
        seen = answer(link)
    assert (seen.status, seen.json["code"]) == (408, "body_too_slow")


def test_answer_that_stops_is_cut(narrow: Narrow) -> None:
    with narrow(answer_seconds=0.3) as gate:
        gate.one.went_on.clear()
        with connected(gate.port) as link:
            link.sendall(request("GET", "/stream", [("Host", ONE)]))
            said = everything(link)
        assert b"first" in said
        assert b"second" not in said
        assert not said.endswith(b"0\r\n\r\n")


def test_upstream_that_does_not_accept_is_slow(narrow: Narrow) -> None:
    with socket.socket() as deaf, narrow(connect_seconds=0.3) as gate:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        # The queue of a listener that never accepts is full with two.
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        gate.put(
            tenant_deaf__localhost=[
                "01900000-0000-7000-8000-000000000009",
                f"127.0.0.1:{port}",
                True,
            ]
        )
        while (seen := ask(gate.port, "tenant_deaf.localhost")).status == 404:
            pass
        assert (seen.status, seen.json["code"]) == (504, "upstream_slow")
        for one in waiting:
            one.close()


def test_relay_secret_is_believed_and_nothing_else(own: Gate) -> None:
    told = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")]
    secret = keyed_hash("gateway.relay").hex()
    for relay, client, proto in [
        (secret, "203.0.113.9", "https"),
        ("0" * 64, "127.0.0.1", "http"),
        ("", "127.0.0.1", "http"),
    ]:
        heard = ask(own.port, ONE, "/echo", [*told, ("X-Tenantry-Relay", relay)]).heard
        assert (heard["x-forwarded-for"], heard["x-forwarded-proto"]) == ([client], [proto])
        assert "x-tenantry-relay" not in heard
    seen = ask(own.port, ONE, "/.tenantry/enter?ticket=good", [*told, ("X-Tenantry-Relay", secret)])
    assert seen.one("set-cookie").endswith("; Secure")


def test_instance_that_hangs_at_its_door_keeps_nobody_else_waiting(narrow: Narrow) -> None:
    with narrow() as gate, ExitStack() as stack:
        for _ in range(40):
            link = stack.enter_context(connected(gate.port))
            link.sendall(request("GET", "/.tenantry/enter?ticket=hang", [("Host", ONE)]))
        stack.callback(gate.routes.with_name("go-on").touch)
        gate.put(fresh__localhost=["0" * 32, f"127.0.0.1:{gate.two.port}", True])
        until(lambda: ask(gate.port, "fresh.localhost").status == 200, patience=5.0)
        assert ask(gate.port, TWO, "/.tenantry/enter?ticket=good").status == 200


@pytest.mark.parametrize(
    ("name", "head"),
    [
        # A status below 100 would end the server's process.
        ("low", b"099 Low\r\n"),
        ("switching", b"101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n"),
        ("high", b"999 High\r\n"),
        ("control", b"200 OK\r\nX-Control: a\x01b\r\n"),
        ("delete", b"200 OK\r\nX-Delete: a\x7fb\r\n"),
    ],
)
def test_answer_that_no_client_may_be_given_is_none(own: Gate, name: str, head: bytes) -> None:
    def say() -> None:
        link, _peer = hostile.accept()
        with link:
            link.recv(65_536)
            link.sendall(b"HTTP/1.1 " + head + b"Content-Length: 2\r\n\r\nok")

    host = f"{name}.localhost"
    with socket.create_server(("127.0.0.1", 0)) as hostile:
        hostile.settimeout(30)
        saying = threading.Thread(target=say)
        saying.start()
        own.put(**{host: ["0" * 32, f"127.0.0.1:{hostile.getsockname()[1]}", True]})
        # Unknown until the route is read.
        answers = (ask(own.port, host).status for _ in count())
        assert next(status for status in answers if status != 404) == 502
        saying.join()
        assert ask(own.port, ONE).status == 200
