import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tenantry.work.automation.errorcodes import REGISTRY, Code
from tenantry.work.automation.retry import (
    SETTLE,
    GiveUp,
    Phase,
    Reconcile,
    Retry,
    RetryPolicy,
    Step,
    absence_counts,
    backoff,
    next_look,
    next_step,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
chances = st.floats(min_value=0, max_value=1, exclude_max=True)
codes = st.sampled_from(Code)


def step(
    code: Code,
    attempt: int = 1,
    phase: Phase = Phase.BEFORE_SUBMIT,
    *,
    retry_after: int | None = None,
    jitter: float = 0.0,
) -> Step:
    return next_step(
        code=code,
        attempt=attempt,
        phase=phase,
        retry_after=retry_after,
        policy=RetryPolicy(),
        now=NOW,
        jitter=jitter,
    )


@given(chances=st.lists(chances, min_size=10, max_size=10))
def test_backoff_grows_strictly_whatever_the_chance(chances: list[float]) -> None:
    waits = [backoff(attempt=n, jitter=chance) for n, chance in enumerate(chances, start=1)]
    assert all(shorter < longer for shorter, longer in itertools.pairwise(waits))


@given(jitter=chances)
def test_network_error_is_retried_three_times(jitter: float) -> None:
    steps = [step(Code.NETWORK_ERROR, attempt, jitter=jitter) for attempt in range(1, 6)]
    assert [type(each) for each in steps] == [Retry, Retry, Retry, GiveUp, GiveUp]


@given(retry_after=st.none() | st.integers(0, 100_000), jitter=chances)
def test_rate_limit_waits_ten_minutes_and_what_the_site_asks(
    retry_after: int | None, jitter: float
) -> None:
    decided = step(Code.RATE_LIMIT, retry_after=retry_after, jitter=jitter)
    assert isinstance(decided, Retry)
    assert decided.at - NOW >= timedelta(minutes=10)
    assert decided.at - NOW >= timedelta(seconds=retry_after or 0)


@given(
    attempt=st.integers(1, 10), phase=st.sampled_from([Phase.BEFORE_SUBMIT, Phase.PROVEN_ABSENT])
)
def test_what_a_person_must_mend_is_never_retried(attempt: int, phase: Phase) -> None:
    for code in (Code.AUTH_EXPIRED, Code.AUTH_INVALID, Code.CHALLENGE_REQUIRED, Code.UNKNOWN):
        assert step(code, attempt, phase) == GiveUp()


@given(code=codes, attempt=st.integers(1, 10), jitter=chances)
def test_nothing_is_retried_after_the_submit(code: Code, attempt: int, jitter: float) -> None:
    assert isinstance(step(code, attempt, Phase.SUBMITTED, jitter=jitter), Reconcile)


def test_unknown_outcome_is_retried_only_when_proven_absent() -> None:
    assert step(Code.OUTCOME_UNKNOWN) == GiveUp()
    assert isinstance(step(Code.OUTCOME_UNKNOWN, phase=Phase.PROVEN_ABSENT), Retry)


def test_codes_that_retry_are_these() -> None:
    retried = {code for code in Code if isinstance(step(code), Retry)}
    assert retried == {
        Code.NETWORK_ERROR,
        Code.RATE_LIMIT,
        Code.TIMEOUT,
        Code.BROWSER_ERROR,
        Code.UPLOAD_FAILED,
    }


@given(code=codes, seconds=st.integers(0, 60))
def test_absence_counts_when_the_site_answered_or_time_has_passed(code: Code, seconds: int) -> None:
    looked_at = NOW + timedelta(seconds=seconds)
    counts = absence_counts(code=code, submitted_at=NOW, looked_at=looked_at)
    assert counts == (REGISTRY[code].answered or looked_at - NOW >= SETTLE)


def test_looks_end_and_their_pauses_grow() -> None:
    decided = [next_look(looks=looks, now=NOW) for looks in range(1, 10)]
    pauses = [look.at - NOW for look in decided if isinstance(look, Reconcile)]
    assert pauses == sorted(set(pauses))
    assert decided[-1] == GiveUp()
    assert sum(isinstance(look, Reconcile) for look in decided) == len(decided) - 1
