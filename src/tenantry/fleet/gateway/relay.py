"""One request to its upstream and the answer back, piece by piece, never as a whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

import aiohttp
from yarl import URL

from tenantry.core.errors import DomainError
from tenantry.core.logs import get_logger
from tenantry.fleet.gateway import headers
from tenantry.fleet.gateway.errors import BodyTooSlow, UpstreamDown, UpstreamSlow
from tenantry.fleet.gateway.headers import Said
from tenantry.fleet.gateway.inbound import Inbound, Limits, too_large
from tenantry.fleet.gateway.queries import Target

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Shorter than servers keep idle connections, so that a request seldom meets one just closed.
_IDLE_SECONDS = 1.5
_NOTHING_OF_ITS_OWN = frozenset({"accept", "accept-encoding", "content-type", "user-agent"})
_UNFIT = "an answer that no client may be given"
_log = get_logger(__name__)


class ClientGone(Exception):
    """The client hung up; nobody is there to be told."""


class Inflow:
    """The body as it comes, and the news that the client has gone."""

    def __init__(self, receive: Receive, limits: Limits, *, has_body: bool) -> None:
        """Take over all that the server has to say of this request."""
        self._receive = receive
        self._limits = limits
        self._read = asyncio.Event()
        self._gone = False
        self.refusal: DomainError | None = None
        if not has_body:
            self._read.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body; what is wrong with it is kept in `refusal` too."""
        total, more = 0, True
        while more:
            message = await self._next()
            total += len(message.get("body", b""))
            if total > self._limits.body_bytes:
                self.refusal = too_large(self._limits)
                raise self.refusal
            more = message.get("more_body", False)
            if message.get("body"):
                yield message["body"]
        self._read.set()

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                message = await self._receive()
        except TimeoutError:
            self.refusal = BodyTooSlow()
            raise self.refusal from None
        if message["type"] == "http.disconnect":
            self._gone = True
            self._read.set()
            raise ClientGone
        return message

    async def until_gone(self) -> None:
        """Return when the client has hung up; its body is read first, by whoever wants it."""
        await self._read.wait()
        while not self._gone:
            self._gone = (await self._receive())["type"] == "http.disconnect"


def open_session(limits: Limits) -> aiohttp.ClientSession:
    """Return the connections to all upstreams of this process; close it at the end."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0, limit_per_host=limits.connections, keepalive_timeout=_IDLE_SECONDS
        ),
        timeout=aiohttp.ClientTimeout(
            total=None, connect=limits.connect_seconds, sock_read=limits.answer_seconds
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=_NOTHING_OF_ITS_OWN,
    )


def address(target: Target, request: Inbound, *, scheme: str = "http") -> URL:
    """Return where the upstream has what is asked, byte for byte."""
    path = headers.target_of(request.path, request.query)
    return URL(f"{scheme}://{target.upstream}{path}", encoded=True)


def said_of(target: Target, request: Inbound) -> Said:
    """Return what the upstream is told about the request."""
    return Said(
        tenant_id=target.tenant_id,
        client=request.client,
        proto=request.proto,
        host=headers.values(request.headers, b"host")[0],
        trace=request.trace,
        continued=request.continued,
    )


async def relay(
    request: Inbound,
    target: Target,
    *,
    session: aiohttp.ClientSession,
    limits: Limits,
    receive: Receive,
    send: Send,
) -> None:
    """Pass a request on; when the client hangs up, the upstream's work is cut off too.

    Refuses, as long as nothing was answered: `UpstreamDown`, `UpstreamSlow`, `BodyTooLarge`,
    `BodyTooSlow`. After that the client's connection is cut, so that half an answer is not taken
    for a whole one.
    """
    inflow = Inflow(receive, limits, has_body=request.has_body)
    passing = asyncio.ensure_future(_pass(request, target, inflow, session, send))
    leaving = asyncio.ensure_future(inflow.until_gone())
    try:
        await asyncio.wait({passing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        passing.cancel()
    with suppress(asyncio.CancelledError, ClientGone):
        await passing


async def _pass(
    request: Inbound,
    target: Target,
    inflow: Inflow,
    session: aiohttp.ClientSession,
    send: Send,
) -> None:
    started = False
    try:
        async with session.request(
            request.method,
            address(target, request),
            headers=headers.upward(request.headers, said_of(target, request)),
            data=inflow.chunks() if request.has_body else None,
            allow_redirects=False,
        ) as answer:
            if not headers.may_be_passed(answer.status, answer.raw_headers):
                raise aiohttp.ClientPayloadError(_UNFIT)
            start = {
                "type": "http.response.start",
                "status": answer.status,
                "headers": headers.downward(answer.raw_headers, request.trace),
            }
            started = True
            await send(start)
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except (aiohttp.ClientError, DomainError, OSError) as error:
        reason = f"{type(error).__name__}: {error}"
        _log.warning("upstream_failed", host=request.host, answered=started, reason=reason)
        if started:
            return
        raise inflow.refusal or refusal_of(error) from error


def refusal_of(error: Exception) -> DomainError:
    """Return what the visitor is told about a failure to reach the upstream."""
    return UpstreamSlow() if isinstance(error, TimeoutError) else UpstreamDown()
