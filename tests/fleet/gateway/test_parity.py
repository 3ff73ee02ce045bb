"""One suite for every gateway: what a client sends, what the upstream hears, what comes back.

What Caddy does in its own way, and nothing else may differ:
- it names itself (`OWN_WAY`), and refuses what is no HTTP before any handler: no trace, no remedy;
- it keeps an empty query's `?`, writes characters that no URL may hold in %XX, and refuses `%zz`;
- it does not cut an upstream that falls silent amid its answer;
- it may reset a connection that is being opened while it loads new routes;
- version 2.6: what `gate.old` skips.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from tests.fleet.gateway.conftest import BUILT_IN, CLOSED, DOWN, ONE, PUNY, TENANTS, TWO, Gate
from tests.fleet.gateway.wire import (
    Pairs,
    Seen,
    answer,
    ask,
    connected,
    everything,
    request,
    send,
    until,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
HEX_TRACE = re.compile(r"[0-9a-f]{32}")
# Caddy names itself, and tells intermediaries about itself; it also refuses what is no HTTP before
# any of its handlers sees it: the status is the same, the trace and the remedy are missing.
OWN_WAY = {"via", "server", "date", "alt-svc"}
PROBLEM = "application/problem+json"


def test_request_is_passed_as_it_came(gate: Gate) -> None:
    seen = ask(gate.port, ONE, "/echo", [("X-Own", "1"), ("Accept", "a/b")], b"hello")
    heard = seen.heard
    assert (seen.status, seen.json["method"], seen.json["body"]) == (200, "POST", "hello")
    parent = heard.pop("traceparent")[0]
    assert seen.one("x-trace-id") == parent.split("-")[1]
    assert HEX_TRACE.fullmatch(parent.split("-")[1])
    heard.pop("via", None)
    assert heard == {
        "host": [ONE],
        "x-own": ["1"],
        "accept": ["a/b"],
        "content-length": ["5"],
        "x-forwarded-for": ["127.0.0.1"],
        "x-forwarded-proto": ["http"],
        "x-forwarded-host": [ONE],
        "x-tenant-id": [TENANTS[ONE]],
        "x-trace-id": [seen.one("x-trace-id")],
    }


def test_answer_is_passed_as_it_came(gate: Gate) -> None:
    seen = ask(gate.port, ONE, "/spoof")
    passed = {name for name, _value in seen.headers} - OWN_WAY
    assert passed == {"x-trace-id", "content-type", "content-length", "set-cookie", "x-kept"}
    assert seen.all("set-cookie") == ["a=1; Path=/", "b=2; Path=/; HttpOnly"]
    assert seen.one("x-kept").encode("latin-1").decode() == "caf\u00e9"
    assert seen.body == b"spoofed"
    assert seen.one("x-trace-id") not in {"f" * 32, "e" * 32}


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (ONE, "one"),
        (TWO, "two"),
        (f"{ONE}:8080", "one"),
        (ONE.upper(), "one"),
        ("Tenant-One.LocalHost:80", "one"),
        (f"{ONE}.", "one"),
        (f"{ONE}.:8080", "one"),
        (PUNY, "two"),
        (PUNY.upper(), "two"),
    ],
)
def test_host_name_leads_to_its_upstream(gate: Gate, host: str, name: str) -> None:
    seen = ask(gate.port, host)
    assert (seen.status, seen.json["name"], seen.heard["host"]) == (200, name, [host])
    assert seen.heard["x-forwarded-host"] == [host]
    assert seen.heard["x-forwarded-for"] == ["127.0.0.1"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "tenant-three.localhost",
        f"x.{ONE}",
        f"{ONE}.example",
        f"{ONE}..",
        f".{ONE}",
        "tenant-one",
        "127.0.0.1",
        "[::1]",
        "x" * 250,
    ],
)
def test_unknown_host_is_404(gate: Gate, host: str) -> None:
    seen = ask(gate.port, host, "/some/where?secret=1")
    assert_problem(seen, 404, "host_unknown", "/some/where")
    assert gate.one.heard["/some/where"] == gate.two.heard["/some/where"] == 0


@pytest.mark.parametrize(
    "host",
    [
        f"{ONE}, {TWO}",
        f"{ONE} {TWO}",
        f"{ONE}/x",
        f"user@{ONE}",
        "tenant-\u00f6ne.localhost",
        f"{ONE}\\",
        "{tenantry_upstream}",
    ],
)
def test_strange_host_reaches_nobody(gate: Gate, host: str) -> None:
    before = gate.one.heard.total() + gate.two.heard.total()
    assert ask(gate.port, host).status in {400, 404}
    assert gate.one.heard.total() + gate.two.heard.total() == before


@pytest.mark.parametrize(
    "target",
    [
        "/echo/a%2Fb",
        "/echo/%2e%2e/b",
        "/echo/../b",
        "/echo//c//",
        "/echo/?",
        "/echo?a=1&a=2&b=%20+;c",
        "/echo/%E2%82%AC?q=%E2%82%AC",
        "/echo/{http.request.host}",
        "/echo/~user/(x)/'y'/!*$&,:=@[]|^",
        "/echo/%zz",
        "/%2Etenantry/health",
        "//.tenantry/health",
    ],
)
def test_target_is_passed_byte_for_byte(gate: Gate, target: str) -> None:
    seen = ask(gate.port, ONE, target)
    if target == "/echo/%zz" and gate.kind != BUILT_IN:
        assert seen.status == 400
        return
    heard = seen.json["target"]
    if gate.kind == BUILT_IN:
        assert (seen.status, heard) == (200, target.removesuffix("?"))
    elif set("{}[]|^") & set(target):
        # No URL may hold them; Go writes them, and all beside them, in %XX.
        assert (seen.status, unquote(heard)) == (200, unquote(target))
    else:
        assert (seen.status, heard) == (200, target)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_method_is_passed(gate: Gate, method: str) -> None:
    seen = ask(gate.port, ONE, method=method)
    assert (seen.status, seen.json["method"], seen.json["length"]) == (200, method, 0)


def test_head_has_no_body(gate: Gate) -> None:
    seen = ask(gate.port, ONE, "/echo", method="HEAD")
    assert (seen.status, seen.body) == (200, b"")
    assert int(seen.one("content-length")) > 100


@pytest.mark.parametrize("status", [201, 204, 301, 304, 400, 401, 404, 418, 500, 502, 503])
def test_status_is_passed(gate: Gate, status: int) -> None:
    seen = ask(gate.port, ONE, f"/status/{status}")
    assert (seen.status, seen.body) == (status, b"" if status in {204, 304} else b"said")
    assert len(seen.all("x-trace-id")) == 1


def test_redirect_is_not_followed(gate: Gate) -> None:
    seen = ask(gate.port, ONE, "/redirect")
    assert (seen.status, seen.one("location")) == (302, "http://elsewhere.example/x")


def test_compressed_body_is_passed_as_it_is(gate: Gate) -> None:
    seen = ask(gate.port, ONE, "/zipped", [("Accept-Encoding", "gzip")])
    assert (seen.one("content-encoding"), seen.body) == ("gzip", b"\x1f\x8bnot really")


FORGED: list[tuple[str, str]] = [
    ("X-Forwarded-For", "6.6.6.6"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Port", "6666"),
    ("X-Forwarded-Prefix", "/evil"),
    ("Forwarded", "for=6.6.6.6"),
    ("X-Real-IP", "6.6.6.6"),
    ("X-Tenant-Id", TENANTS[TWO]),
    ("X-Tenant-Admin", "yes"),
    ("X-TENANTRY-Relay", "guess"),
    ("x-tenantry-path", "/evil"),
    ("X_Tenant_Id", TENANTS[TWO]),
    ("X-Tenant_Id", TENANTS[TWO]),
    ("X_Forwarded_For", "6.6.6.6"),
    ("X-Trace-Id", "6" * 32),
]


@pytest.mark.parametrize(("name", "value"), FORGED)
def test_forged_header_is_dropped(gate: Gate, name: str, value: str) -> None:
    seen = ask(gate.port, ONE, "/echo", [(name, value), (name.upper(), value)])
    assert value not in json.dumps(seen.json["headers"])
    assert seen.heard["x-forwarded-for"] == ["127.0.0.1"]
    assert seen.heard["x-tenant-id"] == [TENANTS[ONE]]


@pytest.mark.parametrize(
    "given",
    [
        [("Connection", "x-hop, keep-alive"), ("X-Hop", "1")],
        [("Connection", "X-Hop"), ("Connection", "close"), ("x-hop", "1")],
        [("Keep-Alive", "timeout=5")],
        [("Proxy-Authorization", "Basic eDp5")],
        [("Proxy-Connection", "keep-alive")],
        [("TE", "gzip")],
        [("Trailer", "x-late")],
        [
            ("Upgrade", "h2c"),
            ("Connection", "Upgrade, HTTP2-Settings"),
            ("HTTP2-Settings", "AAMAAA"),
        ],
    ],
)
def test_hop_by_hop_header_is_dropped(gate: Gate, given: Pairs) -> None:
    seen = ask(gate.port, ONE, "/echo", given)
    assert seen.status == 200
    names = {name.lower() for name, _value in given}
    assert (names | {"connection"}) & seen.heard.keys() == set()


def test_connection_cannot_drop_what_the_gateway_says(gate: Gate) -> None:
    seen = ask(
        gate.port, ONE, "/echo", [("Connection", "x-tenant-id, x-forwarded-for, traceparent")]
    )
    assert {"x-tenant-id", "x-forwarded-for", "traceparent", "host"} <= seen.heard.keys()


@pytest.mark.parametrize(
    ("parent", "continues"),
    [
        (PARENT, True),
        (PARENT.replace("00-", "cc-", 1) + "-later", True),
        (PARENT.upper(), False),
        (f"ff{PARENT[2:]}", False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE}-00f067aa0ba902b7", False),
        ("nonsense", False),
        ("", False),
        (PARENT + "-" + "x" * 300, False),
    ],
)
def test_trace_is_continued_where_it_is_sound(gate: Gate, parent: str, continues: bool) -> None:
    seen = ask(gate.port, ONE, "/echo", [("traceparent", parent), ("tracestate", "a=b")])
    here = seen.one("x-trace-id")
    heard = seen.heard["traceparent"][0].split("-")
    assert (here == TRACE) is continues
    assert (heard[0], heard[1], heard[3]) == ("00", here, "01")
    assert heard[2] not in {"00f067aa0ba902b7", "0" * 16}
    assert ("tracestate" in seen.heard) is continues
    assert seen.heard["x-trace-id"] == [here]


def test_two_traceparents_are_none(gate: Gate) -> None:
    other = PARENT.replace("4", "5")
    seen = ask(gate.port, ONE, "/echo", [("traceparent", PARENT), ("traceparent", other)])
    assert seen.one("x-trace-id") not in {TRACE, other.split("-")[1]}
    assert len(seen.heard["traceparent"]) == 1


def test_every_request_begins_its_own_trace(gate: Gate) -> None:
    assert len({ask(gate.port, ONE).one("x-trace-id") for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("host", "target", "status", "code"),
    [
        ("nobody.localhost", "/a", 404, "host_unknown"),
        (CLOSED, "/a", 503, "instance_suspended"),
        (DOWN, "/a", 502, "upstream_down"),
        (ONE, "/vanish", 502, "upstream_down"),
        (ONE, "/hang", 504, "upstream_slow"),
        (ONE, "/.tenantry/nothing", 404, "not_found"),
        (ONE, "/.tenantry/refused/502", 404, "not_found"),
    ],
)
@pytest.mark.parametrize("kind", ["json", "page", "korean page"])
def test_refusal_says_cause_and_remedy(
    gate: Gate, host: str, target: str, status: int, code: str, kind: str
) -> None:
    given = [("traceparent", PARENT)]
    if kind != "json":
        given.append(("Accept", "text/html,application/xhtml+xml;q=0.9"))
    if kind == "korean page":
        given.append(("Accept-Language", "ko-KR,ko;q=0.9,en;q=0.5"))
    seen = ask(gate.port, host, target, given)
    assert (seen.one("x-trace-id"), seen.one("cache-control")) == (TRACE, "no-store")
    if kind == "json":
        assert_problem(seen, status, code, target)
    else:
        assert (seen.status, seen.one("content-type")) == (status, "text/html; charset=utf-8")
        assert seen.one("content-language") == ("ko" if kind == "korean page" else "en")
        assert TRACE in seen.body.decode()
        assert_protected(seen)


def test_suspended_instance_is_not_asked(gate: Gate) -> None:
    before = gate.one.heard.total()
    assert ask(gate.port, CLOSED, "/x", body=b"x" * 1000).status == 503
    assert gate.one.heard.total() == before


def test_refusal_of_a_form_is_that_of_a_page(gate: Gate) -> None:
    seen = ask(gate.port, DOWN, "/form", body=b"x" * 200_000)
    assert_problem(seen, 502, "upstream_down", "/form")


def test_head_of_a_refusal_has_no_body(gate: Gate) -> None:
    seen = ask(gate.port, "nobody.localhost", "/", method="HEAD")
    assert (seen.status, seen.body) == (404, b"")


@pytest.mark.parametrize("size", [1, 65_536, 1_999_999])
def test_body_is_passed_whole(gate: Gate, size: int) -> None:
    seen = ask(gate.port, ONE, "/echo", body=b"y" * size)
    assert (seen.status, seen.json["length"]) == (200, size)
    assert seen.heard["content-length"] == [str(size)]


def test_chunked_body_is_passed_whole(gate: Gate) -> None:
    raw = b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Late: 1\r\n\r\n"
    seen = ask(gate.port, ONE, "/echo", [("Transfer-Encoding", "chunked")], raw)
    assert (seen.json["body"], "x-late" in seen.heard) == ("hello world", False)


def test_body_that_is_announced_too_large_is_refused(gate: Gate) -> None:
    raw = request("POST", "/echo/large", [("Host", ONE), ("Content-Length", "2000001")])
    if gate.old:
        pytest.skip(
            "Caddy 2.6 takes its own limit for a failure of the upstream when it is announced"
        )
    with connected(gate.port) as link:
        link.sendall(raw + b"x" * (0 if gate.kind == BUILT_IN else 2_000_001))
        assert_problem(answer(link), 413, "body_too_large", "/echo/large")


def test_body_that_becomes_too_large_is_refused(gate: Gate) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    raw = request("POST", "/echo/grown", [("Host", ONE), ("Transfer-Encoding", "chunked")])
    with connected(gate.port) as link:
        link.sendall(raw)
        try:
            for _ in range(40):
                link.sendall(chunk)
        except ConnectionError:
            pass
        assert_problem(answer(link), 413, "body_too_large", "/echo/grown")


def test_upstream_may_refuse_a_body_unread(gate: Gate) -> None:
    seen = ask(gate.port, ONE, "/early", body=b"x" * 1_000)
    assert (seen.status, seen.body) == (413, b"too much for me")


def test_expectation_is_met(gate: Gate) -> None:
    given = [("Host", ONE), ("Expect", "100-continue"), ("Content-Length", "3")]
    with connected(gate.port) as link:
        link.sendall(request("POST", "/echo", given))
        assert link.recv(100).startswith(b"HTTP/1.1 100 ")
        link.sendall(b"abc")
        seen = answer(link)
    assert (seen.status, seen.json["body"]) == (200, "abc")


def test_connection_is_kept(gate: Gate) -> None:
    with connected(gate.port) as link:
        for number, host in enumerate([ONE, TWO, "nobody.localhost", ONE]):
            link.sendall(request("GET", f"/echo/{number}", [("Host", host)]))
            assert answer(link).status == (404 if number == 2 else 200)


def test_old_clients_are_served(gate: Gate) -> None:
    seen = send(gate.port, request("GET", "/echo", [("Host", ONE)], version="HTTP/1.0"))
    assert (seen.status, seen.json["name"]) == (200, "one")


def test_absolute_form_is_understood(gate: Gate) -> None:
    seen = ask(gate.port, ONE, f"http://{ONE}/echo/a?b=c")
    assert (seen.status, seen.json["target"], seen.heard["host"]) == (200, "/echo/a?b=c", [ONE])


@pytest.fixture
def paused(gate: Gate) -> Iterator[threading.Event]:
    gate.one.went_on.clear()
    yield gate.one.went_on
    gate.one.went_on.set()


def test_answer_streams(gate: Gate, paused: threading.Event) -> None:
    with connected(gate.port) as link:
        link.sendall(request("GET", "/stream", [("Host", ONE), ("Connection", "close")]))
        said = b""
        while b"first" not in said:
            said += link.recv(65_536)
        assert b"second" not in said
        paused.set()
        assert b"second" in everything(link)


def test_body_streams(gate: Gate, paused: threading.Event) -> None:
    given = [("Host", ONE), ("Content-Length", "10")]
    with connected(gate.port) as link:
        link.sendall(request("POST", "/sip", given, b"first"))
        assert paused.wait(10)
        link.sendall(b"rest!")
        assert answer(link).json == {"first": 5, "all": 10}


def test_slow_upload_outlasts_the_time_for_an_answer(gate: Gate) -> None:
    with connected(gate.port) as link:
        link.sendall(request("POST", "/echo", [("Host", ONE), ("Content-Length", "8")]))
        for _ in range(8):
            time.sleep(0.2)
            link.sendall(b"x")
        seen = answer(link)
    assert (seen.status, seen.json["length"]) == (200, 8)


def test_reader_that_does_not_read_holds_the_upstream_back(gate: Gate) -> None:
    with connected(gate.port) as link:
        link.sendall(request("GET", "/flood", [("Host", ONE)]))
        until(lambda: gate.one.sent > 0)
        before = -1
        while before != gate.one.sent:
            before = gate.one.sent
            time.sleep(0.3)
        assert before < 40_000_000


@pytest.mark.parametrize("path", ["/drip", "/hang"])
def test_client_that_leaves_ends_the_upstreams_work(gate: Gate, path: str) -> None:
    before = gate.two.cancelled[path]
    with connected(gate.port) as link:
        link.sendall(request("GET", path, [("Host", TWO)]))
        until(lambda: gate.two.heard[path] > before)
    until(lambda: gate.two.cancelled[path] == before + 1, patience=0.9 if path == "/hang" else 5)


def test_client_that_leaves_amid_its_body_ends_the_upstreams_work(gate: Gate) -> None:
    before = gate.two.cancelled["/echo/left"]
    with connected(gate.port) as link:
        given = [("Host", TWO), ("Content-Length", "100")]
        link.sendall(request("POST", "/echo/left", given, b"abc"))
        until(lambda: gate.two.heard["/echo/left"] > before)
    until(lambda: gate.two.cancelled["/echo/left"] == before + 1)


@pytest.mark.parametrize("path", ["/half/length", "/half/chunked"])
def test_half_an_answer_is_not_taken_for_a_whole_one(gate: Gate, path: str) -> None:
    if gate.old and path.endswith("chunked"):
        pytest.skip("Caddy 2.6 leaves the client's connection open")
    with connected(gate.port) as link:
        link.sendall(request("GET", path, [("Host", ONE)]))
        said = everything(link)
    assert b" 200 OK" in said
    assert b"half" in said
    assert not said.endswith(b"0\r\n\r\n")


def test_health_is_said_at_every_host(gate: Gate) -> None:
    for host in ("127.0.0.1:8080", ONE, "nobody.localhost"):
        seen = ask(gate.port, host, "/.tenantry/health")
        assert (seen.status, seen.json["status"], seen.json["routes"]) == (200, "ok", 5)


def test_ticket_signs_in(gate: Gate) -> None:
    seen = ask(gate.port, ONE, "/.tenantry/enter?ticket=good")
    assert (seen.status, seen.one("content-type")) == (200, "text/html; charset=utf-8")
    assert seen.one("set-cookie") == "sid=abc; HttpOnly; Path=/; SameSite=Lax"
    page = seen.body.decode()
    (stored,) = re.findall(r'<script id="entry" type="application/json">(.*?)</script>', page)
    assert json.loads(stored) == {
        "path": "/#menu",
        "local_storage": {"session": "</script><b>'\"", "sao_2": "2"},
    }
    assert_protected(seen)


@pytest.mark.parametrize(
    ("host", "query", "status", "code"),
    [
        (ONE, "?ticket=bad", 403, "ticket_invalid"),
        (ONE, "", 403, "ticket_invalid"),
        (ONE, "?ticket=down", 503, "instance_unreachable"),
        (CLOSED, "?ticket=good", 503, "instance_suspended"),
        ("nobody.localhost", "?ticket=good", 404, "host_unknown"),
    ],
)
def test_ticket_is_refused(gate: Gate, host: str, query: str, status: int, code: str) -> None:
    seen = ask(gate.port, host, f"/.tenantry/enter{query}")
    assert_problem(seen, status, code, "/.tenantry/enter")


def test_ticket_is_spent_by_get_only(gate: Gate) -> None:
    seen = ask(gate.port, ONE, "/.tenantry/enter?ticket=good", method="POST")
    assert_problem(seen, 404, "not_found", "/.tenantry/enter")


def test_changes_of_routes_are_followed(gate: Gate) -> None:
    def seen() -> tuple[int, str]:
        try:
            found = ask(gate.port, ONE)
        except ConnectionError:  # Caddy resets what is just being opened while it reloads
            return 0, ""
        return found.status, found.json.get("name", "")

    name, there = ONE.replace(".", "__"), f"127.0.0.1:{gate.two.port}"
    gate.put(**{name: [TENANTS[TWO], there, True]})
    until(lambda: seen() == (200, "two"))
    assert ask(gate.port, ONE).heard["x-tenant-id"] == [TENANTS[TWO]]
    gate.put(**{name: [TENANTS[TWO], there, False]})
    until(lambda: seen()[0] == 503)
    gate.put(**{name: None})
    until(lambda: seen()[0] == 404)
    gate.put()
    until(lambda: seen() == (200, "one"))


def assert_problem(seen: Seen, status: int, code: str, instance: str) -> None:
    assert (seen.status, seen.one("content-type")) == (status, PROBLEM)
    problem = seen.json
    assert (problem["status"], problem["code"], problem["instance"]) == (status, code, instance)
    assert problem["type"] == f"urn:tenantry:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["trace_id"] == seen.one("x-trace-id")


def assert_protected(seen: Seen) -> None:
    policy = seen.one("content-security-policy")
    (nonce,) = set(re.findall(r"'nonce-([\w-]+)'", policy))
    assert policy.startswith("default-src 'none'; ")
    assert re.findall(r"<(?:style|script)(?! id=)[^>]*>", seen.body.decode()) == [
        tag for tag in re.findall(r"<(?:style|script)(?! id=)[^>]*>", seen.body.decode())
        if f'nonce="{nonce}"' in tag
    ]  # fmt: skip
    assert seen.one("x-content-type-options") == "nosniff"
