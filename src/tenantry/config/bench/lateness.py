"""Case `lateness`: from a slot's nominal instant to its committed decision, under a steady load.

A real scheduler runs in a process of its own; slots fall due evenly, so many a second.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from django.db import connection

from tenantry.config.bench import children, population
from tenantry.config.bench.database import own_database
from tenantry.config.bench.report import at_most, figure, percentile, report
from tenantry.core import clock, tenancy
from tenantry.work.schedules import dispatch, scheduling

_HEAD_START = timedelta(seconds=2)
_SPREAD = """
    UPDATE schedules_schedule s
    SET next_due_at = %(start)s + number * %(gap)s * interval '1 second', zone = 'UTC',
        watermark_at = %(start)s - interval '1 day',
        times = ARRAY[to_char(%(start)s - interval '1 hour', 'HH24:MI')]
    FROM (SELECT id, row_number() OVER (ORDER BY md5(id::text)) - 1 AS number
        FROM schedules_schedule) n
    WHERE n.id = s.id
"""
_SLOTS = "SELECT nominal_at, decided_at FROM schedules_slot"

# The moment a batch was given, and the moment it was committed.
Commits = Sequence[tuple[datetime, datetime]]


def run(*, quick: bool) -> dict[str, Any]:
    """Measure milliseconds at 200 and at 1,000 slots a second."""
    seconds = 3 if quick else 20
    figures: dict[str, Any] = {}
    targets: dict[str, Any] = {}
    checks: dict[str, bool] = {}
    for rate in (200, 1_000):
        with (
            own_database() as name,
            children.started(name, work=f"{__name__}.observe", size=1) as (pipe,),
        ):
            population.populate(schedules=rate * seconds)
            late = _measured(pipe, rate=rate, seconds=seconds)
            population.merge(checks, population.deviations(slots=rate * seconds))
        half, most = percentile(late, 0.50), percentile(late, 0.99)
        figures |= {
            f"p50_at_{rate}": figure([half], "ms"),
            f"p99_at_{rate}": figure([most], "ms"),
            f"worst_at_{rate}": figure([max(late)], "ms"),
        }
        targets |= {
            f"p50_at_{rate}": at_most(half, 2 * scheduling.PAUSE * 1e3),
            f"p99_at_{rate}": at_most(most, 250),
        }
    return report(case="lateness", figures=figures, ratios={}, targets=targets, checks=checks)


def _measured(pipe: Connection, *, rate: int, seconds: int) -> list[float]:
    start = clock.now() + _HEAD_START
    with tenancy.platform("spread a measurement"), connection.cursor() as cursor:
        cursor.execute(_SPREAD, {"start": start, "gap": 1 / rate})
    pipe.send({"seconds": (start - clock.now()).total_seconds() + seconds + 2})
    commits: Any = children.answer(pipe)
    committed: dict[datetime, datetime] = dict(commits)
    with tenancy.platform("read a measurement"), connection.cursor() as cursor:
        cursor.execute(_SLOTS)
        slots = cursor.fetchall()
    return [
        (committed[decided_at] - nominal_at).total_seconds() * 1e3
        for nominal_at, decided_at in slots
    ]


def observe(*, seconds: float) -> Commits:
    """Run a scheduler for so long and note when each batch was committed; in a child process."""
    commits: list[tuple[datetime, datetime]] = []
    take = dispatch.dispatch_batch

    def noted(*, now: datetime, **given: Any) -> dispatch.Batch:  # passed on
        batch = take(now=now, **given)
        commits.append((now, clock.now()))
        return batch

    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    dispatch.dispatch_batch = noted
    try:
        scheduling.run_scheduler(stop)
    finally:
        dispatch.dispatch_batch = take
    return commits
