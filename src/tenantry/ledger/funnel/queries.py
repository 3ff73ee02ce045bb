"""The funnel counted, and its events for whoever counts otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from tenantry.core import tenancy
from tenantry.ledger.funnel.models import FunnelEvent
from tenantry.ledger.funnel.states import OPTIONAL, ORDER, Step

_CHUNK = 2000

# `due` is how many mandatory steps there are up to and with this one. A row counts when as many
# were reached: then every earlier row of its subject counts too, so `lag` sees none that does not.
_COUNT = """
    WITH steps AS (
        SELECT * FROM unnest(%(steps)s::text[], %(mandatory)s::boolean[])
            WITH ORDINALITY AS step (name, mandatory, position)
    ), path AS (
        SELECT name, mandatory, position,
            count(*) FILTER (WHERE mandatory) OVER (ORDER BY position) AS due
        FROM steps
    ), cohort AS (
        SELECT subject, at + %(window)s::interval AS closes FROM funnel_event
        WHERE step = %(first)s AND at >= %(since)s AND at < %(until)s
    ), reached AS (
        SELECT subject, closes, path.name, path.position, path.due,
            count(*) FILTER (WHERE path.mandatory) OVER trip AS done,
            extract(epoch FROM event.at - lag(event.at) OVER trip) AS seconds
        FROM cohort JOIN funnel_event AS event USING (subject) JOIN path ON path.name = event.step
        WHERE event.at <= cohort.closes
        WINDOW trip AS (PARTITION BY subject ORDER BY path.position)
    ), counted AS (
        SELECT *, position = max(position) OVER (PARTITION BY subject) AS furthest
        FROM reached WHERE done = due
    )
    SELECT path.name, count(counted.subject),
        count(*) FILTER (WHERE furthest AND closes <= %(now)s),
        count(*) FILTER (WHERE furthest AND closes > %(now)s),
        percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY greatest(seconds, 0))
            FILTER (WHERE seconds IS NOT NULL)
    FROM path LEFT JOIN counted ON counted.name = path.name
    GROUP BY path.name, path.position ORDER BY path.position
"""


@dataclass(frozen=True, kw_only=True)
class StageCount:
    """How many of those who visited got to one step, and how many got no further.

    `entered` reached it and every mandatory step before; of them `dropped` went no further though
    their time is over, `still_open` went no further yet. Who reached the last step has arrived and
    is neither. Seconds are since the step before, None where nobody was timed.
    """

    step: Step
    entered: int
    dropped: int
    still_open: int
    median_seconds: float | None
    p90_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Exported:
    """One event as it leaves the platform."""

    at: datetime
    subject: UUID
    step: str
    tenant_id: UUID | None
    trace_id: str
    facts: dict[str, object]


def funnel(
    *, since: datetime, until: datetime, window: timedelta, now: datetime
) -> tuple[StageCount, ...]:
    """Count those who visited from `since` to before `until`, each for `window` from the visit.

    Every visitor is found once at the furthest step: the sum of all `dropped`, all `still_open`
    and those who arrived is the number of visitors.
    """
    given: dict[str, Any] = {
        "steps": [step.value for step in ORDER],
        "mandatory": [step not in OPTIONAL for step in ORDER],
        "first": ORDER[0].value,
        "since": since,
        "until": until,
        "window": window,
        "now": now,
    }
    with tenancy.platform("count the funnel"), connection.cursor() as cursor:
        cursor.execute(_COUNT, given)
        return tuple(_stage(row) for row in cursor.fetchall())


def _stage(row: tuple[str, int, int, int, list[float] | None]) -> StageCount:
    name, entered, dropped, still_open, seconds = row
    step = Step(name)
    median, p90 = seconds or (None, None)
    arrived = step == ORDER[-1]
    return StageCount(
        step=step,
        entered=entered,
        dropped=0 if arrived else dropped,
        still_open=0 if arrived else still_open,
        median_seconds=median,
        p90_seconds=p90,
    )


def list_for_subject(subject: UUID) -> QuerySet[FunnelEvent]:
    """Return the steps of one journey, in order; under `tenancy.platform`."""
    return FunnelEvent.objects.filter(subject=subject)


def list_for_trace(trace_id: str) -> QuerySet[FunnelEvent]:
    """Return the steps taken with one trace, in order; under `tenancy.platform`."""
    return FunnelEvent.objects.filter(trace_id=trace_id)


def list_for_tenant(tenant_id: UUID) -> QuerySet[FunnelEvent]:
    """Return the steps a tenant itself took, in order; in its scope or the platform's."""
    return FunnelEvent.objects.filter(tenant_id=tenant_id)


def export(*, since: datetime | None = None, until: datetime | None = None) -> Iterator[Exported]:
    """Yield every event from `since` to before `until` in order, without holding them all."""
    events = FunnelEvent.objects.filter(
        at__gte=since or datetime.min.replace(tzinfo=UTC),
        at__lt=until or datetime.max.replace(tzinfo=UTC),
    )
    with tenancy.platform("export the funnel"):
        for event in events.order_by("at", "id").iterator(chunk_size=_CHUNK):
            yield Exported(
                at=event.at,
                subject=event.subject,
                step=event.step,
                tenant_id=event.tenant_id,
                trace_id=event.trace_id,
                facts=event.facts,
            )
