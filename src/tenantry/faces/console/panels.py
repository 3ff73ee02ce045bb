"""What a page about one thing is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tenantry.core.errors import Text


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
