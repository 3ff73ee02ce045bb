"""When a step that did not get on is tried again. Pure.

Every wait ends: after its limit, counted from the beginning of the present try, a step fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from tenantry.fleet.provisioning.failures import Rule, trouble


@dataclass(frozen=True, kw_only=True)
class Limits:
    """For how long each rule goes on: the operators' numbers."""

    ready: timedelta = timedelta(minutes=5)
    transient: timedelta = timedelta(minutes=15)
    capacity: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Again:
    """Try it again after this pause."""

    after: timedelta


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """The step has failed."""


@dataclass(frozen=True, kw_only=True)
class _Pace:
    first: timedelta
    growth: float
    longest: timedelta


_PACES: Mapping[Rule, _Pace] = MappingProxyType(
    {
        Rule.POLL: _Pace(first=timedelta(seconds=0.25), growth=1.5, longest=timedelta(seconds=2)),
        Rule.TRANSIENT: _Pace(
            first=timedelta(seconds=0.5), growth=2, longest=timedelta(seconds=60)
        ),
        Rule.CAPACITY: _Pace(first=timedelta(seconds=5), growth=1.5, longest=timedelta(seconds=60)),
    }
)
# Looked at so often only while an answer may come any moment.
POLL_CLOSELY = timedelta(seconds=20)
_POLL_LATER = timedelta(seconds=5)
# By chance a wait is up to so much longer, so that those who failed together do not come together.
_JITTER_SHARE = 0.25
_MOST_GROWTHS = 16


def next_try(
    *,
    code: str,
    retryable: bool | None,
    tries: int,
    since: datetime,
    now: datetime,
    limits: Limits,
    jitter: float,
) -> Again | GiveUp:
    """Decide what follows try number `tries` (1 is the first) of a step that began at `since`.

    `retryable` is the driver's own word, None where it has none; `jitter` a chance in [0, 1).
    The last try is made when the limit is reached, not before.
    """
    rule = _rule(code, retryable=retryable)
    left = since + _limit(rule, limits) - now
    if rule is Rule.NEVER or left <= timedelta(0):
        return GiveUp()
    return Again(after=min(_pause(rule, tries, elapsed=now - since, jitter=jitter), left))


def _rule(code: str, *, retryable: bool | None) -> Rule:
    rule = trouble(code).rule
    if retryable is None:
        return rule
    if not retryable:
        return Rule.NEVER
    return Rule.TRANSIENT if rule is Rule.NEVER else rule


def _limit(rule: Rule, limits: Limits) -> timedelta:
    by_rule = {
        Rule.POLL: limits.ready,
        Rule.TRANSIENT: limits.transient,
        Rule.CAPACITY: limits.capacity,
    }
    return by_rule.get(rule, timedelta(0))


def _pause(rule: Rule, tries: int, *, elapsed: timedelta, jitter: float) -> timedelta:
    pace = _PACES[rule]
    if rule is Rule.POLL and elapsed >= POLL_CLOSELY:
        return _POLL_LATER
    grown = pace.first * pace.growth ** min(max(tries, 1) - 1, _MOST_GROWTHS)
    pause = min(grown, pace.longest)
    return pause if rule is Rule.POLL else pause * (1 + _JITTER_SHARE * jitter)
