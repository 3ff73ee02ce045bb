"""The running platform as a product's story sees it, and the telling of the story."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.utils.module_loading import import_string
from rich.console import Console
from rich.markup import escape

from tenantry.config import counting
from tenantry.config.machine import Addresses
from tenantry.config.rehearsal import tampered_copy
from tenantry.config.seed import DemoPeople
from tenantry.config.supervision import Crew, tenantry
from tenantry.core import db
from tenantry.customers.notices import queries as notices
from tenantry.sdk.browser import Browser, Page, Route
from tenantry.sdk.product import Product
from tenantry.sdk.story import InstanceSeen, Person
from tenantry.work.automation import chromium

_PATIENCE_SECONDS = 30.0
_HEIGHT = 840


@dataclass(kw_only=True)
class PlayedLine:
    """One line as it went: its words, seconds, what was seen, and the error if it did not hold."""

    text: str
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    error: str = ""

    def note(self, text: str) -> None:
        """Keep and show what was seen."""
        self.notes.append(text)
        _told.print(f"      {text}", style="dim", highlight=False, markup=False)

    @property
    def held(self) -> bool:
        """Return whether the line held."""
        return not self.error


class LineBroken(Exception):
    """A line did not hold; the ones after it were not played."""


_told = Console(stderr=True)


@dataclass(kw_only=True)
class RunningStage:
    """Implements `sdk.story.Stage` on this machine's processes."""

    portal_url: str
    console_url: str
    gateway_url: str
    tenant_short_id: str
    customer: Person
    operator: Person
    site_url: str
    site_token: str
    crew: Crew
    browser: Browser
    lines: list[PlayedLine] = field(default_factory=list)
    pages: dict[str, Page] = field(default_factory=dict)

    @asynccontextmanager
    async def line(self, text: str) -> AsyncIterator[PlayedLine]:
        """Time and show one line; see `sdk.story.Stage`."""
        line = PlayedLine(text=text)
        self.lines.append(line)
        began = time.monotonic()
        _told.print(f"[bold]{len(self.lines):>2}[/bold]  {text} …", highlight=False)
        try:
            yield line
        except Exception as error:
            line.error = f"{type(error).__name__}: {error}"
            raise LineBroken(text) from error
        finally:
            line.seconds = round(time.monotonic() - began, 2)
            broken = f"[red]broken[/red] {escape(line.error)}"
            mark = "[green]held[/green]" if line.held else broken
            _told.print(f"      {mark} in {line.seconds:.1f} s", highlight=False)

    async def page(self, person: str, *, locale: str = "en-US", width: int = 1280) -> Page:
        """Return that person's page."""
        if person not in self.pages:
            context = await self.browser.new_context(
                locale=locale, viewport={"width": width, "height": _HEIGHT}
            )
            await context.route(re.compile(r"/trial/?(\?|$)"), _from_elsewhere)
            context.set_default_timeout(_PATIENCE_SECONDS * 1000)
            self.pages[person] = await context.new_page()
        return self.pages[person]

    async def mail(self, to: str, *, after: float) -> str:
        """Wait for a captured mail."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if found := await db.in_thread(_newest_mail, to, after):
                return found
            await asyncio.sleep(0.1)
        message = f"no mail for {to} within {_PATIENCE_SECONDS:.0f} s"
        raise TimeoutError(message)

    async def kill(self, process: str) -> None:
        """Send SIGKILL to every process of a kind."""
        await sync_to_async(self.crew.kill, thread_sensitive=False)(process)

    async def instance(self, short_id: str) -> InstanceSeen:
        """Count what there is of an instance."""
        return await asyncio.to_thread(counting.count, short_id)

    async def kill_instance(self, short_id: str) -> None:
        """Send SIGKILL to an instance."""
        await asyncio.to_thread(counting.kill, short_id)

    async def output(self, *words: str) -> str:
        """Run one of our commands; raises `RuntimeError` when it fails."""
        code, output = await _run(*words)
        if code:
            message = f"tenantry {' '.join(words)} ended with {code}"
            raise RuntimeError(message)
        return output

    async def command(self, *words: str) -> tuple[int, Mapping[str, object]]:
        """Run one of our commands with --json."""
        code, output = await _run(*words, "--json")
        result: Mapping[str, object] = json.loads(output.splitlines()[-1])
        return code, result

    async def tampered_copy(self) -> Sequence[str]:
        """Verify a copy of the audit log in which one row was changed."""
        return await db.in_thread(tampered_copy)


async def _from_elsewhere(route: Route) -> None:
    """Let visitors come from networks of their own: limits must not take all for one."""
    network = f"2001:db8:{secrets.token_hex(2)}::1"
    await route.continue_(headers={**route.request.headers, "X-Forwarded-For": network})


async def _run(*words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *tenantry(*words), stdout=asyncio.subprocess.PIPE
    )
    output, _nothing = await process.communicate()
    return process.returncode or 0, output.decode()


def _newest_mail(to: str, after: float) -> str:
    mails = notices.list_captured(to=to).filter(captured_at__gt=datetime.fromtimestamp(after, UTC))
    newest = mails.order_by("-captured_at").first()
    return newest.letter.text if newest else ""


async def tell(
    product: Product, *, crew: Crew, addresses: Addresses, people: DemoPeople
) -> list[PlayedLine]:
    """Play the product's story; returns its lines, the last one broken if it did not hold."""
    play: Any = import_string(product.story)
    site = addresses.sites.get(product.slug)
    executable = chromium.find().headless
    from playwright.async_api import async_playwright  # noqa: PLC0415  # slow import

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable)
        stage = RunningStage(
            portal_url=addresses.web,
            console_url=f"{addresses.web}/console/",
            gateway_url=addresses.gateway,
            tenant_short_id=people.tenant_short_id,
            customer=people.customer,
            operator=people.operator,
            site_url=site.url if site else "",
            site_token=site.token if site else "",
            crew=crew,
            browser=browser,
        )
        try:
            await play(stage)
        except LineBroken:
            pass
        finally:
            await browser.close()
    return stage.lines


def summary(
    stories: Mapping[str, Sequence[PlayedLine]], *, setup_seconds: float
) -> dict[str, object]:
    """Return how the stories went, by product, as a program reads it."""
    lines = [line for story in stories.values() for line in story]
    return {
        "held": bool(stories) and all(_held(story) for story in stories.values()),
        "setup_seconds": round(setup_seconds, 2),
        "story_seconds": round(sum(line.seconds for line in lines), 2),
        "stories": {
            slug: {
                "held": _held(story),
                "lines": [{**asdict(line), "held": line.held} for line in story],
            }
            for slug, story in stories.items()
        },
        "database": connection.settings_dict["ENGINE"],
    }


def _held(story: Sequence[PlayedLine]) -> bool:
    return bool(story) and all(line.held for line in story)
