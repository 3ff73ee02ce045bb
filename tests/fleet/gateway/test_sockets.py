"""Web sockets through every gateway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial

import aiohttp
import pytest

from tests.fleet.gateway.conftest import BUILT_IN, CLOSED, DOWN, ONE, TENANTS, TWO, Gate
from tests.fleet.gateway.wire import until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
Socket = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def socket(
    gate: Gate, host: str = ONE, path: str = "/socket", **headers: str
) -> AsyncIterator[Socket]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"http://127.0.0.1:{gate.port}{path}",
            headers={"Host": host, **headers},
            protocols=["chat.v1", "chat.v2"],
            max_msg_size=1 << 26,
            autoping=False,
        ) as opened,
    ):
        yield opened


def played(play: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(20):
            await play()

    asyncio.run(whole())


def test_hand_shake_is_passed(gate: Gate) -> None:
    async def play() -> None:
        given = {
            "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
            "X-Tenant-Id": "forged",
            "X-Forwarded-For": "6.6.6.6",
            "Origin": "http://page.example",
            "Cookie": "a=1",
        }
        async with socket(gate, TWO, **given) as link:
            heard = await link.receive_json()
            assert link.protocol == "chat.v2"
            if gate.kind != BUILT_IN and not gate.old:
                # granian adds no header to a hand-shake that is accepted, nor does Caddy 2.6.
                assert link._response.headers.getall("x-trace-id") == [TRACE]
        assert heard["host"] == TWO
        assert (heard["x-tenant-id"], heard["x-forwarded-for"]) == (TENANTS[TWO], "127.0.0.1")
        assert (heard["origin"], heard["cookie"]) == ("http://page.example", "a=1")
        assert heard["x-trace-id"] == heard["traceparent"].split("-")[1] == TRACE

    played(play)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_536, 1_000_000])
def test_messages_are_passed_both_ways(gate: Gate, size: int) -> None:
    async def play() -> None:
        async with socket(gate) as link:
            await link.receive_json()
            text = ("\u00e9\u4e2d" * size)[:size]
            await link.send_str(text)
            assert await link.receive_str() == text
            await link.send_bytes(b"\x00\xff" * (size // 2))
            assert await link.receive_bytes() == b"\x00\xff" * (size // 2)

    played(play)


def test_order_is_kept(gate: Gate) -> None:
    async def play() -> None:
        async with socket(gate) as link:
            await link.receive_json()
            for number in range(500):
                await link.send_str(str(number))
            assert [await link.receive_str() for _ in range(500)] == list(map(str, range(500)))

    played(play)


def test_ping_is_answered(gate: Gate) -> None:
    async def play() -> None:
        async with socket(gate) as link:
            await link.receive_json()
            await link.ping(b"here?")
            answer = await link.receive()
            assert (answer.type, answer.data) == (aiohttp.WSMsgType.PONG, b"here?")

    played(play)


def test_upstreams_closing_code_is_passed(gate: Gate) -> None:
    async def play() -> None:
        async with socket(gate) as link:
            await link.receive_json()
            await link.send_str("end")
            answer = await link.receive()
            assert (answer.type, answer.data) == (aiohttp.WSMsgType.CLOSE, 4321)

    played(play)


def test_clients_closing_code_is_passed(gate: Gate) -> None:
    async def play() -> None:
        async with socket(gate) as link:
            await link.receive_json()
            await link.close(code=4100)

    gate.one.closed_with.clear()
    played(play)
    until(lambda: 4100 in gate.one.closed_with)


def test_client_that_vanishes_ends_the_upstreams_socket(gate: Gate) -> None:
    async def play() -> None:
        async with socket(gate) as link:
            await link.receive_json()
            transport = link._conn.transport  # type: ignore[union-attr]  # it is open
            assert transport is not None
            transport.abort()

    gate.one.closed_with.clear()
    played(play)
    until(lambda: gate.one.closed_with)


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("nobody.localhost", "/socket", 404),
        (CLOSED, "/socket", 503),
        (DOWN, "/socket", 502),
        (ONE, "/status/403", 403),
        (ONE, "/status/404", 404),
        (ONE, "/vanish", 502),
    ],
)
def test_hand_shake_is_refused(gate: Gate, host: str, path: str, status: int) -> None:
    async def play() -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with socket(gate, host, path):
                pass
        assert refusal.value.status == status
        assert refusal.value.headers is not None
        assert len(refusal.value.headers.getall("x-trace-id")) == 1

    played(play)


def test_many_sockets_at_once(gate: Gate) -> None:
    async def one(number: int) -> None:
        async with socket(gate) as link:
            await link.receive_json()
            await link.send_str(str(number))
            assert await link.receive_str() == str(number)

    async def play() -> None:
        await asyncio.gather(*map(one, range(50)))

    played(play)


def test_message_above_the_limit_closes_the_socket(
    narrow: Callable[..., AbstractContextManager[Gate]],
) -> None:
    async def play(gate: Gate) -> None:
        async with socket(gate) as link:
            await link.receive_json()
            await link.send_str("x" * 5_000)
            answer = await link.receive()
            assert answer.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}

    with narrow(message_bytes=2_000) as gate:
        assert gate.kind == BUILT_IN
        played(partial(play, gate))
