"""What a page about one thing is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.faces.console.words import NOTHING, code
from tenantry.work.automation.errorcodes import ErrorCode


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Names and values."""

    template: ClassVar[str] = "console/parts/facts.html"

    title: Text
    rows: Sequence[tuple[Text, object]]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A small table; `empty` is what stands there instead of no rows."""

    template: ClassVar[str] = "console/parts/grid.html"

    title: Text
    heads: Sequence[Text]
    rows: Sequence[Sequence[object]]
    empty: Text


@dataclass(frozen=True, kw_only=True)
class Prose:
    """A text as somebody wrote it."""

    template: ClassVar[str] = "console/parts/prose.html"

    title: Text
    text: str
    note: Text = ""


@dataclass(frozen=True, kw_only=True)
class Meter:
    """How much of something is taken: a bar with its numbers in words."""

    label: Text
    percent: float
    shown: str
    tone: str


@dataclass(frozen=True, kw_only=True)
class Meters:
    """Bars of what is taken; `note` says what they count."""

    template: ClassVar[str] = "console/parts/meters.html"

    title: Text
    meters: Sequence[Meter]
    note: Text = ""


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One line of a step's log."""

    at: datetime
    tone: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of something that is done in order, with its log and where it is done again from."""

    name: Text
    key: str
    tone: str
    state: Text
    took: str
    cause: Text = ""
    remedy: Text = ""
    detail: str = ""
    again: str = ""
    is_open: bool = False
    lines: Sequence[LogEntry] = ()


@dataclass(frozen=True, kw_only=True)
class Course:
    """Something done in steps: how far it is, and what each step said."""

    template: ClassVar[str] = "console/parts/course.html"

    title: Text
    lead: Sequence[object]
    stages: Sequence[Stage]
    empty: Text


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The last entries of the audit log about one thing; `more` leads to all of them."""

    template: ClassVar[str] = "console/parts/timeline.html"

    title: Text
    lines: Sequence[object]
    more: object
    empty: Text


Panel = Facts | Grid | Prose | Meters | Course | Timeline


def told(error: ErrorCode | None, detail: str) -> list[tuple[Text, object]]:
    """Return the facts of an error, for whom each is; nothing where there is none."""
    if error is None:
        return []
    return [
        (_("error code"), code(error.code)),
        (_("cause"), error.cause),
        (_("for the customer"), error.remedy),
        (_("for operators"), error.hint),
        (_("detail"), detail or NOTHING),
    ]
