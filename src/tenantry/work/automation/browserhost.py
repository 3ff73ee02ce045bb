"""The browsers of one process: a headless one for all lanes, and a visible one per debug job."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tenantry.core.logs import get_logger
from tenantry.sdk.browser import (
    Browser,
    BrowserContext,
    Page,
    PageError,
    Playwright,
    StorageState,
)
from tenantry.sdk.errors import BrowserFailed
from tenantry.work.automation import chromium, fence
from tenantry.work.automation.chromium import Chromium
from tenantry.work.automation.errors import ChromiumMissing
from tenantry.work.automation.models import Mode

_ACTION_MS = 15_000
_NAVIGATION_MS = 30_000
_DISPLAY_SECONDS = 10.0
_CLOSE_SECONDS = 5.0
_SIZE = {"width": 1280, "height": 960}
_log = get_logger(__name__)


@dataclass(kw_only=True)
class Seat:
    """One browser context for one account, and what happened to it."""

    context: BrowserContext
    mode: Mode
    debug: bool = False
    note: str = ""
    crashed: bool = False
    # The intent to submit is stored: nothing may be sent twice from now on.
    submitting: bool = False
    # A trace is being made.
    traced: bool = False
    # Where the site led to that is none of its own; the pages are closed then.
    escapes: list[str] = field(default_factory=list)
    closing: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def lost(self) -> bool:
        """Return whether the page or the browser is gone."""
        browser = self.context.browser
        return self.crashed or browser is None or not browser.is_connected()


class BrowserHost:
    """Launches browsers when they are needed and again after a crash; closed with the process."""

    def __init__(self, found: Chromium | None = None) -> None:
        """Remember which executables to use; nothing is started."""
        self._found = found or chromium.find()
        self._lock = asyncio.Lock()
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._user_agents: dict[bool, str] = {}
        # Set when the process is asked to end: lanes stop after the job they are at.
        self.stopping = asyncio.Event()

    async def close(self) -> None:
        """Close the browser and its driver."""
        async with self._lock:
            await self._drop()

    @asynccontextmanager
    async def seat(
        self,
        *,
        origins: Sequence[str],
        product: str,
        state: StorageState | None = None,
        debug: bool = False,
    ) -> AsyncIterator[Seat]:
        """Open a context with a saved login, fenced in; a debug one is visible and traced.

        Raises `BrowserFailed` where there is no browser or it cannot be started. Where a visible
        one is not to be had the trace is made headless, and the seat's note says so.
        """
        async with AsyncExitStack() as stack:
            headed = debug and bool(self._found.headed and self._found.xvfb)
            if headed:
                browser = await stack.enter_async_context(self._visible())
            else:
                browser = await self._headless()
            try:
                context = await browser.new_context(
                    storage_state=state,
                    user_agent=f"{await self._user_agent(browser, headed=headed)} {product}",
                    viewport=_SIZE,  # type: ignore[arg-type]  # a TypedDict that is not exported
                    service_workers="block",
                    accept_downloads=False,
                    locale="en-US",
                )
            except PageError as error:
                raise BrowserFailed(str(error)) from error
            stack.push_async_callback(_closed, context)
            modes = {(True, True): Mode.HEADED_TRACE, (True, False): Mode.HEADLESS_TRACE}
            mode = modes.get((debug, headed), Mode.HEADLESS)
            seat = Seat(context=context, mode=mode, debug=debug)
            if debug and not headed:
                seat.note = "no visible browser here (chromium and xvfb): traced headless"
            await _equip(seat, origins, debug=debug)
            yield seat

    async def _user_agent(self, browser: Browser, *, headed: bool) -> str:
        """Return the browser's own name: nothing is disguised, the product is added."""
        if headed not in self._user_agents:
            page = await browser.new_page()
            self._user_agents[headed] = await page.evaluate("navigator.userAgent")
            await page.close()
        return self._user_agents[headed]

    async def _headless(self) -> Browser:
        async with self._lock:
            if self._browser is None or not self._browser.is_connected():
                if self._browser is not None:
                    _log.warning("browser_relaunched")
                    await self._drop()
                self._browser = await self._launch(self._found.headless, headless=True)
            return self._browser

    @asynccontextmanager
    async def _visible(self) -> AsyncIterator[Browser]:
        async with _display(self._found.xvfb) as name:
            async with self._lock:
                browser = await self._launch(self._found.headed, headless=False, display=name)
            try:
                yield browser
            finally:
                await _closed(browser)

    async def _launch(
        self, executable: Path | None, *, headless: bool, display: str = ""
    ) -> Browser:
        if executable is None:
            raise BrowserFailed(str(ChromiumMissing()))
        try:
            if self._playwright is None:
                from playwright.async_api import async_playwright  # noqa: PLC0415  # slow import

                self._playwright = await async_playwright().start()
            return await self._playwright.chromium.launch(
                executable_path=executable,
                headless=headless,
                env={**os.environ, "DISPLAY": display} if display else None,
            )
        except PageError as error:
            # The driver may have died with the browser: the next launch starts a new one.
            await self._drop()
            raise BrowserFailed(str(error)) from error

    async def _drop(self) -> None:
        browser, playwright = self._browser, self._playwright
        self._browser = self._playwright = None
        if browser is not None:
            await _closed(browser)
        if playwright is not None:
            try:
                await playwright.stop()
            except PageError as error:
                _log.warning("browser_driver_lost", reason=str(error))


async def _equip(seat: Seat, origins: Sequence[str], *, debug: bool) -> None:
    context = seat.context
    context.set_default_timeout(_ACTION_MS)
    context.set_default_navigation_timeout(_NAVIGATION_MS)

    def crash(_page: object) -> None:
        seat.crashed = True

    def leave(url: str) -> None:
        seat.escapes.append(url)
        seat.closing = [asyncio.ensure_future(_closed(page)) for page in context.pages]

    context.on("page", lambda page: page.on("crash", crash))
    await fence.put_up(context, origins, escaped=leave, submitting=lambda: seat.submitting)
    if debug:
        await context.tracing.start(screenshots=True, snapshots=True)
        seat.traced = True


async def _closed(thing: Browser | BrowserContext | Page) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await thing.close()
    except (PageError, TimeoutError) as error:
        # It is gone already, which is what was wanted; what hangs goes with its browser.
        _log.info("browser_was_gone", reason=str(error).partition("\n")[0])


@asynccontextmanager
async def _display(xvfb: Path | None) -> AsyncIterator[str]:
    """Run a virtual display.

    It ends with its last client, so that none outlives a process that was killed.
    """
    read_end, write_end = os.pipe()
    process = await asyncio.create_subprocess_exec(
        str(xvfb),
        *("-displayfd", str(write_end), "-screen", "0", "1360x1040x24"),
        *("-nolisten", "tcp", "-terminate"),
        pass_fds=(write_end,),
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        number = await asyncio.wait_for(
            asyncio.to_thread(os.read, read_end, 16), timeout=_DISPLAY_SECONDS
        )
        if not number.strip():
            raise BrowserFailed("Xvfb did not start; `tenantry doctor` says what is missing")
        yield f":{int(number)}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        os.close(read_end)


_current: BrowserHost | None = None


def current() -> BrowserHost:
    """Return the browsers of this process."""
    global _current  # noqa: PLW0603  # one per process, as the name says
    if _current is None:
        _current = BrowserHost()
    return _current


async def close_current() -> None:
    """Close the browsers of this process, if it has any."""
    global _current  # one per process, as the name says
    host, _current = _current, None
    if host is not None:
        await host.close()
