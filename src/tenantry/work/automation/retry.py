"""What follows a failed attempt, and when to look for a post whose outcome is not known. Pure.

Nothing is attempted again after the submit before its outcome is known: the only way from
SUBMITTED back to another attempt leads through a look at the site that proves absence.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tenantry.work.automation.errorcodes import Code, RetryRule, lookup

_FIRST_WAIT = timedelta(seconds=5)
# Four times longer each time, up to half of it again by chance: waits grow whatever the chance.
_GROWTH = 4
_JITTER_SHARE = 0.5

# A request may still be on its way to the site for so long; absence seen earlier proves nothing.
SETTLE = timedelta(seconds=30)
_LOOK_WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (20, 60, 180, 600, 1800, 3600, 10800, 21600)
)


class Phase(StrEnum):
    """How far the attempt came."""

    BEFORE_SUBMIT = "before_submit"
    SUBMITTED = "submitted"
    # Submitted, and then shown not to be on the site.
    PROVEN_ABSENT = "proven_absent"


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """The operators' numbers."""

    network_retries: int = 3
    rate_limit_wait: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Attempt it again at this moment."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """The job has failed."""


@dataclass(frozen=True, kw_only=True)
class Reconcile:
    """Look on the site whether the post is there; not before this moment."""

    at: datetime


Step = Retry | GiveUp | Reconcile


def next_step(
    *,
    code: Code,
    attempt: int,
    phase: Phase,
    retry_after: int | None,
    policy: RetryPolicy,
    now: datetime,
    jitter: float,
) -> Step:
    """Decide what follows attempt number `attempt` (1 is the first).

    `retry_after` is the site's own wish in seconds; `jitter` a chance in [0, 1).
    """
    if phase is Phase.SUBMITTED:
        return Reconcile(at=now)
    rule = lookup(code).retry
    if attempt > policy.network_retries or rule is RetryRule.NEVER:
        return GiveUp()
    if rule is RetryRule.IF_ABSENT and phase is not Phase.PROVEN_ABSENT:
        return GiveUp()
    if rule is RetryRule.RATE_LIMIT:
        wish = timedelta(seconds=retry_after or 0)
        return Retry(at=now + max(policy.rate_limit_wait, wish) + _FIRST_WAIT * jitter)
    return Retry(at=now + backoff(attempt=attempt, jitter=jitter))


def backoff(*, attempt: int, jitter: float) -> timedelta:
    """Return the pause after attempt number `attempt`: 5-7.5 s, 20-30 s, 80-120 s and so on."""
    growth: int = _GROWTH ** (attempt - 1)
    return _FIRST_WAIT * growth * (1 + _JITTER_SHARE * jitter)


def absence_counts(*, code: str, submitted_at: datetime, looked_at: datetime) -> bool:
    """Say whether not finding the post proves that it is not there."""
    return looked_at - submitted_at >= SETTLE or (bool(code) and lookup(code).answered)


def next_look(*, looks: int, now: datetime) -> Reconcile | GiveUp:
    """Decide when to look again after `looks` looks without an answer; in all about 10 hours."""
    if looks > len(_LOOK_WAITS):
        return GiveUp()
    return Reconcile(at=now + _LOOK_WAITS[max(looks, 1) - 1])
