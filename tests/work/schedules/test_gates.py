"""Each gate by itself, their order, and what the codes say."""

from dataclasses import replace

import pytest

from tenantry.core.gates import Verdict
from tenantry.work.schedules.explanations import EXPLANATIONS, tell
from tenantry.work.schedules.gates import CLOSES_AS, Facts, GatePolicy, decide
from tenantry.work.schedules.states import Outcome

OPEN = Facts(
    user_enabled=True,
    admin_status="APPROVED",
    content_digest="d1",
    approved_digest="d1",
    session_state="HEALTHY",
    schedule_limit=3,
    schedule_used=0,
    connection_used=0,
    late_seconds=0,
)
POLICY = GatePolicy(
    version=7, accept_expiring=True, schedule_limit=10, connection_limit=5, catch_up_seconds=900
)


def test_open_gates_dispatch_with_all_verdicts() -> None:
    decision = decide(OPEN, POLICY)
    assert (decision.outcome, decision.code) == (Outcome.DISPATCHED, "ALL_OPEN")
    assert [verdict.code for verdict in decision.verdicts] == [
        "USER_ENABLED",
        "ADMIN_APPROVED",
        "SESSION_HEALTHY",
        "WITHIN_LIMIT",
    ]


CLOSED = [
    ({"user_enabled": False}, Outcome.SKIPPED, "USER_DISABLED"),
    ({"admin_status": "NEEDS_REVIEW"}, Outcome.BLOCKED, "ADMIN_NEEDS_REVIEW"),
    ({"admin_status": "SUSPENDED"}, Outcome.BLOCKED, "ADMIN_SUSPENDED"),
    ({"admin_status": "BANNED"}, Outcome.BLOCKED, "ADMIN_BANNED"),
    ({"content_digest": "d2"}, Outcome.BLOCKED, "ADMIN_STALE"),
    ({"session_state": "PENDING"}, Outcome.BLOCKED, "SESSION_PENDING"),
    ({"session_state": "EXPIRED"}, Outcome.BLOCKED, "SESSION_EXPIRED"),
    ({"session_state": "CHALLENGE_REQUIRED"}, Outcome.BLOCKED, "SESSION_CHALLENGE"),
    ({"session_state": "ERROR"}, Outcome.BLOCKED, "SESSION_ERROR"),
    ({"session_state": "REMOVED"}, Outcome.BLOCKED, "SESSION_REMOVED"),
    ({"schedule_used": 3}, Outcome.SKIPPED, "DAILY_LIMIT"),
    ({"connection_used": 5}, Outcome.SKIPPED, "DAILY_LIMIT"),
    ({"schedule_limit": 99, "schedule_used": 10}, Outcome.SKIPPED, "DAILY_LIMIT"),
    ({"late_seconds": 901}, Outcome.SKIPPED, "SLOT_MISSED"),
]


@pytest.mark.parametrize(("changes", "outcome", "code"), CLOSED)
def test_one_closed_gate_is_the_reason(
    changes: dict[str, object], outcome: Outcome, code: str
) -> None:
    decision = decide(replace(OPEN, **changes), POLICY)  # type: ignore[arg-type]  # as in Facts
    assert (decision.outcome, decision.code) == (outcome, code)
    assert len(decision.verdicts) == 4


def test_catch_up_window_includes_its_last_second() -> None:
    assert decide(replace(OPEN, late_seconds=900), POLICY).dispatched


def test_expiring_session_passes_with_a_warning_unless_policy_is_strict() -> None:
    expiring = replace(OPEN, session_state="EXPIRING")
    passed = decide(expiring, POLICY)
    assert passed.dispatched
    assert tell(passed.verdicts[2]).warning
    strict = decide(expiring, replace(POLICY, accept_expiring=False))
    assert (strict.outcome, strict.code) == (Outcome.BLOCKED, "SESSION_EXPIRING")
    assert not tell(strict.verdicts[2]).warning


def test_reasons_come_in_the_order_of_the_gates() -> None:
    worst = replace(
        OPEN,
        user_enabled=False,
        admin_status="BANNED",
        session_state="ERROR",
        schedule_used=3,
        late_seconds=10_000,
    )
    steps = [
        ({}, "USER_DISABLED"),
        ({"user_enabled": True}, "ADMIN_BANNED"),
        ({"admin_status": "APPROVED"}, "SESSION_ERROR"),
        ({"session_state": "HEALTHY"}, "DAILY_LIMIT"),
        ({"schedule_used": 0}, "SLOT_MISSED"),
        ({"late_seconds": 0}, "ALL_OPEN"),
    ]
    for changes, code in steps:
        worst = replace(worst, **changes)  # type: ignore[arg-type]  # as in Facts
        assert decide(worst, POLICY).code == code


def test_stored_verdicts_read_back_as_they_were() -> None:
    verdicts = decide(replace(OPEN, schedule_used=2), POLICY).verdicts
    assert [Verdict.from_json(verdict.as_json()) for verdict in verdicts] == list(verdicts)


def test_daily_limit_names_both_counts() -> None:
    told = tell(decide(replace(OPEN, schedule_used=3, connection_used=4), POLICY).verdicts[3])
    assert told.message == (
        "The day's posts are used up: 3 of 3 of this schedule, 4 of 5 of the account."
    )
    assert told.remedy.startswith("Wait for the next day")


def test_every_code_has_words() -> None:
    reachable = {decide(replace(OPEN, **changes), POLICY).code for changes, _, _ in CLOSED}  # type: ignore[arg-type]  # as in Facts
    reachable |= {verdict.code for verdict in decide(OPEN, POLICY).verdicts}
    reachable |= {"ALL_OPEN", "SESSION_EXPIRING"}
    assert reachable == set(EXPLANATIONS)
    assert list(CLOSES_AS) == [verdict.gate for verdict in decide(OPEN, POLICY).verdicts]
