"""Case `due`: asking what is due among a million schedules, of which nothing is.

With the partial index against without it; and claims while a long transaction elsewhere keeps dead
index entries from being swept out, against claims without one.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

from tenantry.config.bench import population
from tenantry.config.bench.database import own_database
from tenantry.config.bench.report import at_least, at_most, figure, ratio, report
from tenantry.core import db, tenancy
from tenantry.work.schedules.dispatch import BATCH, START, dispatch_batch, next_due

_INDEX = "schedules_schedule_due"


def run(*, quick: bool) -> dict[str, Any]:
    """Measure milliseconds per question, and microseconds per claimed slot."""
    schedules, asked = (20_000, 3) if quick else (1_000_000, 9)
    batches, rounds = (4, 1) if quick else (40, 5)
    checks: dict[str, bool] = {}
    with own_database():
        population.populate(schedules=schedules)
        indexed = [_milliseconds(_nothing_due) for _ in range(asked)]
        earliest = [_milliseconds(next_due) for _ in range(asked)]
        with _without_index():
            unindexed = [_milliseconds(_nothing_due) for _ in range(asked)]
    free, held = [], []
    with own_database():
        population.populate(schedules=2 * batches * BATCH)
        for _ in range(rounds):
            free.append(_microseconds_per_slot(batches))
            population.merge(checks, population.deviations(slots=batches * BATCH))
            population.put_back()
            with _snapshot():
                held.append(_microseconds_per_slot(batches))
            population.merge(checks, population.deviations(slots=batches * BATCH))
            population.put_back()
        ratios = {
            "unindexed_of_indexed": ratio(unindexed, indexed),
            "held_snapshot_of_free": ratio(held, free),
        }
        return report(
            case="due",
            figures={
                "none_due": figure(indexed, "ms"),
                "none_due_without_index": figure(unindexed, "ms"),
                "next_due": figure(earliest, "ms"),
                "slot": figure(free, "us"),
                "slot_with_held_snapshot": figure(held, "us"),
                "schedules": figure([schedules], "schedules"),
            },
            ratios=ratios,
            targets={
                "unindexed_of_indexed": at_least(ratios["unindexed_of_indexed"], 50),
                "held_snapshot_of_free": at_most(ratios["held_snapshot_of_free"], 1.3),
            },
            checks=checks,
        )


def _nothing_due() -> None:
    batch = dispatch_batch(now=population.DUE.replace(year=2025))
    assert batch.claimed == 0


def _milliseconds(question: Callable[[], object]) -> float:
    question()
    start = time.perf_counter()
    question()
    return (time.perf_counter() - start) * 1e3


def _microseconds_per_slot(batches: int) -> float:
    place = START
    start = time.perf_counter()
    for _ in range(batches):
        batch = dispatch_batch(now=population.NOW, after=place)
        place = batch.last
    return (time.perf_counter() - start) / (batches * BATCH) * 1e6


@contextmanager
def _without_index() -> Iterator[None]:
    with tenancy.platform("measure without the index"), connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [_INDEX])
        (definition,) = cursor.fetchone()
        cursor.execute(f"DROP INDEX {_INDEX}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(definition)


@contextmanager
def _snapshot() -> Iterator[None]:
    """Hold a transaction open that could still want to see everything."""
    with psycopg.connect(**db.dsn()) as other:  # type: ignore[arg-type]  # Django's own parameters
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM schedules_schedule")
        yield
