"""Pauses grow, end, and follow the driver's own word."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.fleet.provisioning.failures import TROUBLES, Failure, Rule, trouble
from tenantry.fleet.provisioning.retry import Again, GiveUp, Limits, next_try

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIMITS = Limits()
BY_RULE = {
    Rule.POLL: Failure.INSTANCE_STARTING,
    Rule.TRANSIENT: Failure.TEMPLATE_LOCKED,
    Rule.CAPACITY: Failure.NO_CAPACITY,
    Rule.NEVER: Failure.REGION_UNKNOWN,
}


def decide(
    code: str,
    *,
    tries: int = 1,
    elapsed: float = 0,
    retryable: bool | None = None,
    jitter: float = 0,
) -> float | None:
    """Return the pause in seconds, None for giving up."""
    after = next_try(
        code=code,
        retryable=retryable,
        tries=tries,
        since=NOW - timedelta(seconds=elapsed),
        now=NOW,
        limits=LIMITS,
        jitter=jitter,
    )
    return after.after.total_seconds() if isinstance(after, Again) else None


def test_what_is_on_its_way_is_looked_at_closely_and_then_calmly() -> None:
    pauses = [decide(BY_RULE[Rule.POLL], tries=tries) for tries in (1, 2, 3, 6, 30)]
    assert pauses == [0.25, 0.375, 0.5625, pytest.approx(1.898, abs=0.001), 2.0]
    assert decide(BY_RULE[Rule.POLL], tries=30, elapsed=20) == 5.0


def test_pauses_after_errors_double_up_to_a_minute() -> None:
    pauses = [decide(BY_RULE[Rule.TRANSIENT], tries=tries) for tries in (1, 2, 3, 8, 1000)]
    assert pauses == [0.5, 1.0, 2.0, 60.0, 60.0]


def test_waiting_for_room_is_patient() -> None:
    pauses = [decide(BY_RULE[Rule.CAPACITY], tries=tries) for tries in (1, 2, 100)]
    assert pauses == [5.0, 7.5, 60.0]


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        (Rule.POLL, LIMITS.ready),
        (Rule.TRANSIENT, LIMITS.transient),
        (Rule.CAPACITY, LIMITS.capacity),
    ],
)
def test_every_wait_ends_with_a_last_try_at_its_limit(rule: Rule, limit: timedelta) -> None:
    seconds = limit.total_seconds()
    assert decide(BY_RULE[rule], tries=50, elapsed=seconds - 1) == 1.0
    assert decide(BY_RULE[rule], tries=50, elapsed=seconds) is None


@pytest.mark.parametrize("code", ["DRIVER_FAILED", "REGION_UNKNOWN", "HOST_NAME_TAKEN", "strange"])
def test_what_does_not_pass_is_given_up_at_once(code: str) -> None:
    assert decide(code) is None


def test_the_drivers_word_counts() -> None:
    assert decide(Failure.TEMPLATE_LOCKED, retryable=False) is None
    assert decide("strange", retryable=True) == 0.5
    assert decide(Failure.NO_CAPACITY, retryable=True) == 5.0


@given(
    code=st.sampled_from(Failure),
    tries=st.integers(1, 10**6),
    elapsed=st.floats(0, 10**5),
    retryable=st.sampled_from([None, True, False]),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_no_pause_is_negative_endless_or_past_the_limit(
    code: Failure, tries: int, elapsed: float, retryable: bool | None, jitter: float
) -> None:
    pause = decide(code, tries=tries, elapsed=elapsed, retryable=retryable, jitter=jitter)
    longest = max(LIMITS.ready, LIMITS.transient, LIMITS.capacity).total_seconds()
    if pause is None:
        return
    assert 0 < pause <= 75
    assert elapsed + pause <= longest + 1e-3


@given(code=st.sampled_from(Failure), retryable=st.sampled_from([None, True, False]))
def test_following_the_pauses_always_ends(code: Failure, retryable: bool | None) -> None:
    elapsed, tries = 0.0, 1
    while (pause := decide(code, tries=tries, elapsed=elapsed, retryable=retryable)) is not None:
        elapsed, tries = elapsed + pause, tries + 1
        assert tries < 1000


def test_every_code_has_message_and_remedy() -> None:
    assert set(TROUBLES) == set(Failure)
    assert all(str(one.message) and str(one.remedy) for one in TROUBLES.values())
    assert trouble("strange") is TROUBLES[Failure.DRIVER_FAILED]
    assert isinstance(
        next_try(
            code="strange",
            retryable=None,
            tries=1,
            since=NOW,
            now=NOW,
            limits=LIMITS,
            jitter=0,
        ),
        GiveUp,
    )
