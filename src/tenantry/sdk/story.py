"""How a product plays its main job on the running platform, through the pages people use.

`Product.story` names a coroutine function `play(stage)`; it tells its lines with `stage.line`. A
line that raises is reported with what it raised, and the lines after it are not played.
"""

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


class Line(Protocol):
    """One line of the story while it is being played."""

    def note(self, text: str) -> None:
        """Say what was just seen; shown live and kept in the summary."""
        ...


class Stage(Protocol):
    """The running platform, as seen from outside."""

    portal_url: str
    console_url: str
    tenant_short_id: str
    customer: Person
    operator: Person
    site_url: str
    site_token: str

    def line(self, text: str) -> AbstractAsyncContextManager[Line]:
        """Play one line: timed, shown, and counted as held when its block ends without an error."""
        ...

    async def page(self, person: str) -> Page:
        """Return that person's page, in a browser session of their own."""
        ...

    async def mail(self, to: str, *, after: float) -> str:
        """Wait for a captured mail to an address, newer than a moment; return its text."""
        ...

    async def kill(self, process: str) -> None:
        """Send SIGKILL to every process of a kind; the supervisor starts new ones."""
        ...

    async def command(self, *words: str) -> tuple[int, Mapping[str, object]]:
        """Run `tenantry WORDS --json`; return its exit code and its object."""
        ...

    async def tampered_copy(self) -> Sequence[str]:
        """Copy the audit log, change one row of the copy, verify it; return what was found."""
        ...
