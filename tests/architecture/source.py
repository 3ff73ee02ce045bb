"""The source as the architecture tests see it: parsed files with their place in the tree."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLATFORM = ROOT / "src"
PRODUCTS = sorted((ROOT / "products").glob("*/src"))


@dataclass(frozen=True, kw_only=True)
class Source:
    """One Python file: its dotted module, its text and its syntax tree."""

    module: str
    text: str
    tree: ast.Module

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.module.split("."))

    @property
    def context(self) -> str:
        """Return the context it belongs to: `tenantry.work.automation`, `tenantry.core` …"""
        parts = self.parts
        if parts[0] != "tenantry":
            return parts[0]
        wings = {"ledger", "governance", "customers", "work", "faces", "fleet", "journeys"}
        return ".".join(parts[:3] if len(parts) > 1 and parts[1] in wings else parts[:2])

    @property
    def room(self) -> str:
        """Return the first name inside the context: `models`, `services` …"""
        rest = self.parts[len(self.context.split(".")) :]
        return rest[0] if rest else "__init__"

    def lines(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.text, node) or ""


def parse(module: str, text: str) -> Source:
    return Source(module=module, text=text, tree=ast.parse(text))


@cache
def sources() -> tuple[Source, ...]:
    """Return every file of the platform and the products, migrations left out."""
    return tuple(_walk())


def _walk() -> Iterator[Source]:
    for root in (PLATFORM, *PRODUCTS):
        for path in sorted(root.rglob("*.py")):
            if "migrations" in path.parts:
                continue
            dotted = ".".join(path.relative_to(root).with_suffix("").parts)
            yield parse(dotted.removesuffix(".__init__"), path.read_text(encoding="utf-8"))
