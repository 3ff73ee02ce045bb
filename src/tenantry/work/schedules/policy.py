"""The operator's rules as this room needs them, and when they ask for a review."""

from tenantry.governance.policies import queries as policies
from tenantry.work.schedules.gates import GatePolicy


def gate_policy() -> GatePolicy:
    """Return the numbers of the gates and their version, at most a second old."""
    held = policies.snapshot()
    return GatePolicy(
        version=held.version,
        accept_expiring=bool(held.values["sessions.accept_expiring"]),
        schedule_limit=int(held.values["schedules.daily_limit"]),
        connection_limit=int(held.values["connections.daily_limit"]),
        catch_up_seconds=int(held.values["schedules.catch_up_minutes"]) * 60,
    )


def debug_after() -> int:
    """Return how many failures in a row make the next job a debug job."""
    return policies.number("schedules.debug_after")


def suspend_after() -> int:
    """Return how many failures in a row suspend a schedule."""
    return policies.number("schedules.suspend_after")


def review_rule() -> str:
    """Return which schedules wait for a review: `first_and_changed`, `all` or `none`."""
    return policies.choice("schedules.review")


def new_needs_review(rule: str, *, approved_before: bool) -> bool:
    """Say whether a new schedule waits; a customer is new until one schedule was approved."""
    return rule == "all" or (rule == "first_and_changed" and not approved_before)


def change_needs_review(rule: str) -> bool:
    """Say whether a schedule waits whose content or account is no longer the approved one."""
    return rule != "none"
