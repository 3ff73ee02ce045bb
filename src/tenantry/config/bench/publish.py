"""Publishing in a real Chromium on the product's fake site: our overhead, and what reuse gains.

The site's own time is the time in which at least one request was under way, as the browser saw it.
"""

import asyncio
import json
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Request, StorageState

from tenantry.config.bench.report import at_least, at_most, figure, ratio, report
from tenantry.config.machine import free_port
from tenantry.sdk import registry
from tenantry.sdk.product import Connector, FakeSite, Product
from tenantry.work.automation.browserhost import BrowserHost, Seat


class FreeIntent:
    """An intent that is stored nowhere: only browser and site are measured."""

    async def submitting(self) -> None:
        """Let the submit pass."""


def run(*, quick: bool) -> dict[str, Any]:
    """Measure posts in a reused context, in fresh contexts and in fresh browsers, in turn."""
    product = next(p for p in registry.products() if p.fake_site and p.connectors)
    rounds, posts = (2, 2) if quick else (5, 6)
    with _site(product):
        bench, seconds = asyncio.run(_measure(product, rounds=rounds, posts=posts))
    return _told(bench, seconds)


@contextmanager
def _site(product: Product) -> Iterator[None]:
    site = product.fake_site
    assert site is not None
    port, token = free_port(8900), secrets.token_urlsafe(16)
    environment = dict(site.environment(url=f"http://127.0.0.1:{port}", control_token=token))
    before = dict(os.environ)
    os.environ.update(environment)
    with tempfile.TemporaryDirectory() as folder:
        command = list(site.command(port=port, data=Path(folder), control_token=token))
        process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own site
        try:
            assert process.stdout is not None
            json.loads(process.stdout.readline())
            yield
        finally:
            process.terminate()
            process.communicate(timeout=10)
            os.environ.clear()
            os.environ.update(before)


async def _measure(
    product: Product, *, rounds: int, posts: int
) -> tuple["Poster", dict[str, list[float]]]:
    bench = Poster(product.connectors[0], product.fake_site)
    await bench.sign_in()
    ways: Mapping[str, Any] = {
        "reused_context": bench.reused,
        "fresh_context": bench.fresh,
        "fresh_browser": bench.fresh_browsers,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            await way(posts)
            seconds[name].append((time.perf_counter() - began) / posts)
    await bench.close()
    return bench, seconds


def _told(bench: "Poster", seconds: Mapping[str, list[float]]) -> dict[str, Any]:
    gain = ratio(seconds["fresh_context"], seconds["reused_context"])
    overhead = sorted(bench.overheads)[len(bench.overheads) // 2]
    return report(
        case="publish",
        figures={
            **{name: figure(values, "s/post") for name, values in seconds.items()},
            "overhead": figure(bench.overheads, "s/post"),
            "site": figure(bench.site_times, "s/post"),
        },
        ratios={
            "fresh_context_to_reused": gain,
            "fresh_browser_to_reused": ratio(seconds["fresh_browser"], seconds["reused_context"]),
        },
        targets={
            "overhead": at_most(overhead, 1.5),
            "fresh_context_to_reused": at_least(gain, 2.0),
        },
        checks={"every_post_proven": bench.proven == bench.sent > 0},
    )


class Poster:
    """Posts one article after another and keeps the times of each."""

    def __init__(self, connector: Connector, site: FakeSite | None) -> None:
        """Prepare; the browser is launched by `sign_in`."""
        assert site is not None
        self.connector, self.site = connector, site
        self.host = BrowserHost()
        self.state: StorageState | None = None
        self.sent = self.proven = 0
        self.overheads: list[float] = []
        self.site_times: list[float] = []

    async def sign_in(self) -> None:
        """Sign in once and keep the login."""
        async with self._seat(self.host) as seat:
            page = await seat.context.new_page()
            await self.connector.sign_in(page, self.site.credentials())
            self.state = await seat.context.storage_state(indexed_db=True)

    async def reused(self, posts: int) -> None:
        """Post in one context and page, as a lane does."""
        async with self._seat(self.host) as seat:
            page = await seat.context.new_page()
            for _ in range(posts):
                await self._post(page, timed=True)

    async def fresh(self, posts: int) -> None:
        """Post in a context of its own each."""
        for _ in range(posts):
            async with self._seat(self.host) as seat:
                await self._post(await seat.context.new_page())

    async def fresh_browsers(self, posts: int) -> None:
        """Post in a browser of its own each."""
        for _ in range(posts):
            host = BrowserHost()
            async with self._seat(host) as seat:
                await self._post(await seat.context.new_page())
            await host.close()

    async def close(self) -> None:
        """Close the browser."""
        await self.host.close()

    @asynccontextmanager
    async def _seat(self, host: BrowserHost) -> AsyncIterator[Seat]:
        async with AsyncExitStack() as stack:
            yield await stack.enter_async_context(
                host.seat(
                    origins=self.connector.origins(), product="bench", state=self.state, debug=False
                )
            )

    async def _post(self, page: Page, *, timed: bool = False) -> None:
        self.sent += 1
        content = self.site.content(self.sent)
        spans: list[tuple[float, float]] = []

        def watch(request: Request) -> None:
            spans.append(_span(request))

        page.on("requestfinished", watch)
        began = time.perf_counter()
        published = await self.connector.publish(page, content, FreeIntent())
        proof = await self.connector.read_back(page, published, content)
        took = time.perf_counter() - began
        self.proven += proof.matches
        page.remove_listener("requestfinished", watch)
        if timed:
            self.site_times.append(_covered(spans))
            self.overheads.append(took - self.site_times[-1])


def _span(request: Request) -> tuple[float, float]:
    timing = request.timing
    start = timing["startTime"]
    return start, start + max(timing["responseEnd"], 0.0)


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """Return the seconds in which at least one of the spans (milliseconds) was under way."""
    covered, until = 0.0, 0.0
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return covered / 1000
