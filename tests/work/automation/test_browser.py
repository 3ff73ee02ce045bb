"""Lanes in a real Chromium, against pages of their own."""

import asyncio
import io
import os
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import LazySettings

from tenantry.core import clock, objects, tenancy
from tenantry.sdk import errors
from tenantry.sdk.browser import Page, PageError
from tenantry.sdk.errors import BrowserFailed
from tenantry.work.automation import chromium, lanes, queries, services
from tenantry.work.automation.browserhost import BrowserHost, Seat
from tenantry.work.automation.chromium import Chromium
from tenantry.work.automation.errorcodes import Code
from tenantry.work.automation.models import Attempt, Connection, Evidence, EvidenceKind, Job, Mode
from tenantry.work.automation.states import JobState, SessionState
from tests.probes import database_text
from tests.work.automation.conftest import ACTOR, MakeConnection, MakeJob, reload, reload_connection
from tests.work.automation.probe import PASSWORD, ProbeConnector, Site

FOUND = chromium.find()
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(FOUND.headless is None, reason="needs Chromium"),
]
needs_display = pytest.mark.skipif(
    not (FOUND.headed and FOUND.xvfb), reason="needs the full Chromium and Xvfb"
)
ORIGIN = "https://probe.example"


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, settings: LazySettings) -> None:
    settings.OBJECT_STORE_URL = f"file://{tmp_path / 'objects'}"


@pytest.fixture
def connection(make_connection: MakeConnection) -> Connection:
    return make_connection(connector="probe")


def with_host(body: Callable[[BrowserHost], Awaitable[None]], found: Chromium = FOUND) -> None:
    async def run() -> None:
        host = BrowserHost(found)
        try:
            await body(host)
        finally:
            await host.close()

    asyncio.run(run())


def drain(connection: Connection, found: Chromium = FOUND) -> None:
    async def body(host: BrowserHost) -> None:
        await lanes.drain(
            connection_id=connection.id, tenant_id=connection.tenant_id, host=host, now=clock.now
        )

    with_host(body, found)


def evidence_of(job: Job) -> list[Evidence]:
    with tenancy.scope(job.tenant_id):
        return list(queries.list_evidence(tenant_id=job.tenant_id, job_id=job.id))


def mode_of(job: Job) -> str:
    with tenancy.scope(job.tenant_id):
        return str(Attempt.objects.filter(job=job).latest("number").mode)


