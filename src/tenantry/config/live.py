"""The live process's answers: server-sent events over ASGI, and nothing else.

`GET /t/<short_id>/events` for a tenant's people, `GET /console/events` for operators, `GET
/health/`. It shares the web's session cookie (cookies ignore ports) and answers its pages only.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import cookies
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenantry.config.events import Hub, Reader, stream
from tenantry.core import clock, db, trace
from tenantry.core.errors import DomainError, Forbidden, NotFound, Unavailable
from tenantry.core.logs import get_logger
from tenantry.customers.tenants import queries as tenants
from tenantry.faces.console.standing import Standing, standing_of
from tenantry.faces.portal.access import person
from tenantry.faces.portal.refusals import SignInNeeded

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TENANT = re.compile(r"^/t/([-\w]{1,20})/events$")
_CONSOLE = "/console/events"
_HEALTH = "/health/"
# How long somebody who signed out, or who belongs here no more, may still hear news.
RECHECK_SECONDS = 15.0
# A browser that does not take one event for this long is gone.
_SEND_SECONDS = 20.0
_log = get_logger(__name__)


class MethodNotAllowed(DomainError):
    """Events are only read."""

    code = "method_not_allowed"
    http_status = 405
    message = _("This address is only for reading.")
    remedy = _("Use GET.")


class LiveApplication:
    """The ASGI callable of one process, around its one hub."""

    def __init__(self, hub: Hub, *, recheck: float = RECHECK_SECONDS) -> None:
        """Answer from this hub; the right to listen is looked at again every `recheck` seconds."""
        self._hub = hub
        self._recheck = recheck

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            headers = {name.decode("latin-1").lower(): value for name, value in scope["headers"]}
            with trace.start(headers.get("traceparent", b"").decode("latin-1")):
                await self._answer(scope, headers, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        self._hub.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(
        self, scope: Message, headers: dict[str, bytes], receive: Receive, send: Send
    ) -> None:
        path: str = scope["path"]
        if scope["method"] != "GET":
            await _refuse(send, MethodNotAllowed(), path)
        elif path == _HEALTH:
            await _say(send, 200, {"status": "ok"})
        else:
            try:
                topic = await db.in_thread(topic_of, path, headers)
            except DomainError as refusal:
                await _refuse(send, refusal, path)
            except DatabaseError as error:
                _log.warning("live_refused", reason=str(error).strip())
                await _refuse(send, Unavailable(part=_("The database")), path)
            else:
                with self._hub.reader(topic) as reader:
                    rights = self._while_allowed(reader, path, headers)
                    await _tell(reader, send, ends=[_until_gone(receive), rights])

    async def _while_allowed(self, reader: Reader, path: str, headers: dict[str, bytes]) -> None:
        while not reader.lost:
            await asyncio.sleep(self._recheck)
            try:
                await db.in_thread(topic_of, path, headers)
            except DomainError:
                return
            except DatabaseError as error:
                _log.warning("live_recheck_failed", reason=str(error).strip())


def topic_of(path: str, headers: dict[str, bytes]) -> str:
    """Return the topic that the browser asks for and may hear.

    Raises `NotFound`, `SignInNeeded`, or `Forbidden` for pages of other origins.
    """
    found = _TENANT.match(path)
    if not found and path != _CONSOLE:
        raise NotFound
    if headers.get("origin", _origin()) != _origin():
        raise Forbidden
    request = _request(headers)
    if not found:
        return _console_topic(request)
    user = person(request)
    if user is None:
        raise SignInNeeded
    access = tenants.get_for_user(user=user, short_id=found[1])
    return f"tenant:{access.tenant.id}"


def _console_topic(request: HttpRequest) -> str:
    if standing_of(request, now=clock.now()) is not Standing.FULL:
        raise SignInNeeded
    return "console"


def _request(headers: dict[str, bytes]) -> HttpRequest:
    jar: cookies.SimpleCookie = cookies.SimpleCookie()
    try:
        jar.load(headers.get("cookie", b"").decode("latin-1"))
    except cookies.CookieError:
        raise SignInNeeded from None
    morsel = jar.get(settings.SESSION_COOKIE_NAME)
    request = HttpRequest()
    request.session = SessionStore(morsel.value if morsel else None)
    request.user = get_user(request)
    return request


async def _tell(reader: Reader, send: Send, *, ends: Iterable[Awaitable[None]]) -> None:
    """Send news until one of the `ends` comes."""
    await send(_start(200, b"text/event-stream; charset=utf-8"))
    awaited = [asyncio.ensure_future(end) for end in ends]
    for end in awaited:
        end.add_done_callback(lambda _ended: reader.close())
    try:
        async for event in stream(reader):
            body = {"type": "http.response.body", "body": event, "more_body": True}
            await asyncio.wait_for(send(body), timeout=_SEND_SECONDS)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        return
    finally:
        for end in awaited:
            end.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, refusal: DomainError, path: str) -> None:
    problem = refusal.problem(trace_id=trace.current().trace_id, instance=path)
    await _say(send, refusal.http_status, problem, kind=b"application/problem+json")


async def _say(
    send: Send, status: int, answer: dict[str, object], *, kind: bytes = b"application/json"
) -> None:
    await send(_start(status, kind))
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def _start(status: int, kind: bytes) -> Message:
    headers = [
        (b"content-type", kind),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-accel-buffering", b"no"),
        (b"access-control-allow-origin", _origin()),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"origin"),
        (trace.HEADER.encode(), trace.current().trace_id.encode()),
    ]
    return {"type": "http.response.start", "status": status, "headers": headers}


def _origin() -> bytes:
    parts = urlsplit(settings.BASE_URL)
    return f"{parts.scheme}://{parts.netloc}".encode()
