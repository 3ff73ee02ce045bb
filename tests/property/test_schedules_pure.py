"""Properties of the pure brains of schedules: P-05, P-06 and P-15."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from tenantry.work.automation.states import SessionState
from tenantry.work.schedules import rule as rules
from tenantry.work.schedules.explanations import EXPLANATIONS, tell
from tenantry.work.schedules.gates import CLOSES_AS, Facts, GatePolicy, decide
from tenantry.work.schedules.states import AdminStatus, Outcome

# A zone is looked at for the first time in some example, on a machine that may be busy.
calmly = settings(deadline=None)

digests = st.sampled_from(["", "one", "two"])
counts = st.integers(0, 12)
facts = st.builds(
    Facts,
    user_enabled=st.booleans(),
    admin_status=st.sampled_from([*AdminStatus, "never heard of"]).map(str),
    content_digest=digests,
    approved_digest=digests,
    session_state=st.sampled_from([*SessionState, "never heard of"]).map(str),
    schedule_limit=st.integers(1, 12),
    schedule_used=counts,
    connection_used=counts,
    late_seconds=st.integers(-10, 2000),
)
policies = st.builds(
    GatePolicy,
    version=st.integers(0),
    accept_expiring=st.booleans(),
    schedule_limit=st.integers(1, 12),
    connection_limit=st.integers(1, 12),
    catch_up_seconds=st.integers(0, 1000),
)


@calmly
@given(facts, policies)
def test_every_slot_gets_one_reasoned_decision(given_facts: Facts, policy: GatePolicy) -> None:
    decision = decide(given_facts, policy)
    assert [verdict.gate for verdict in decision.verdicts] == list(CLOSES_AS)
    assert decision.code in EXPLANATIONS
    for verdict in decision.verdicts:
        assert "%" not in tell(verdict).message
    closed = [verdict for verdict in decision.verdicts if not verdict.open]
    if closed:
        assert decision.code == closed[0].code
        assert decision.outcome == CLOSES_AS[closed[0].gate]
    elif given_facts.late_seconds > policy.catch_up_seconds:
        assert (decision.outcome, decision.code) == (Outcome.SKIPPED, "SLOT_MISSED")
    else:
        assert (decision.outcome, decision.code) == (Outcome.DISPATCHED, "ALL_OPEN")


@calmly
@given(facts, policies)
def test_nothing_is_dispatched_beyond_a_limit_or_unapproved(
    given_facts: Facts, policy: GatePolicy
) -> None:
    if decide(given_facts, policy).dispatched:
        assert given_facts.schedule_used < min(given_facts.schedule_limit, policy.schedule_limit)
        assert given_facts.connection_used < policy.connection_limit
        assert given_facts.content_digest == given_facts.approved_digest
        assert given_facts.admin_status == AdminStatus.APPROVED
        assert given_facts.user_enabled


minutes = st.sets(st.integers(0, 1439), min_size=1, max_size=6)
rule_values = st.builds(
    rules.Rule,
    zone=st.sampled_from(sorted(rules.zones())),
    weekdays=st.integers(1, rules.EVERY_DAY),
    times=minutes.map(lambda chosen: tuple(sorted(chosen))),
)
# 1975 to 2036, to the second.
instants = st.integers(157_766_400, 2_114_380_800).map(
    lambda second: datetime.fromtimestamp(second, UTC)
)


@calmly
@given(rule_values, instants)
def test_occurrences_rise_and_show_their_time(rule: rules.Rule, start: datetime) -> None:
    zone = ZoneInfo(rule.zone)
    last = start
    for instant in rules.occurrences(rule, start, 5):
        assert instant > last
        last = instant
        wall = instant.astimezone(zone)
        shown = wall.hour * 60 + wall.minute in rule.times and rule.weekdays >> wall.weekday() & 1
        # Else it was pushed out of a gap, which lies within the day before.
        calm = (
            wall.utcoffset() == (instant - timedelta(days=1, hours=1)).astimezone(zone).utcoffset()
        )
        assert shown or not calm


@calmly
@given(rule_values, instants, st.integers(0, 10 * 86_400))
def test_nothing_lies_between_neighbours(rule: rules.Rule, start: datetime, seconds: int) -> None:
    following = rules.next_after(rule, start)
    assert following is not None
    between = start + timedelta(seconds=seconds)
    if between < following:
        assert rules.next_after(rule, between) == following


@calmly
@given(rule_values, instants)
def test_fast_and_careful_ways_agree(rule: rules.Rule, start: datetime) -> None:
    second = int(start.timestamp())
    assert rules.next_second(rule, second) == rules._careful_next(rule, second)
    assert rules.day_of_second(rule.zone, second) == rules.local_day(rule, start).isoformat()
