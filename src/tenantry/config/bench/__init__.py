"""Measurements: ratios against a limit or a peer in the same run, targets, and checks by SQL.

Each case is a module with `run(*, quick: bool) -> dict` that returns what `report.report` makes.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tenantry.config.bench.report import as_text

__all__ = ["CASES", "as_text", "run"]

_ALL = (
    "audit",
    "dispatch",
    "due",
    "gateway",
    "lanes",
    "lateness",
    "provisioning",
    "publish",
    "stampede",
    "verdict",
)
CASES: Mapping[str, str] = {
    name: f"{__name__}.{name}" for name in _ALL if find_spec(f"{__name__}.{name}")
}


def run(name: str, *, quick: bool) -> dict[str, Any]:
    """Run one case and return its report; `quick` is a check that it works, not a figure."""
    measured: dict[str, Any] = import_module(CASES[name]).run(quick=quick)
    return measured
