"""The funnel: written once, counted like a brute-force oracle counts, exported whole."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.transaction import TransactionManagementError
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantry.core import tenancy, trace
from tenantry.customers.tenants.models import Tenant
from tenantry.ledger.funnel import queries, services
from tenantry.ledger.funnel.queries import StageCount
from tenantry.ledger.funnel.states import OPTIONAL, ORDER, Step
from tests.probes import at_once

DAY = timedelta(days=1)
SINCE = datetime(2031, 3, 1, tzinfo=UTC)
UNTIL = SINCE + 2 * DAY
WINDOW = DAY
NOW = SINCE + 2 * DAY


def steps_of(subject: UUID) -> list[str]:
    with tenancy.platform("look"):
        return [event.step for event in queries.list_for_subject(subject)]


# Writing


def test_record_writes_a_step_once(db: None, now: datetime) -> None:
    subject = uuid4()

    with trace.start() as journey:
        first = services.record(step=Step.VISITED, subject=subject, at=now, facts={"plan": "free"})
        again = services.record(step=Step.VISITED, subject=subject, at=now + DAY)

    assert (first, again) == (True, False)
    with tenancy.platform("look"):
        (event,) = queries.list_for_trace(journey.trace_id)
    assert (event.subject, event.step, event.at, event.facts) == (
        subject,
        Step.VISITED,
        now,
        {"plan": "free"},
    )


def test_record_goes_with_the_transaction(db: None, now: datetime) -> None:
    subject = uuid4()
    with pytest.raises(LookupError), transaction.atomic():
        services.record(step=Step.VISITED, subject=subject, at=now)
        raise LookupError
    assert steps_of(subject) == []


def test_record_leaves_the_reach_as_it_was(tenant: Tenant, now: datetime) -> None:
    with tenancy.scope(tenant.id):
        services.record(step=Step.PLACED, subject=uuid4(), at=now, tenant_id=tenant.id)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('tenantry.platform', true)")
            assert cursor.fetchone() == ("",)
        assert queries.list_for_tenant(tenant.id).count() == 1


@pytest.mark.django_db(transaction=True)
def test_record_outside_a_transaction_is_a_bug(now: datetime) -> None:
    with pytest.raises(TransactionManagementError):
        services.record(step=Step.VISITED, subject=uuid4(), at=now)


@pytest.mark.django_db(transaction=True)
def test_one_of_64_writers_reaches_the_step() -> None:
    subject = uuid4()

    def reach() -> bool:
        with transaction.atomic():
            return services.record(step=Step.VISITED, subject=subject, at=SINCE - DAY)

    answers = at_once([reach] * 64)

    assert sorted(answers, key=str) == [False] * 63 + [True]
    assert steps_of(subject) == [Step.VISITED]


def test_tenants_see_their_own_steps_only(
    tenant: Tenant, other_tenant: Tenant, now: datetime
) -> None:
    services.record(step=Step.PLACED, subject=uuid4(), at=now, tenant_id=tenant.id)
    services.record(step=Step.VISITED, subject=uuid4(), at=now)

    with tenancy.scope(tenant.id):
        assert queries.list_for_tenant(tenant.id).count() == 1
    with tenancy.scope(other_tenant.id):
        assert queries.list_for_tenant(tenant.id).count() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE funnel_event SET at = now()",
        "DELETE FROM funnel_event",
        "TRUNCATE funnel_event",
        "UPDATE funnel_event SET at = now() WHERE false",
    ],
)
def test_events_cannot_be_rewritten(db: None, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


# Counting

Trip = Mapping[Step, datetime]


@dataclass
class _Stage:
    entered: int = 0
    dropped: int = 0
    still_open: int = 0


def count_by_hand(trips: Sequence[Trip], *, now: datetime) -> tuple[StageCount, ...]:
    """Count one visitor after another, the way a person would with a pencil."""
    stages = {step: _Stage() for step in ORDER}
    waits: dict[Step, list[float]] = {step: [] for step in ORDER}
    for trip in trips:
        visited = trip.get(Step.VISITED)
        if visited is None or not SINCE <= visited < UNTIL:
            continue
        closes = visited + WINDOW
        before: Step | None = None
        for step in ORDER:
            if step not in trip or trip[step] > closes:
                if step in OPTIONAL:
                    continue
                break
            stages[step].entered += 1
            if before:
                waits[step].append(max(0.0, (trip[step] - trip[before]).total_seconds()))
            before = step
        if before and before != ORDER[-1]:
            stage = stages[before]
            if closes <= now:
                stage.dropped += 1
            else:
                stage.still_open += 1
    return tuple(
        StageCount(
            step=step,
            entered=stages[step].entered,
            dropped=stages[step].dropped,
            still_open=stages[step].still_open,
            median_seconds=percentile(waits[step], 0.5),
            p90_seconds=percentile(waits[step], 0.9),
        )
        for step in ORDER
    )


def percentile(values: Sequence[float], share: float) -> float | None:
    """Interpolate between the nearest two, as percentile_cont of SQL does."""
    if not values:
        return None
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)


def test_percentile_of_the_oracle_is_the_median() -> None:
    values = [3.0, 9.0, 1.0, 4.0]
    assert percentile(values, 0.5) == statistics.median(values)


# Moments around every edge: the range, the window's end, and now.
hours = st.integers(min_value=-30, max_value=80).map(lambda hour: SINCE + timedelta(hours=hour))
any_trips = st.lists(
    st.dictionaries(st.sampled_from(ORDER), hours, max_size=len(ORDER)), max_size=12
)


@st.composite
def walked_trips(draw: st.DrawFn) -> list[Trip]:
    """Draw people who walk in order, may leave anywhere, and may skip one step."""
    trips: list[Trip] = []
    for _visitor in range(draw(st.integers(0, 12))):
        at = draw(hours)
        trip: dict[Step, datetime] = {}
        for step in ORDER[: draw(st.integers(0, len(ORDER)))]:
            trip[step] = at
            at += timedelta(minutes=draw(st.integers(0, 240)))
        if draw(st.booleans()):
            trip.pop(draw(st.sampled_from(ORDER)), None)
        trips.append(trip)
    return trips


def store(trips: Sequence[Trip]) -> None:
    for trip in trips:
        subject = uuid4()
        for step, at in trip.items():
            services.record(step=step, subject=subject, at=at)


@pytest.mark.django_db
@settings(max_examples=120, deadline=None)
@given(trips=st.one_of(any_trips, walked_trips()))
def test_funnel_counts_what_a_pencil_counts(trips: list[Trip]) -> None:
    with transaction.atomic():
        store(trips)
        counted = queries.funnel(since=SINCE, until=UNTIL, window=WINDOW, now=NOW)
        transaction.set_rollback(True)

    expected = count_by_hand(trips, now=NOW)
    assert [_whole(stage) for stage in counted] == [_whole(stage) for stage in expected]
    for got, wanted in zip(counted, expected, strict=True):
        assert got.median_seconds == pytest.approx(wanted.median_seconds)
        assert got.p90_seconds == pytest.approx(wanted.p90_seconds)
    mandatory = [stage.entered for stage in counted if stage.step not in OPTIONAL]
    assert mandatory == sorted(mandatory, reverse=True)
    left = sum(stage.dropped + stage.still_open for stage in counted)
    assert left + counted[-1].entered == counted[0].entered


def _whole(stage: StageCount) -> tuple[object, ...]:
    return (stage.step, stage.entered, stage.dropped, stage.still_open)


def test_empty_funnel_names_every_step(db: None) -> None:
    counted = queries.funnel(since=SINCE + 99 * DAY, until=UNTIL + 99 * DAY, window=WINDOW, now=NOW)

    assert [stage.step for stage in counted] == list(ORDER)
    assert {(stage.entered, stage.median_seconds) for stage in counted} == {(0, None)}


# Exporting


def test_export_yields_a_range_in_order(db: None) -> None:
    subject = uuid4()
    moments = [SINCE + timedelta(hours=hour) for hour in (5, 1, 9)]
    for step, at in zip(ORDER, moments, strict=False):
        services.record(step=step, subject=subject, at=at, facts={"n": 1})

    def exported(since: datetime | None, until: datetime | None) -> list[str]:
        rows = queries.export(since=since, until=until)
        return [row.step for row in rows if row.subject == subject]

    assert exported(None, None) == [ORDER[1], ORDER[0], ORDER[2]]
    assert exported(moments[0], moments[2]) == [ORDER[0]]
