"""What tests of a product stand on: one Chromium, an intent that counts, a caught audit log."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from playwright.async_api import Page, async_playwright

from tenantry.sdk import audit

T = TypeVar("T")


class BrowserBench:
    """One Chromium for many tests; every run gets a fresh profile."""

    def __init__(self, executable: str, runner: asyncio.Runner) -> None:
        """Start the browser in the runner's event loop."""
        self._runner = runner
        self._playwright = runner.run(async_playwright().start())
        launching = self._playwright.chromium.launch(executable_path=executable)
        self.browser = runner.run(launching)

    def run(self, verb: Callable[[Page], Awaitable[T]]) -> T:
        """Run a coroutine function on a page of its own and return what it returned."""
        return self._runner.run(self._in_context(verb))

    async def _in_context(self, verb: Callable[[Page], Awaitable[T]]) -> T:
        context = await self.browser.new_context()
        try:
            return await verb(await context.new_page())
        finally:
            await context.close()

    def close(self) -> None:
        """Stop the browser."""
        self._runner.run(self.browser.close())
        self._runner.run(self._playwright.stop())


@contextmanager
def browser_bench() -> Iterator[BrowserBench]:
    """Open the machine's Chromium; skips the test where there is none."""
    names = (os.environ.get("TENANTRY_CHROMIUM", ""), "chromium-headless-shell", "chromium")
    executable = next((path for name in names if (path := shutil.which(name))), None)
    if executable is None:
        pytest.skip("needs Chromium: `make chromium` finds or installs one")
    with asyncio.Runner() as runner:
        bench = BrowserBench(executable, runner)
        try:
            yield bench
        finally:
            bench.close()


@dataclass(kw_only=True)
class RecordedIntent:
    """An intent that counts; with `stopped` it says no, as the platform does for a stopped job."""

    stopped: Exception | None = None
    asked: int = 0

    async def submitting(self) -> None:
        """Count, or refuse."""
        self.asked += 1
        if self.stopped is not None:
            raise self.stopped


@contextmanager
def captured_audit() -> Iterator[list[dict[str, Any]]]:
    """Collect what is recorded meanwhile, instead of writing it to the audit log."""
    entries: list[dict[str, Any]] = []
    before = list(audit._sinks)  # noqa: SLF001 - the kit is a part of the sdk

    def collect(**entry: object) -> None:
        entries.append(entry)

    audit.install(collect)
    try:
        yield entries
    finally:
        audit._sinks[:] = before  # noqa: SLF001
