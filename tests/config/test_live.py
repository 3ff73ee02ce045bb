"""The live process: who hears what, over which connection, and for how long."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings, settings
from django.contrib.sessions.models import Session
from django.core import signing
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from tenantry.config.events import QUEUE_LENGTH, Hub, Reader, stream
from tenantry.config.live import LiveApplication, Message, topics_of
from tenantry.core import clock, db, journey, live, tenancy
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants.models import Membership, Tenant
from tenantry.faces.console.standing import Standing
from tenantry.journeys.onboarding.models import Registration

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 10
# Of this database: other tests share the server.
LISTENERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE query = 'LISTEN tenantry' AND datname = current_database()
"""


@pytest.fixture(autouse=True)
def _plain_static_files(settings: LazySettings) -> None:
    """Give static files their plain names: no manifest is collected for tests."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def application() -> Iterator[LiveApplication]:
    hub = Hub()
    yield LiveApplication(hub)
    hub.stop()


def session_of(user: User, *, face: str = "portal") -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["face"] = face
    session.save()
    return str(session.session_key)


def scope(path: str, *, session: str = "", origin: str = "", method: str = "GET") -> dict[str, Any]:
    headers = [(b"cookie", f"a=b; {settings.SESSION_COOKIE_NAME}={session}".encode())]
    if origin:
        headers.append((b"origin", origin.encode()))
    return {"type": "http", "method": method, "path": path, "headers": headers}


class Caller:
    """One connection to the application, from the server's side."""

    def __init__(self, application: LiveApplication, asked: dict[str, Any]) -> None:
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._answered: asyncio.Queue[Message] = asyncio.Queue()
        self._said.put_nowait({"type": "http.request"})
        answering = application(asked, self._said.get, self._answered.put)
        self._task = asyncio.ensure_future(answering)

    async def next(self) -> Message:
        return await asyncio.wait_for(self._answered.get(), PATIENCE)

    async def leave(self) -> None:
        self._said.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(self._task, PATIENCE)


def answer(
    application: LiveApplication, asked: dict[str, Any]
) -> tuple[int, dict[str, str], dict[str, Any]]:
    async def call() -> tuple[Message, Message]:
        caller = Caller(application, asked)
        return await caller.next(), await caller.next()

    start, body = async_to_sync(call)()
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, json.loads(body["body"])


@asynccontextmanager
async def listening(
    application: LiveApplication, path: str, session: str
) -> AsyncIterator[Callable[[], Any]]:
    """Open a stream; gives a function that returns its next piece."""
    caller = Caller(application, scope(path, session=session))
    assert (await caller.next())["status"] == 200

    async def piece() -> str:
        return str((await caller.next())["body"].decode())

    assert await piece() == "retry: 3000\n\n"
    try:
        yield piece
    finally:
        await caller.leave()


def led_by(client: Client) -> str:
    """Return the cookie of a browser that has proven an address in the trial."""
    assert client.get("/trial/").status_code == 200
    cookie = str(client.cookies["journey"].value)
    put(cookie, "verified", verified_at=clock.now())
    return cookie


def put(cookie: str, state: str, **facts: object) -> None:
    """Bring a registration to a state, however it would have come there."""
    led = journey.read({"journey": cookie})
    assert led is not None
    with tenancy.platform("arrange"):
        Registration.objects.filter(id=led.id).update(state=state, email_key=led.id.hex, **facts)


def at_trial(cookie: str) -> dict[str, Any]:
    headers = [(b"cookie", f"a=b; journey={cookie}".encode())]
    return {"type": "http", "method": "GET", "path": "/trial/events", "headers": headers}


async def tell(topic: str, **facts: str) -> None:
    await db.in_thread(live.notify, topic, **facts)


async def heard(piece: Callable[[], Any], topic: str, word: str) -> str:
    """Tell until it is heard: the listener may still be connecting."""
    for _attempt in range(PATIENCE * 2):
        await tell(topic, word=word)
        try:
            return str(await asyncio.wait_for(piece(), 0.5))
        except TimeoutError:
            continue
    pytest.fail("the news did not come")


def test_people_of_the_company_hear_its_news_and_no_other(
    application: LiveApplication, owner: User, tenant: Tenant, other_tenant: Tenant
) -> None:
    session = session_of(owner)

    async def story() -> list[str]:
        async with listening(application, f"/t/{tenant.short_id}/events", session) as piece:
            first = await heard(piece, f"tenant:{tenant.id}", "ours")
            await tell(f"tenant:{other_tenant.id}", word="theirs")
            await tell("console", word="the operators'")
            await tell(f"tenant:{tenant.id}", word="last")
            following = [first]
            while '"last"' not in following[-1]:
                following.append(await piece())
            return following

    told = async_to_sync(story)()
    assert set(told) == {
        'event: news\ndata: {"word": "ours"}\n\n',
        'event: news\ndata: {"word": "last"}\n\n',
    }


