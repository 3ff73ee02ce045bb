"""Gates of readiness: what opens each, what closes it, and how long evidence counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.fleet.provisioning.readiness import (
    FRESH,
    OK,
    Known,
    LogIn,
    Probes,
    evaluate_asked,
    still_proven,
)
from tenantry.fleet.provisioning.states import ConditionType, Observed

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OWN, FOREIGN = "abcdefghij", "zzzzzzzzzz"
GOOD: dict[str, Any] = {
    "short_id": OWN,
    "observed": Observed.RUNNING,
    "at_host": OWN,
    "log_in": LogIn.LET_IN,
    "through_gateway": OWN,
    "mail_works": True,
}


def codes(**seen: object) -> dict[str, str]:
    """Return the gates that are closed, with their codes."""
    verdicts = evaluate_asked(Probes(**{**GOOD, **seen}), frozenset(ConditionType))
    assert [verdict.gate for verdict in verdicts] == list(ConditionType)
    assert all(verdict.open == (verdict.code == OK) for verdict in verdicts)
    return {verdict.gate: verdict.code for verdict in verdicts if not verdict.open}


@pytest.mark.parametrize(
    ("seen", "closed"),
    [
        ({}, {}),
        ({"observed": None}, {"alive": "INSTANCE_GONE"}),
        ({"observed": "removed"}, {"alive": "INSTANCE_GONE"}),
        ({"observed": "unknown"}, {"alive": "INSTANCE_STARTING"}),
        ({"observed": "starting"}, {"alive": "INSTANCE_STARTING"}),
        ({"observed": "dead"}, {"alive": "INSTANCE_DEAD"}),
        ({"observed": "stopped"}, {"alive": "INSTANCE_DEAD"}),
        ({"at_host": None}, {"canonical_host": "HOST_NOT_ANSWERING"}),
        ({"at_host": ""}, {"canonical_host": "HOST_NOT_ANSWERING"}),
        ({"at_host": FOREIGN}, {"canonical_host": "WRONG_IDENTITY"}),
        ({"log_in": LogIn.REFUSED}, {"log_in": "LOG_IN_REFUSED"}),
        ({"log_in": LogIn.UNREACHABLE}, {"log_in": "HOST_NOT_ANSWERING"}),
        ({"through_gateway": None}, {"route": "ROUTE_NOT_SERVING"}),
        ({"through_gateway": ""}, {"route": "ROUTE_NOT_SERVING"}),
        ({"through_gateway": FOREIGN}, {"route": "WRONG_IDENTITY"}),
        ({"mail_works": False}, {"mail": "MAIL_REFUSED"}),
    ],
)
def test_each_gate_closes_for_its_own_reason(
    seen: dict[str, object], closed: dict[str, str]
) -> None:
    assert codes(**seen) == closed


def test_nothing_seen_opens_nothing() -> None:
    verdicts = evaluate_asked(Probes(short_id=OWN), frozenset(ConditionType))
    assert [verdict.open for verdict in verdicts] == [False] * len(ConditionType)


def test_only_what_is_asked_is_answered() -> None:
    verdicts = evaluate_asked(Probes(short_id=OWN), {ConditionType.MAIL, ConditionType.ALIVE})
    assert [verdict.gate for verdict in verdicts] == [ConditionType.ALIVE, ConditionType.MAIL]


@given(
    observed=st.sampled_from([None, *Observed]),
    at_host=st.sampled_from([None, "", OWN, FOREIGN]),
    log_in=st.sampled_from(LogIn),
    through_gateway=st.sampled_from([None, "", OWN, FOREIGN]),
    mail_works=st.booleans(),
)
def test_all_open_only_when_all_is_well(**seen: object) -> None:
    assert (codes(**seen) == {}) == ({**GOOD, **seen} == GOOD)


def known(**changes: Any) -> list[Known]:
    """Return all conditions as true and just checked, but for some."""
    found = {
        type_: Known(type=type_, status="true", checked_at=NOW) for type_ in ConditionType
    } | changes
    return [one for one in found.values() if one is not None]


def test_evidence_counts_for_a_minute() -> None:
    assert still_proven(known(), now=NOW)
    assert still_proven(known(), now=NOW + FRESH)
    assert not still_proven(known(), now=NOW + FRESH + timedelta(milliseconds=1))
    assert not still_proven(known(), now=NOW - timedelta(seconds=1))


@pytest.mark.parametrize("type_", ConditionType)
def test_every_condition_is_needed(type_: ConditionType) -> None:
    assert not still_proven(known(**{type_: None}), now=NOW)
    for status in ("false", "unknown"):
        doubted = Known(type=type_, status=status, checked_at=NOW)
        assert not still_proven(known(**{type_: doubted}), now=NOW)
