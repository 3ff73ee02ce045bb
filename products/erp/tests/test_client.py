"""What is asked of a running Tryton, against a server that answers as told."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tenantry.sdk import Entry, InstanceRefused, InstanceUnreachable
from tenantry_erp import client

HOST = "tenant-a1.localhost:8080"
COOKIE = "tryton_session=owner@hanbit.example:2:abc; Path=/tnt_a1; HttpOnly"


@dataclass
class Pretended:
    """What it answers next, and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    cookie: str = ""
    asked: list[tuple[str, str, str, bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Pretended]:
    pretended = Pretended()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            asked = (self.command, self.path, self.headers["Host"], self.rfile.read(length))
            pretended.asked.append(asked)
            self.send_response(pretended.status)
            if pretended.cookie:
                self.send_header("Set-Cookie", pretended.cookie)
            self.send_header("Content-Length", str(len(pretended.body)))
            self.end_headers()
            self.wfile.write(pretended.body)

        do_GET = do_POST = answer  # noqa: N815 - http.server names them

        def log_message(self, *args: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pretended.url = f"http://127.0.0.1:{listening.server_port}"
    serving = threading.Thread(target=listening.serve_forever)
    serving.start()
    yield pretended
    listening.shutdown()
    serving.join()
    listening.server_close()


def sign_in(server: Pretended) -> Entry:
    return client.sign_in(
        url=server.url,
        host=HOST,
        database="tnt_a1",
        account="owner@hanbit.example",
        password="hidden",
    )


def test_identity_is_what_the_application_states(server: Pretended) -> None:
    server.body = b'{"short_id": "a1"}'
    assert client.identity_of(url=server.url, host=HOST) == "a1"
    assert server.asked == [("GET", "/.well-known/tenantry", HOST, b"")]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b'{"short_id": "a1"}'),
        (200, b"<html>"),
        (200, b'["a1"]'),
        (200, b'{"short_id": 1}'),
        # What no database would store.
        (200, b'{"short_id": "\\u0000"}'),
        (200, b'{"short_id": "\\ud800"}'),
        (200, b'{"short_id": "%s"}' % (b"a" * 41)),
        (200, b"[" * 50_000),
    ],
)
def test_anything_else_states_no_identity(server: Pretended, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    assert client.identity_of(url=server.url, host=HOST) == ""


def test_signed_in_browser_holds_session_and_cookie(server: Pretended) -> None:
    server.body, server.cookie = b'{"id": 1, "result": [2, null]}', COOKIE
    entry = sign_in(server)
    assert (entry.path, entry.cookie_path) == ("/#tnt_a1", "/tnt_a1")
    assert entry.cookies == {"tryton_session": "owner@hanbit.example:2:abc"}
    assert json.loads(entry.local_storage["sao_session_tnt_a1"]) == {
        "login": "owner@hanbit.example",
        "user_id": 2,
        "bus_url_host": None,
    }
    ((verb, path, host, body),) = server.asked
    assert (verb, path, host) == ("POST", "/tnt_a1/session/login", HOST)
    assert json.loads(body)["params"] == ["owner@hanbit.example", {"password": "hidden"}]
    assert "abc" not in repr(entry)


@pytest.mark.parametrize("status", [401, 429])
def test_refused_account_is_a_refusal(server: Pretended, status: int) -> None:
    server.status, server.body = status, b"<html>"
    with pytest.raises(InstanceRefused):
        sign_in(server)


@pytest.mark.parametrize(
    ("status", "body", "cookie"),
    [
        (503, b"<html>", ""),
        (200, b"<html>", COOKIE),
        (200, b'{"id": 1, "error": ["x", "y"]}', COOKIE),
        (200, b'{"id": 1, "result": [2, null]}', ""),
        (200, b'{"id": 1, "result": []}', COOKIE),
        (200, b'{"id": 1, "result": ["2"]}', COOKIE),
        (200, b"[" * 50_000, COOKIE),
    ],
)
def test_answer_that_signs_nobody_in_is_no_entry(
    server: Pretended, status: int, body: bytes, cookie: str
) -> None:
    server.status, server.body, server.cookie = status, body, cookie
    with pytest.raises(InstanceUnreachable):
        sign_in(server)


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(InstanceUnreachable):
        client.identity_of(url="http://127.0.0.1:9", host=HOST)


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n"],
    ids=["in its head", "in its body"],
)
def test_answer_that_drips_is_waited_for_no_longer_than_any(
    monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(client, "_ANSWER_SECONDS", 0.5)
    ending = threading.Event()

    def drip() -> None:
        line, _peer = listening.accept()
        with line, suppress(OSError):
            line.sendall(head)
            while not ending.wait(0.05):
                line.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        dripping = threading.Thread(target=drip)
        dripping.start()
        began = time.monotonic()
        with pytest.raises(InstanceUnreachable):
            client.identity_of(url=f"http://127.0.0.1:{listening.getsockname()[1]}", host=HOST)
        took = time.monotonic() - began
        ending.set()
        dripping.join()
    assert took < 5.0