def test_many_browsers_share_one_listening_connection(
    application: LiveApplication, owner: User, tenant: Tenant
) -> None:
    session = session_of(owner)
    path = f"/t/{tenant.short_id}/events"

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute(LISTENERS)
            return int(cursor.fetchone()[0])

    async def story() -> int:
        async with (
            listening(application, path, session) as one,
            listening(application, path, session),
            listening(application, path, session),
        ):
            await heard(one, f"tenant:{tenant.id}", "hello")
            return await db.in_thread(count)

    assert async_to_sync(story)() == 1


@pytest.mark.parametrize("who", ["nobody", "stranger", "console session"])
def test_others_hear_nothing(
    application: LiveApplication, who: str, owner: User, stranger: User, tenant: Tenant
) -> None:
    sessions = {
        "nobody": "",
        "stranger": session_of(stranger),
        "console session": session_of(owner, face="console"),
    }
    asked = scope(f"/t/{tenant.short_id}/events", session=sessions[who])
    status, headers, problem = answer(application, asked)
    assert status == {"nobody": 401, "stranger": 404, "console session": 401}[who]
    assert problem["trace_id"] == headers["x-trace-id"]


def sign_out(user: User, tenant: Tenant) -> None:
    del user, tenant
    Session.objects.all().delete()


def leave_company(user: User, tenant: Tenant) -> None:
    with tenancy.scope(tenant.id):
        Membership.objects.filter(user=user).delete()


def be_barred(user: User, tenant: Tenant) -> None:
    del tenant
    User.objects.filter(id=user.id).update(is_active=False)


@pytest.mark.parametrize("end", [sign_out, leave_company, be_barred])
def test_a_stream_ends_with_the_right_to_hear_it(
    owner: User, tenant: Tenant, end: Callable[[User, Tenant], None]
) -> None:
    hub = Hub()
    application = LiveApplication(hub, recheck=0.05)
    path, session = f"/t/{tenant.short_id}/events", session_of(owner)

    async def story() -> str:
        async with listening(application, path, session) as piece:
            first = await heard(piece, f"tenant:{tenant.id}", "ours")
            await db.in_thread(end, owner, tenant)
            rest = [first]
            # What was told before may still be on its way; the last piece of a stream is empty.
            while rest[-1]:
                rest.append(await piece())
            return rest[0]

    try:
        assert async_to_sync(story)() == 'event: news\ndata: {"word": "ours"}\n\n'
    finally:
        hub.stop()
    assert answer(application, scope(path, session=session))[0] in {401, 404}


def test_pages_of_other_origins_are_refused(
    application: LiveApplication, owner: User, tenant: Tenant
) -> None:
    path, session = f"/t/{tenant.short_id}/events", session_of(owner)
    asked = scope(path, session=session, origin="https://evil.example")
    status, headers, _problem = answer(application, asked)
    assert status == 403
    assert headers["access-control-allow-origin"] == settings.BASE_URL
    assert headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("path", ["/console/events", "/console/tenants/{tenant}/events"])
def test_operators_news_is_not_for_a_portal_session(
    application: LiveApplication, operator: User, tenant: Tenant, path: str
) -> None:
    asked = scope(path.format(tenant=tenant.id), session=session_of(operator))
    assert answer(application, asked)[0] == 401


@pytest.mark.parametrize("inside", ["", "tenants/{tenant}/"])
def test_operators_hear_the_platform_or_one_company(
    application: LiveApplication,
    operator: User,
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    inside: str,
) -> None:
    monkeypatch.setattr("tenantry.config.live.standing_of", lambda _request, **_now: Standing.FULL)
    path, session = f"/console/{inside.format(tenant=tenant.id)}events", session_of(operator)
    topic, other = ("console", f"tenant:{tenant.id}")[:: -1 if inside else 1]

    async def story() -> str:
        async with listening(application, path, session) as piece:
            first = await heard(piece, topic, "ours")
            await tell(other, word="theirs")
            await tell(topic, word="last")
            following = first
            while following == first:
                following = await piece()
            return following

    assert async_to_sync(story)() == 'event: news\ndata: {"word": "last"}\n\n'


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nothing", "GET", 404), ("/health/", "POST", 405), ("/health/", "GET", 200)],
)
def test_other_addresses(application: LiveApplication, path: str, method: str, status: int) -> None:
    assert answer(application, scope(path, method=method))[0] == status


