"""One web socket through to its upstream: messages both ways until either side closes."""

import asyncio

import aiohttp

from tenantry.core.logs import get_logger
from tenantry.fleet.gateway import headers
from tenantry.fleet.gateway.inbound import Inbound, Limits
from tenantry.fleet.gateway.queries import Target
from tenantry.fleet.gateway.relay import Message, Receive, Send, address, refusal_of, said_of

_NORMAL, _GOING_AWAY, _BROKEN = 1000, 1001, 1011
# Reserved words for "no code" and "no close at all" (RFC 6455 section 7.4.1): never sent.
_UNSENT = frozenset({1004, 1005, 1006, 1015})
_PING_SECONDS = 30.0
_log = get_logger(__name__)


async def relay_socket(
    request: Inbound,
    target: Target,
    *,
    protocols: list[str],
    session: aiohttp.ClientSession,
    limits: Limits,
    receive: Receive,
    send: Send,
) -> None:
    """Pass a web socket on. Refuses before it is accepted: `UpstreamDown`, `UpstreamSlow`.

    A hand-shake that the upstream refuses is refused with the same status.
    """
    try:
        upstream = await session.ws_connect(
            address(target, request, scheme="ws"),
            headers=headers.upward(request.headers, said_of(target, request), socket=True),
            protocols=protocols,
            heartbeat=_PING_SECONDS,
            max_msg_size=limits.message_bytes,
            timeout=aiohttp.ClientWSTimeout(ws_close=limits.connect_seconds),
        )
    except aiohttp.WSServerHandshakeError as error:
        await _deny(error.status, request, send)
        return
    except (aiohttp.ClientError, OSError) as error:
        _log.warning("upstream_failed", host=request.host, reason=str(error))
        raise refusal_of(error) from error
    async with upstream:
        accepted = headers.downward([], request.trace)
        await send(
            {"type": "websocket.accept", "subprotocol": upstream.protocol, "headers": accepted}
        )
        await _both_ways(upstream, receive, send)


async def _deny(status: int, request: Inbound, send: Send) -> None:
    start: Message = {
        "type": "websocket.http.response.start",
        # An upstream that does not speak web sockets answers 200: no refusal of its own.
        "status": status if status >= 400 else 502,  # noqa: PLR2004 - HTTP's own classes
        "headers": headers.downward([], request.trace),
    }
    await send(start)
    await send({"type": "websocket.http.response.body", "body": b""})


async def _both_ways(
    upstream: aiohttp.ClientWebSocketResponse, receive: Receive, send: Send
) -> None:
    up = asyncio.ensure_future(_upwards(upstream, receive))
    down = asyncio.ensure_future(_downwards(upstream, send))
    try:
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        left = up.done()
    finally:
        up.cancel()
        down.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
    if not left:
        # granian sends no close as long as somebody waits for the client's next message.
        code = _code(upstream.close_code, otherwise=_BROKEN)
        await send({"type": "websocket.close", "code": code})


async def _upwards(upstream: aiohttp.ClientWebSocketResponse, receive: Receive) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await upstream.send_str(message["text"])
        else:
            await upstream.send_bytes(message["bytes"])
    if message["type"] == "websocket.disconnect":
        await upstream.close(code=_code(message.get("code"), otherwise=_GOING_AWAY))


async def _downwards(upstream: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    async for message in upstream:
        if message.type is aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type is aiohttp.WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})


def _code(code: int | None, *, otherwise: int) -> int:
    if code == 1005:  # noqa: PLR2004 - closed without a code
        return _NORMAL
    return otherwise if code is None or code in _UNSENT else code
