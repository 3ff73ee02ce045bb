"""The four gates of a slot and the decision they make together. Pure.

Dispatch, run now, simulation, calendar and the page that explains all ask `decide`. Every gate is
asked and every answer is kept; the first closed one is the reason that counts. Equal inputs give
the same object: there are few of them, and a stampede asks a hundred thousand times.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from tenantry.core.gates import Verdict, first_closed
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules.states import AdminStatus, Outcome

ALL_OPEN = "ALL_OPEN"
SLOT_MISSED = "SLOT_MISSED"
# In place of a session's state, where the whole connection is gone.
REMOVED = "REMOVED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is known of a slot when it is decided.

    The counts are those of the slot's local day, without the slot itself. `late_seconds` is how
    long after its nominal instant the slot is decided.
    """

    user_enabled: bool
    admin_status: str
    content_digest: str
    approved_digest: str
    session_state: str
    schedule_limit: int
    schedule_used: int
    connection_used: int
    late_seconds: int


@dataclass(frozen=True, kw_only=True)
class GatePolicy:
    """The operator's numbers, and the version that names the whole set of them.

    `schedule_limit` caps what a customer may give a schedule, `connection_limit` all schedules of
    one account together.
    """

    version: int
    accept_expiring: bool
    schedule_limit: int
    connection_limit: int
    catch_up_seconds: int


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of the slot, the reason that counts, and all four answers in order."""

    outcome: Outcome
    code: str
    verdicts: tuple[Verdict, ...]

    @property
    def dispatched(self) -> bool:
        """Say whether a job is made."""
        return self.outcome is Outcome.DISPATCHED

    @cached_property
    def verdicts_json(self) -> str:
        """Return the stored form of the verdicts."""
        return json.dumps([verdict.as_json() for verdict in self.verdicts], separators=(",", ":"))


def decide(facts: Facts, policy: GatePolicy) -> Decision:
    """Decide one slot: dispatched only if all four gates are open and it is not too late.

    A closed gate gives SKIPPED or BLOCKED with its code; a slot beyond the catch-up window that
    would have run is SKIPPED as missed.
    """
    return _decided(
        facts.user_enabled,
        facts.admin_status,
        facts.approved_digest == facts.content_digest,
        facts.session_state,
        policy.accept_expiring,
        facts.schedule_used,
        min(facts.schedule_limit, policy.schedule_limit),
        facts.connection_used,
        policy.connection_limit,
        facts.late_seconds > policy.catch_up_seconds,
    )


# Positional, because the cache's key is then a plain tuple.
@lru_cache(maxsize=16_384)
def _decided(  # noqa: PLR0913, PLR0917  # one argument per fact
    user_enabled: bool,  # noqa: FBT001
    admin_status: str,
    content_approved: bool,  # noqa: FBT001
    session_state: str,
    accept_expiring: bool,  # noqa: FBT001
    schedule_used: int,
    schedule_limit: int,
    connection_used: int,
    connection_limit: int,
    too_late: bool,  # noqa: FBT001
) -> Decision:
    verdicts = (
        enabled_gate(enabled=user_enabled),
        admin_gate(admin_status, content_approved=content_approved),
        session_gate(session_state, accept_expiring=accept_expiring),
        limit_gate(schedule_used, schedule_limit, connection_used, connection_limit),
    )
    closed = first_closed(verdicts)
    if closed is not None:
        return Decision(outcome=CLOSES_AS[closed.gate], code=closed.code, verdicts=verdicts)
    if too_late:
        return Decision(outcome=Outcome.SKIPPED, code=SLOT_MISSED, verdicts=verdicts)
    return Decision(outcome=Outcome.DISPATCHED, code=ALL_OPEN, verdicts=verdicts)


# In the order in which they are asked: what a slot becomes when this gate is the first closed one.
CLOSES_AS: Mapping[str, Outcome] = {
    "enabled": Outcome.SKIPPED,
    "admin": Outcome.BLOCKED,
    "session": Outcome.BLOCKED,
    "limit": Outcome.SKIPPED,
}


def enabled_gate(*, enabled: bool) -> Verdict:
    """Ask whether the customer has the schedule turned on."""
    code = "USER_ENABLED" if enabled else "USER_DISABLED"
    return Verdict(gate="enabled", code=code, open=enabled)


_ADMIN_CODES: Mapping[str, str] = {
    AdminStatus.NEEDS_REVIEW: "ADMIN_NEEDS_REVIEW",
    AdminStatus.SUSPENDED: "ADMIN_SUSPENDED",
    AdminStatus.BANNED: "ADMIN_BANNED",
}


def admin_gate(status: str, *, content_approved: bool) -> Verdict:
    """Ask whether an operator approved the schedule, with exactly this content."""
    if status != AdminStatus.APPROVED:
        code = _ADMIN_CODES.get(status, "ADMIN_NEEDS_REVIEW")
        return Verdict(gate="admin", code=code, open=False)
    code = "ADMIN_APPROVED" if content_approved else "ADMIN_STALE"
    return Verdict(gate="admin", code=code, open=content_approved)


_SESSION_CODES: Mapping[str, str] = {
    SessionState.PENDING: "SESSION_PENDING",
    SessionState.EXPIRED: "SESSION_EXPIRED",
    SessionState.CHALLENGE_REQUIRED: "SESSION_CHALLENGE",
    SessionState.ERROR: "SESSION_ERROR",
    REMOVED: "SESSION_REMOVED",
}


def session_gate(state: str, *, accept_expiring: bool) -> Verdict:
    """Ask whether the account's login is alive; one that expires soon passes if policy says so."""
    if state == SessionState.HEALTHY:
        return Verdict(gate="session", code="SESSION_HEALTHY", open=True)
    if state == SessionState.EXPIRING:
        facts = {"warning": True} if accept_expiring else {}
        return Verdict(gate="session", code="SESSION_EXPIRING", open=accept_expiring, facts=facts)
    code = _SESSION_CODES.get(state, "SESSION_ERROR")
    return Verdict(gate="session", code=code, open=False)


def limit_gate(
    schedule_used: int, schedule_limit: int, connection_used: int, connection_limit: int
) -> Verdict:
    """Ask whether both the schedule and its account have posts left for the slot's local day."""
    is_open = schedule_used < schedule_limit and connection_used < connection_limit
    return Verdict(
        gate="limit",
        code="WITHIN_LIMIT" if is_open else "DAILY_LIMIT",
        open=is_open,
        facts={
            "used": schedule_used,
            "limit": schedule_limit,
            "account_used": connection_used,
            "account_limit": connection_limit,
        },
    )
