"""How a product plays its main job on the running platform, through the pages people use.

`Product.story` names a coroutine function `play(stage)`; it tells its lines with `stage.line`. A
line that raises is reported with what it raised, and the lines after it are not played.
"""

import base64
import hashlib
import hmac
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from tenantry.sdk.browser import Page


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody of the demo: how they sign in."""

    email: str
    password: str = field(default="", repr=False)
    totp_secret: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class InstanceSeen:
    """What there is of one tenant's instance, counted on the machine itself."""

    databases: int
    processes: tuple[int, ...]


class Line(Protocol):
    """One line of the story while it is being played."""

    def note(self, text: str) -> None:
        """Say what was just seen; shown live and kept in the summary."""
        ...


class Stage(Protocol):
    """The running platform, as seen from outside."""

    portal_url: str
    console_url: str
    gateway_url: str
    tenant_short_id: str
    customer: Person
    operator: Person
    site_url: str
    site_token: str

    def line(self, text: str) -> AbstractAsyncContextManager[Line]:
        """Play one line: timed, shown, and counted as held when its block ends without an error."""
        ...

    async def page(self, person: str, *, locale: str = "en-US", width: int = 1280) -> Page:
        """Return that person's page, in a browser session of their own.

        It has this locale and width in pixels; 390 is a phone.
        """
        ...

    async def mail(self, to: str, *, after: float) -> str:
        """Wait for a captured mail to an address, newer than a moment; return its text."""
        ...

    async def kill(self, process: str) -> None:
        """Send SIGKILL to every process of a kind; the supervisor starts new ones."""
        ...

    async def instance(self, short_id: str) -> InstanceSeen:
        """Count databases and processes of a tenant's instance."""
        ...

    async def kill_instance(self, short_id: str) -> None:
        """Send SIGKILL to the processes of a tenant's instance."""
        ...

    async def output(self, *words: str) -> str:
        """Run `tenantry WORDS`, which must succeed; return what it printed."""
        ...

    async def command(self, *words: str) -> tuple[int, Mapping[str, object]]:
        """Run `tenantry WORDS --json`; return its exit code and its object."""
        ...

    async def tampered_copy(self) -> Sequence[str]:
        """Copy the audit log, change one row of the copy, verify it; return what was found."""
        ...


async def sign_in_operator(stage: Stage, page: Page) -> None:
    """Sign the operator in to the console, with password and one-time code."""
    await page.goto(f"{stage.console_url}sign-in/")
    await page.locator("input[name=login]").fill(stage.operator.email)
    await page.locator("input[name=password]").fill(stage.operator.password)
    await page.locator("input[name=password]").press("Enter")
    code = one_time_code(stage.operator.totp_secret, time.time())
    await page.locator("#code-form input[name=code]").fill(code)
    await page.locator("#code-form button[type=submit]").click()
    await page.wait_for_url(stage.console_url)


def one_time_code(secret: str, moment: float) -> str:
    """Return the six digits of RFC 6238 for a base32 secret."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(moment) // 30), hashlib.sha1)
    start = digest[-1] & 0xF
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFF_FFFF
    return f"{number % 1_000_000:06d}"