def test_publish_keeps_a_picture_of_the_article(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job()
    drain(connection)
    assert reload(job).state == JobState.SUCCESS
    (picture,) = evidence_of(job)
    assert (picture.kind, picture.media_type) == (EvidenceKind.ARTICLE, "image/png")
    data = services.read_evidence(
        tenant_id=job.tenant_id, evidence_id=picture.id, actor=ACTOR, now=clock.now()
    )
    assert data.startswith(b"\x89PNG")
    assert (len(data), picture.object_key) == (
        picture.size,
        f"evidence/{job.tenant_id}/{job.id}/1-article-{picture.sha256[:8]}.png",
    )


def sign_in(connection: Connection) -> Connection:
    return services.connect(
        tenant_id=connection.tenant_id,
        product="probe",
        connector="probe",
        account="fresh",
        password=PASSWORD,
        label="",
        actor=ACTOR,
        now=clock.now(),
    )


def test_saved_login_is_there_in_the_next_lane(
    site: Site, connection: Connection, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    contexts: list[int] = []

    async def look(self: ProbeConnector, page: Page) -> None:
        seen.extend(str(cookie.get("value")) for cookie in await page.context.cookies())
        contexts.append(len(page.context.browser.contexts) if page.context.browser else 0)
        await page.set_content(self.site.html)

    monkeypatch.setattr(ProbeConnector, "show", look)
    fresh = sign_in(connection)
    drain(fresh)
    assert reload_connection(fresh).session_state == SessionState.HEALTHY
    assert "session-cookie-value" not in database_text()
    seen.clear()
    make_job(on=fresh)
    drain(fresh)
    assert set(seen) == {"session-cookie-value"}
    # Never two contexts of one account at a time, the second look of the sign-in included.
    assert set(contexts) == {1}


SECRET_PAGE = f"""
<form><input type="password" value="{PASSWORD.replace("&", "&amp;")}">
<input type="hidden" name="csrf" value="csrf-token-planted"></form>
<p id=p>{PASSWORD.replace("&", "&amp;")} session-cookie-value csrf-token-planted</p>
<script>window.token = "csrf-token-planted"</script>
"""
PLANTED = (PASSWORD, PASSWORD.replace("&", "&amp;"), "session-cookie-value", "csrf-token-planted")


@pytest.mark.parametrize("debug", [False, True])
def test_no_stored_object_shows_a_secret(
    site: Site, connection: Connection, make_job: MakeJob, debug: bool
) -> None:
    fresh = sign_in(connection)
    with tenancy.scope(fresh.tenant_id):
        Job.objects.filter(connection=fresh).update(debug=debug)
    site.html = SECRET_PAGE
    site.sign_in_error = errors.AuthInvalid(f"refused {PASSWORD}")
    drain(fresh)
    with tenancy.scope(fresh.tenant_id):
        job = Job.objects.get(connection=fresh)
    assert job.error_code == Code.AUTH_INVALID
    kinds = {each.kind for each in evidence_of(job)}
    assert kinds == {EvidenceKind.SCREENSHOT, EvidenceKind.HTML} | (
        {EvidenceKind.TRACE} if debug else set()
    )
    stored = [objects.get(key) for key in objects.keys("evidence/")]
    assert len(stored) == len(kinds)
    readable = b"\n".join(_unzipped(data) for data in stored) + database_text().encode()
    assert [secret for secret in PLANTED[:2] + PLANTED[3:] if secret.encode() in readable] == []


def test_cookies_never_reach_the_evidence(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    fresh = sign_in(connection)
    drain(fresh)
    site.html, site.fail_before = SECRET_PAGE, errors.UiChanged(landmark="title")
    job = make_job(on=fresh, debug=True)
    drain(fresh)
    assert reload(job).error_code == Code.UI_CHANGED
    readable = b"\n".join(_unzipped(objects.get(key)) for key in objects.keys("evidence/"))
    assert b"hello" not in readable
    assert [secret for secret in PLANTED[2:] if secret.encode() in readable] == []


def _unzipped(data: bytes) -> bytes:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


@needs_display
def test_debug_job_is_visible_and_traced(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job(debug=True)
    site.fail_before = errors.UiChanged(landmark="title")
    drain(connection)
    assert mode_of(job) == Mode.HEADED_TRACE
    assert [each.kind for each in evidence_of(job)] == ["screenshot", "html", "trace"]


def test_debug_job_without_a_display_is_traced_headless_and_says_so(
    site: Site, connection: Connection, make_job: MakeJob
) -> None:
    job = make_job(debug=True)
    drain(connection, replace(FOUND, xvfb=None))
    assert reload(job).state == JobState.SUCCESS
    assert mode_of(job) == Mode.HEADLESS_TRACE
    with tenancy.scope(job.tenant_id):
        assert "xvfb" in Attempt.objects.get(job=job).message


def test_lost_evidence_does_not_change_the_outcome(
    site: Site,
    connection: Connection,
    make_job: MakeJob,
    settings: LazySettings,
    tmp_path: Path,
) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("no folder")
    settings.OBJECT_STORE_URL = f"file://{blocked}/objects"
    job = make_job()
    drain(connection)
    assert reload(job).state == JobState.SUCCESS
    (lost,) = evidence_of(job)
    assert (lost.object_key, lost.size) == ("", 0)
    assert "object_store_unavailable" in lost.lost


def test_crashed_page_is_a_browser_error_and_the_next_job_runs(
    site: Site, connection: Connection, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, after = make_job(), make_job()
    calls: list[str] = []

    async def show(self: ProbeConnector, page: Page) -> None:
        calls.append("shown")
        if len(calls) == 1:
            await page.goto("chrome://crash")
        await page.set_content(self.site.html)

    monkeypatch.setattr(ProbeConnector, "show", show)
    drain(connection)
    assert (reload(job).state, reload(job).error_code) == (JobState.QUEUED, Code.BROWSER_ERROR)
    assert reload(after).state == JobState.SUCCESS


def test_killed_browser_is_launched_again(
    site: Site, connection: Connection, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, after = make_job(), make_job()
    calls: list[str] = []

    async def show(self: ProbeConnector, page: Page) -> None:
        calls.append("shown")
        if len(calls) == 1:
            browser = page.context.browser
            assert browser is not None
            await browser.close()
        await page.set_content(self.site.html)

    monkeypatch.setattr(ProbeConnector, "show", show)
    drain(connection)
    assert (reload(job).state, reload(job).error_code) == (JobState.QUEUED, Code.BROWSER_ERROR)
    assert reload(after).state == JobState.SUCCESS


def visit(act: Callable[[Page, Seat], Awaitable[str]]) -> str:
    found: list[str] = []

    async def body(host: BrowserHost) -> None:
        async with host.seat(origins=(ORIGIN,), product="Tenantry/0") as seat:
            page = await seat.context.new_page()
            found.append(await act(page, seat))

    with_host(body)
    return found[0]


def test_fence_blocks_other_origins() -> None:
    async def leave(page: Page, _seat: Seat) -> str:
        with pytest.raises(PageError, match="ERR_BLOCKED_BY_CLIENT"):
            await page.goto("http://169.254.169.254/latest/meta-data")
        return "blocked"

    assert visit(leave) == "blocked"


@pytest.mark.enable_socket
def test_redirect_that_leads_out_ends_the_page() -> None:
    async def redirect(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reader.readline()
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://localhost:1/\r\n\r\n")
        writer.close()

    async def body(host: BrowserHost) -> None:
        server = await asyncio.start_server(redirect, "127.0.0.1", 0)
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, host.seat(origins=(origin,), product="x") as seat:
            page = await seat.context.new_page()
            with pytest.raises(PageError):
                await page.goto(f"{origin}/")
            await asyncio.gather(*seat.closing)
            assert (seat.escapes, page.is_closed()) == (["http://localhost:1/"], True)

    with_host(body)


def test_user_agent_is_the_browsers_own_with_the_product_named() -> None:
    async def ask(page: Page, _seat: Seat) -> str:
        return str(await page.evaluate("navigator.userAgent"))

    agent = visit(ask)
    assert agent.endswith(" Tenantry/0")
    assert "Chrome/" in agent


def test_missing_browser_is_refused_with_a_remedy() -> None:
    async def body(host: BrowserHost) -> None:
        with pytest.raises(BrowserFailed, match="Chromium"):
            async with host.seat(origins=(ORIGIN,), product="x"):
                pass

    with_host(body, Chromium(headless=None, headed=None, xvfb=None))


def test_browser_that_cannot_start_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)

    async def body(host: BrowserHost) -> None:
        for _ in range(2):
            with pytest.raises(BrowserFailed):
                async with host.seat(origins=(ORIGIN,), product="x"):
                    pass

    with_host(body, Chromium(headless=broken, headed=None, xvfb=None))


@needs_display
def test_no_display_is_left_behind(connection: Connection) -> None:
    before = displays()

    async def body(host: BrowserHost) -> None:
        async with host.seat(origins=(ORIGIN,), product="x", debug=True) as seat:
            assert seat.mode == Mode.HEADED_TRACE
            assert displays() - before != set()

    with_host(body)
    assert displays() - before == set()


def displays() -> set[str]:
    """Return the displays of this process: other tests may run their own beside it."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if words[0].endswith(b"Xvfb") and state != "Z" and int(parent) == os.getpid():
                found.add(process.name)
    return found