def test_silence_is_filled_and_a_stream_has_an_end() -> None:
    async def story() -> list[bytes]:
        return [event async for event in stream(Reader(), heartbeat=0.01, life=0.015)]

    assert async_to_sync(story)() == [b"retry: 3000\n\n", b": still here\n\n", b": still here\n\n"]


def test_a_browser_that_does_not_read_is_dropped() -> None:
    async def story() -> tuple[bool, list[bytes]]:
        reader = Reader()
        for number in range(QUEUE_LENGTH):
            reader.offer({"number": number})
        kept = reader.lost
        reader.offer({"number": "one too many"})
        return kept, [event async for event in stream(reader)]

    assert async_to_sync(story)() == (False, [b"retry: 3000\n\n"])


def test_a_registration_is_heard_by_its_browser_and_by_no_other(
    application: LiveApplication,
) -> None:
    ours, theirs = led_by(Client()), led_by(Client())
    led, other = journey.read({"journey": ours}), journey.read({"journey": theirs})
    assert led is not None
    assert other is not None

    async def story() -> tuple[str, str, str, bool]:
        one = Caller(application, at_trial(ours))
        two = Caller(application, at_trial(theirs))
        assert (await one.next())["status"] == (await two.next())["status"] == 200
        hello = str((await one.next())["body"].decode())
        await two.next()

        async def piece() -> str:
            return str((await one.next())["body"].decode())

        news = await heard(piece, f"registration:{led.id}", "ours")
        # Whatever it was, more may be heard now: the browser comes again at once.
        end = await one.next()
        silent = two._answered.empty()
        await two.leave()
        return hello, news, str(end["body"].decode()), silent and not end["more_body"]

    hello, news, end, is_alone = async_to_sync(story)()
    assert hello == "retry: 200\n\n"
    assert news == 'event: news\ndata: {"word": "ours"}\n\n'
    assert (end, is_alone) == ("", True)


@pytest.mark.parametrize("kept", ["", "forged", "stolen"])
def test_a_foreign_cookie_hears_nothing_of_a_registration(
    application: LiveApplication, kept: str
) -> None:
    ours = led_by(Client())
    led = journey.read({"journey": ours})
    assert led is not None
    # The id alone, under our signature, is worth nothing without the browser's random value.
    stolen = HttpResponse()
    journey.keep(stolen, replace(led, browser="another"))
    given = {
        "": "",
        "forged": signing.dumps({"id": str(led.id)}, salt="another"),
        "stolen": str(stolen.cookies["journey"].value),
    }[kept]
    status, headers, problem = answer(application, at_trial(given))
    assert status == 404
    assert problem["code"] == "registration_missing"
    assert problem["trace_id"] == headers["x-trace-id"]


def test_a_visitor_who_proved_no_address_hears_nothing(application: LiveApplication) -> None:
    ours = led_by(Client())
    put(ours, "code_sent", verified_at=None)
    status, _headers, problem = answer(application, at_trial(ours))
    assert (status, problem["code"]) == (404, "registration_missing")


def test_what_is_ready_is_heard_by_its_members_alone(
    application: LiveApplication, tenant: Tenant, owner: User
) -> None:
    ours = led_by(Client())
    headers = {"cookie": f"journey={ours}".encode()}
    put(ours, "accepted", tenant_id=tenant.id, user_id=owner.id)
    led = journey.read({"journey": ours})
    assert led is not None
    own = f"registration:{led.id}"
    assert topics_of("/trial/events", headers) == (own, f"tenant:{tenant.id}")
    put(ours, "ready")
    assert topics_of("/trial/events", headers) == (own,)


def test_the_stream_of_a_journey_carries_its_trace(application: LiveApplication) -> None:
    ours = led_by(Client())
    led = journey.read({"journey": ours})
    assert led is not None

    async def story() -> Message:
        caller = Caller(application, at_trial(ours))
        start = await caller.next()
        await caller.leave()
        return start

    headers = dict(async_to_sync(story)()["headers"])
    assert headers[b"x-trace-id"].decode() == led.trace_id


def test_pages_of_other_origins_do_not_hear_a_registration(application: LiveApplication) -> None:
    asked = at_trial(led_by(Client()))
    asked["headers"].append((b"origin", b"https://evil.example"))
    assert answer(application, asked)[0] == 403
