"""The built-in gateway: an ASGI application that serves the desired routes itself.

`/.tenantry/` belongs to the gateway at every host name: `health`, and `enter` with a ticket.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol
from urllib.parse import parse_qs
from uuid import UUID

import aiohttp

from tenantry.core import db, trace
from tenantry.core.crypto import keyed_hash
from tenantry.core.errors import DomainError, NotFound
from tenantry.core.logs import get_logger
from tenantry.fleet.gateway import answers, inbound, relay, sockets
from tenantry.fleet.gateway.answers import Answer
from tenantry.fleet.gateway.errors import (
    HostUnknown,
    InstanceSuspended,
    RoutesUnknown,
    UpstreamDown,
    UpstreamSlow,
)
from tenantry.fleet.gateway.inbound import Inbound, Limits
from tenantry.fleet.gateway.queries import ENTER_PATH, Target
from tenantry.fleet.gateway.relay import Message, Receive, Send
from tenantry.fleet.gateway.table import RouteTable
from tenantry.sdk.recipe import Entry

HEALTH_PATH = "/.tenantry/health"
# Where Caddy fetches what it says of an upstream that failed: the status follows.
REFUSED_PATH = "/.tenantry/refused/"
_OWN_PREFIX = b"/.tenantry/"
# Signing in waits for an instance, in one of the few threads that also read the routes: of all, and
# of one tenant, no more at once.
_ENTERING, _ENTERING_ONE = 8, 2
_log = get_logger(__name__)


class SignIn(Protocol):
    """Redeems a ticket and signs its person in; runs in a thread, raises `DomainError`s."""

    def __call__(self, *, token: str, host: str, target: Target) -> Entry:
        """Return what the browser needs."""
        ...


def relay_secret() -> str:
    """Return what Caddy presents to the built-in gateway so that it is believed."""
    return keyed_hash("gateway.relay").hex()


class Gateway:
    """The ASGI callable of one process, around its one table of routes."""

    def __init__(
        self,
        *,
        table: RouteTable,
        sign_in: SignIn,
        proto: str,
        limits: Limits | None = None,
    ) -> None:
        """Serve this table; `proto` is what people's browsers speak: http or https."""
        self._table = table
        self._sign_in = sign_in
        self._proto = proto
        self._limits = limits or Limits()
        self._relay = relay_secret().encode()
        self._session: aiohttp.ClientSession | None = None
        self._entering = asyncio.Semaphore(_ENTERING)
        self._entering_one: defaultdict[UUID, asyncio.Semaphore] = defaultdict(
            partial(asyncio.Semaphore, _ENTERING_ONE)
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        request = inbound.inbound(scope, proto=self._proto, relay=self._relay)
        with trace.start(request.trace.traceparent):
            if scope["type"] == "http":
                await self._serve(request, receive, send)
            else:
                await self._serve_socket(request, scope["subprotocols"], receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._session = relay.open_session(self._limits)
        following = asyncio.ensure_future(self._table.follow())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await self._session.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, request: Inbound, receive: Receive, send: Send) -> None:
        try:
            host = inbound.require_sound(request, self._limits)
            if request.path.startswith(_OWN_PREFIX):
                await _say(await self._own(request, host), request, send)
                return
            await relay.relay(
                request,
                self._leading(host),
                session=self._connections(),
                limits=self._limits,
                receive=receive,
                send=send,
            )
        except DomainError as refusal:
            await _say(_refused(refusal, request), request, send)

    async def _serve_socket(
        self, request: Inbound, protocols: list[str], receive: Receive, send: Send
    ) -> None:
        await receive()
        try:
            await sockets.relay_socket(
                request,
                self._leading(inbound.require_sound(request, self._limits)),
                protocols=protocols,
                session=self._connections(),
                limits=self._limits,
                receive=receive,
                send=send,
            )
        except DomainError as refusal:
            await _say(_refused(refusal, request), request, send, kind="websocket.http.response")

    def _connections(self) -> aiohttp.ClientSession:
        assert self._session is not None  # requests come after the start only
        return self._session

    def _leading(self, host: str) -> Target:
        target = self._table.find(host)
        if target is None:
            raise RoutesUnknown if self._table.age_seconds is None else HostUnknown(host=host)
        if not target.serving:
            raise InstanceSuspended
        return target

    async def _own(self, request: Inbound, host: str) -> Answer:
        path = request.path.decode("latin-1")
        if path == HEALTH_PATH:
            return self._health(request)
        if path == ENTER_PATH and request.method == "GET":
            return await self._enter(request, host)
        if path.startswith(REFUSED_PATH) and request.failed_before:
            raise _refusal_with(path.removeprefix(REFUSED_PATH), self._limits)
        raise NotFound

    def _health(self, request: Inbound) -> Answer:
        table, age = self._table, self._table.age_seconds
        facts = {
            "status": "starting" if age is None else "ok",
            "routes": len(table.desired.routes),
            "version": table.desired.version,
            "digest": table.desired.digest,
            "age_seconds": None if age is None else round(age, 1),
        }
        return answers.said(503 if age is None else 200, facts, here=request.trace)

    async def _enter(self, request: Inbound, host: str) -> Answer:
        target = self._leading(host)
        token = parse_qs(request.query.decode("latin-1")).get("ticket", [""])[0]
        async with self._entering_one[target.tenant_id], self._entering:
            entry = await db.in_thread(self._sign_in, token=token, host=host, target=target)
        _log.info("ticket_redeemed", host=host, tenant_id=str(target.tenant_id))
        return answers.entered(
            entry, asked=request.headers, here=request.trace, secure=request.proto == "https"
        )


def _refusal_with(status: str, limits: Limits) -> DomainError:
    made: dict[str, Callable[[], DomainError]] = {
        "413": lambda: inbound.too_large(limits),
        "502": UpstreamDown,
        "503": UpstreamDown,
        "504": UpstreamSlow,
    }
    return made.get(status, NotFound)()


def _refused(refusal: DomainError, request: Inbound) -> Answer:
    return answers.refused(
        refusal, asked=request.headers, here=request.trace, path=request.shown_path
    )


async def _say(
    answer: Answer, request: Inbound, send: Send, *, kind: str = "http.response"
) -> None:
    start: Message = {
        "type": f"{kind}.start",
        "status": answer.status,
        "headers": answer.headers,
    }
    await send(start)
    body = b"" if request.method == "HEAD" else answer.body
    await send({"type": f"{kind}.body", "body": body})
