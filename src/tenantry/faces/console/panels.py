"""What a page about one thing is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
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


Panel = Facts | Grid | Prose


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
