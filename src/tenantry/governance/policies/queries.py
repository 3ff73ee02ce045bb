"""What holds now: typed values with a cache of at most a second, and what counters say."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from tenantry.core.live import Facts, Listener
from tenantry.governance.policies.models import Counter, Policy
from tenantry.governance.policies.registry import RULES, Value, rule_of

TOPIC = "policies"
_OLDEST_SECONDS = 1.0
_CURRENT = (
    "SELECT DISTINCT ON (key) key, version, value FROM policies_policy ORDER BY key, version DESC"
)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All values as of one version, read in one statement."""

    version: int
    values: Mapping[str, Value]


_lock = threading.Lock()
_cached: tuple[float, Snapshot] | None = None


def snapshot() -> Snapshot:
    """Return all values, at most a second old."""
    global _cached  # noqa: PLW0603  # the cache of this process
    with _lock:
        held = _cached
    if held is not None and time.monotonic() - held[0] < _OLDEST_SECONDS:
        return held[1]
    read_at, fresh = time.monotonic(), _read()
    with _lock:
        _cached = (read_at, fresh)
    return fresh


def forget() -> None:
    """Drop this process's cache; the next read asks the database."""
    global _cached  # noqa: PLW0603  # the cache of this process
    with _lock:
        _cached = None


def watch(listener: Listener) -> None:
    """Drop the cache as soon as another process sets a policy."""

    def dropped(_topic: str, _facts: Facts) -> None:
        forget()

    listener.on(TOPIC, dropped)


def _read() -> Snapshot:
    current = list(Policy.objects.raw(_CURRENT))
    values: dict[str, Value] = {key: rule.default for key, rule in RULES.items()}
    # A version may carry a policy that this release no longer has.
    values.update({policy.key: policy.value for policy in current if policy.key in RULES})
    return Snapshot(version=max((policy.version for policy in current), default=0), values=values)


def version() -> int:
    """Return the number that names the present set of values; it only grows."""
    return snapshot().version


def value(key: str) -> Value:
    """Return a policy's value; raises `PolicyUnknown`."""
    rule_of(key)
    return snapshot().values[key]


def number(key: str) -> int:
    """Return the value of a policy that is a number."""
    return int(value(key))


def choice(key: str) -> str:
    """Return the value of a policy that is a choice."""
    return str(value(key))


def flag(key: str) -> bool:
    """Return the value of a policy that is yes or no."""
    return bool(value(key))


def list_versions(key: str) -> QuerySet[Policy]:
    """Return every value a policy had, the newest first; raises `PolicyUnknown`."""
    return Policy.objects.filter(key=rule_of(key).key).order_by("-version")


def used(*, key: str, window: str) -> int:
    """Return how much was reserved in a window, as far as the present reach sees it."""
    row = Counter.objects.filter(key=key, window=window).first()
    return row.used if row else 0
