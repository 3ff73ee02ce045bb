"""The one shape of every case's result: figures, ratios, targets, checks, machine."""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from django.db import connection


def figure(values: Iterable[float], unit: str) -> dict[str, Any]:
    """Return median, extremes and number of the runs of one contender."""
    measured = sorted(values)
    return {
        "median": _short(median(measured)),
        "min": _short(measured[0]),
        "max": _short(measured[-1]),
        "n": len(measured),
        "unit": unit,
    }


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of runs made one after the other."""
    return _short(median(mine / other for mine, other in zip(ours, theirs, strict=True)))


def at_least(value: float, bound: float) -> dict[str, Any]:
    """Return a target that is held from a bound upwards."""
    return {"at_least": bound, "value": _short(value), "holds": value >= bound}


def at_most(value: float, bound: float) -> dict[str, Any]:
    """Return a target that is held up to a bound."""
    return {"at_most": bound, "value": _short(value), "holds": value <= bound}


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that this share of all values does not exceed."""
    measured = sorted(values)
    return measured[min(len(measured) - 1, int(share * len(measured)))]


def report(
    *,
    case: str,
    figures: Mapping[str, Mapping[str, Any]],
    ratios: Mapping[str, float],
    targets: Mapping[str, Mapping[str, Any]],
    checks: Mapping[str, bool],
    skipped: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a case's result; `skipped` names contenders that could not be had, and why."""
    return {
        "case": case,
        "figures": dict(figures),
        "ratios": dict(ratios),
        "targets": dict(targets),
        "checks": dict(checks),
        "skipped": dict(skipped or {}),
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
        server, fsync = cursor.fetchone()
    return {
        "cpus": os.cpu_count(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "postgresql": server,
        "fsync": fsync,
        "load": round(os.getloadavg()[0], 2),
    }


def as_text(result: Mapping[str, Any]) -> str:
    """Return a report for people; a missed target stands out."""
    lines = [f"{result['case']}  ({_machine_line(result['machine'])})"]
    for name, value in result["figures"].items():
        spread = f"{value['min']:g} to {value['max']:g}, n={value['n']}"
        lines.append(f"  {name:<36} {value['median']:>12g} {value['unit']}  ({spread})")
    lines += [f"  {name:<36} {value:>12g} x" for name, value in result["ratios"].items()]
    for name, target in result["targets"].items():
        word = "at least" if "at_least" in target else "at most"
        bound = target.get("at_least", target.get("at_most"))
        verdict = "holds" if target["holds"] else "MISSED"
        lines.append(f"  {verdict:<7} {name}: {target['value']:g}, {word} {bound:g}")
    lines += [
        f"  {'sound' if sound else 'BROKEN':<7} {name}" for name, sound in result["checks"].items()
    ]
    lines += [f"  skipped {name}: {reason}" for name, reason in result["skipped"].items()]
    return "\n".join(lines)


def _machine_line(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _short(value: float) -> float:
    return float(f"{value:.4g}")
