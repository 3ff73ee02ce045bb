"""One connection's turn: its connector, its saved login, and the browser context it works in."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import cast
from uuid import UUID

from tenantry.core import db
from tenantry.sdk import registry
from tenantry.sdk.browser import Page, PageError, StorageState
from tenantry.sdk.product import Connector, Pageless, Product
from tenantry.work.automation import services
from tenantry.work.automation.browserhost import BrowserHost, Seat
from tenantry.work.automation.models import Connection, Mode
from tenantry.work.automation.redaction import known_secrets
from tenantry.work.automation.retry import Phase
from tenantry.work.automation.services import Tried

_CLOSE_SECONDS = 5.0

# A lane lives longer than a moment: it is given the clock.
Clock = Callable[[], datetime]


@dataclass(kw_only=True)
class Lane:
    """Opened for one connection, used by one job after another, closed at the end.

    The context is opened by the first job that needs a page. `secrets` are what evidence must not
    show; they grow as the lane sees them.
    """

    connection: Connection
    product: Product
    connector: Connector
    host: BrowserHost
    now: Clock
    secrets: set[str] = field(default_factory=set, repr=False)
    seat: Seat | None = None
    page: Page | None = None
    # The page went through its job as it should: the next one may go on in it.
    _kept: bool = False
    _loaded: StorageState | None = field(default=None, repr=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False)

    @classmethod
    def of(cls, connection: Connection, *, host: BrowserHost, now: Clock) -> "Lane":
        """Return the lane of a connection; `NotFound` where its product is not installed."""
        return cls(
            connection=connection,
            product=registry.product(connection.product),
            connector=registry.connector(connection.product, connection.connector),
            host=host,
            now=now,
        )

    @property
    def tenant_id(self) -> UUID:
        """Return whose lane it is."""
        return self.connection.tenant_id

    @property
    def pageless(self) -> bool:
        """Return whether the connector works without a browser."""
        return isinstance(self.connector, Pageless)

    @property
    def mode(self) -> Mode:
        """Return what the present attempt runs in."""
        if self.pageless:
            return Mode.PAGELESS
        return self.seat.mode if self.seat else Mode.HEADLESS

    def tried(self, phase: Phase = Phase.BEFORE_SUBMIT) -> Tried:
        """Return how the present attempt runs, having come so far."""
        return Tried(phase=phase, mode=self.mode, note=self.seat.note if self.seat else "")

    async def open_page(self, *, debug: bool = False, go_on: bool = False) -> Page:
        """Return a new page with the saved login; each debug page has a context of its own.

        With `go_on` it may be the page that the job before left as sound.
        """
        if self.pageless:
            return cast("Page", None)
        if go_on and not debug and (page := self._sound_page()):
            return page
        await self.close_page()
        if self.seat is None or self.seat.lost or debug or self.seat.debug:
            await self.leave()
            state = cast(
                "StorageState | None",
                await db.in_thread(services.open_browser_state, connection=self.connection),
            )
            await self._enter(state, debug=debug)
        return await self._new_page()

    async def open_page_with(self, state: StorageState | None, *, debug: bool = False) -> Page:
        """Return a page of a new context with this login and no other."""
        if self.pageless:
            return cast("Page", None)
        await self.leave()
        await self._enter(state, debug=debug)
        return await self._new_page()

    async def saved_state(self) -> StorageState:
        """Return the login of the present context as it would be saved."""
        if self.seat is None:
            return {"cookies": [], "origins": []}
        state = await self.seat.context.storage_state(indexed_db=True)
        self.secrets |= known_secrets(states=[dict(state)])
        return state

    async def keep_login(self) -> None:
        """Save the login again when a job that succeeded has changed it."""
        if self.seat is None or self.seat.lost:
            return
        try:
            state = await self.saved_state()
        except PageError:
            return
        if state != self._loaded:
            self._loaded = state
            await db.in_thread(
                services.refresh_state,
                connection=self.connection,
                state=dict(state),
                now=self.now(),
            )

    def keep_page(self) -> None:
        """Let the page of a job that went well stay open for the next one."""
        self._kept = True

    async def end_job(self) -> None:
        """Close the page of the job that has ended, unless it is kept."""
        if not self._kept:
            await self.close_page()

    def _sound_page(self) -> Page | None:
        kept, self._kept = self._kept, False
        page, seat = self.page, self.seat
        if not kept or page is None or page.is_closed() or seat is None:
            return None
        if seat.lost or seat.debug or seat.escapes:
            return None
        seat.submitting = False
        return page

    async def close_page(self) -> None:
        """Close the present page, whatever became of it."""
        self._kept = False
        page, self.page = self.page, None
        if page is None or self.seat is None or self.seat.lost:
            return
        self.seat.escapes.clear()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await page.close()
        except (PageError, TimeoutError):
            await self.leave()

    async def leave(self) -> None:
        """Close the context: there is never more than one per account."""
        self.page = self.seat = None
        self._kept = False
        await self._stack.aclose()

    async def _enter(self, state: StorageState | None, *, debug: bool) -> None:
        self._loaded = state
        if state is not None:
            self.secrets |= known_secrets(states=[dict(state)])
        agent = f"Tenantry/{version('tenantry')} {self.product.slug}/{self.product.version}"
        self.seat = await self._stack.enter_async_context(
            self.host.seat(
                origins=self.connector.origins(), product=agent, state=state, debug=debug
            )
        )

    def send_once(self) -> None:
        """Let nothing that changes the site be sent twice, until the next page is opened."""
        if self.seat is not None:
            self.seat.submitting = True

    async def _new_page(self) -> Page:
        assert self.seat is not None
        self.seat.submitting = False
        self.page = await self.seat.context.new_page()
        return self.page
