"""The live process's answers: server-sent events over ASGI, and nothing else.

`GET /t/<short_id>/events` for a tenant's people, `GET /console/events` and `GET
/console/tenants/<id>/events` for operators, `GET /trial/events` for whoever leads a registration,
`GET /health/`. It shares the web's cookies (they ignore ports) and answers its pages only.
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
from tenantry.core import clock, db, journey, trace
from tenantry.core.errors import DomainError, Forbidden, NotFound, Unavailable
from tenantry.core.logs import get_logger
from tenantry.customers.tenants import queries as tenants
from tenantry.faces.console.standing import Standing, standing_of
from tenantry.faces.portal.access import person
from tenantry.faces.portal.refusals import SignInNeeded
from tenantry.journeys.onboarding import queries as onboarding
from tenantry.journeys.onboarding.errors import RegistrationMissing
from tenantry.journeys.onboarding.states import RegistrationState

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TENANT = re.compile(r"^/t/([-\w]{1,20})/events$")
_CONSOLE = re.compile(r"^/console/(?:tenants/([0-9a-f-]{36})/)?events$")
_TRIAL = "/trial/events"
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
            with trace.start(_traceparent(scope["path"], headers)):
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
                topics = await db.in_thread(topics_of, path, headers)
            except DomainError as refusal:
                await _refuse(send, refusal, path)
            except DatabaseError as error:
                _log.warning("live_refused", reason=str(error).strip())
                await _refuse(send, Unavailable(part=_("The database")), path)
            else:
                with self._hub.reader(*topics) as reader:
                    # A registration's next news may be a tenant, which has a topic of its own.
                    once = path == _TRIAL and len(topics) == 1
                    rights = self._while_allowed(reader, path, headers)
                    await _tell(reader, send, ends=[_until_gone(receive), rights], once=once)

    async def _while_allowed(self, reader: Reader, path: str, headers: dict[str, bytes]) -> None:
        while not reader.lost:
            await asyncio.sleep(self._recheck)
            try:
                await db.in_thread(topics_of, path, headers)
            except DomainError:
                return
            except DatabaseError as error:
                _log.warning("live_recheck_failed", reason=str(error).strip())


def topics_of(path: str, headers: dict[str, bytes]) -> tuple[str, ...]:
    """Return the topics that the browser asks for and may hear.

    Raises `NotFound`, `SignInNeeded`, `RegistrationMissing`, or `Forbidden` for pages of other
    origins.
    """
    found, inside = _TENANT.match(path), _CONSOLE.match(path)
    if not found and not inside and path != _TRIAL:
        raise NotFound
    if headers.get("origin", _origin()) != _origin():
        raise Forbidden
    if path == _TRIAL:
        return _trial_topics(headers)
    request = _request(headers)
    if inside:
        return (_console_topic(request, inside[1]),)
    user = person(request)
    if user is None:
        raise SignInNeeded
    assert found is not None
    access = tenants.get_for_user(user=user, short_id=found[1])
    return (f"tenant:{access.tenant.id}",)


def _console_topic(request: HttpRequest, tenant_id: str | None) -> str:
    if standing_of(request, now=clock.now()) is not Standing.FULL:
        raise SignInNeeded
    return f"tenant:{tenant_id}" if tenant_id else "console"


def _trial_topics(headers: dict[str, bytes]) -> tuple[str, ...]:
    led = journey.read(_cookies(headers))
    if led is None:
        raise RegistrationMissing
    found = onboarding.get_for_browser(journey_id=led.id, browser=led.browser)
    # Every visitor leads a registration: who has proven no address has nothing to wait for here.
    if found.verified_at is None:
        raise RegistrationMissing
    own = f"registration:{found.id}"
    # What is ready is its members' alone, whoever set it up.
    has_steps = found.tenant_id is not None and found.state != RegistrationState.READY
    return (own, f"tenant:{found.tenant_id}") if has_steps else (own,)


def _traceparent(path: str, headers: dict[str, bytes]) -> str:
    led = journey.read(_cookies(headers)) if path == _TRIAL else None
    return led.traceparent if led else headers.get("traceparent", b"").decode("latin-1")


def _cookies(headers: dict[str, bytes]) -> dict[str, str]:
    """Return the cookies of a request; none if they cannot be read."""
    jar: cookies.SimpleCookie = cookies.SimpleCookie()
    try:
        jar.load(headers.get("cookie", b"").decode("latin-1"))
    except cookies.CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def _request(headers: dict[str, bytes]) -> HttpRequest:
    request = HttpRequest()
    request.session = SessionStore(_cookies(headers).get(settings.SESSION_COOKIE_NAME))
    request.user = get_user(request)
    return request


async def _tell(reader: Reader, send: Send, *, ends: Iterable[Awaitable[None]], once: bool) -> None:
    """Send news until one of the `ends` comes."""
    await send(_start(200, b"text/event-stream; charset=utf-8"))
    awaited = [asyncio.ensure_future(end) for end in ends]
    for end in awaited:
        end.add_done_callback(lambda _ended: reader.close())
    try:
        async for event in stream(reader, once=once):
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
