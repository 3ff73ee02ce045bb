"""Case `dispatch`: due schedules decided and queued, against what SQL alone could do.

Contenders take turns on the same rows: A B C A B C. The figure is slots per second.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import connection

from tenantry.config.bench import crowd, population, round_trips, sql_limit
from tenantry.config.bench.database import own_database
from tenantry.config.bench.report import at_least, at_most, figure, ratio, report
from tenantry.core import tenancy
from tenantry.work.schedules import gates, rule, statements
from tenantry.work.schedules.dispatch import BATCH

_PEERS = {"bullmq": "it needs Node, a Redis server and the package bullmq, which we do not install"}


def run(*, quick: bool) -> dict[str, Any]:
    """Measure the dispatcher against its limit, the old loop, itself twice, and without audit."""
    schedules, rounds = (3_000, 1) if quick else (40_000, 5)
    rates: dict[str, list[float]] = {}
    checks: dict[str, bool] = {}
    with own_database() as name, crowd.of(name, size=2) as two:
        population.populate(schedules=schedules)
        contenders: dict[str, Callable[[], int]] = {
            "one_process": crowd.drain,
            "sql_limit": partial(sql_limit.drain, limit=BATCH),
            "unaudited": _drain_unaudited,
            "two_processes": two.drain,
        }
        for _ in range(rounds):
            for contender, drain in contenders.items():
                population.put_back()
                start = time.perf_counter()
                decided = drain()
                rates.setdefault(contender, []).append(decided / (time.perf_counter() - start))
                population.merge(
                    checks,
                    population.deviations(slots=schedules, audited=contender != "unaudited"),
                )
            population.put_back()
            looped = 60 if quick else 400
            start = time.perf_counter()
            round_trips.drain(slots=looped)
            rates.setdefault("twelve_round_trips", []).append(
                looped / (time.perf_counter() - start)
            )
        thinking = [_microseconds_of_deciding() for _ in range(rounds)]
        return _reported(rates, thinking, checks)


def _drain_unaudited() -> int:
    # Swapped from outside: the product knows no way to leave the audit out.
    whole = statements.write
    statements.write = partial(whole, audited=False)  # type: ignore[assignment]  # same signature
    try:
        return crowd.drain()
    finally:
        statements.write = whole


def _microseconds_of_deciding() -> float:
    """Measure gates and next instant alone, on the population's own rules, per slot."""
    with tenancy.platform("measure deciding"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT zone, weekdays, times, user_enabled, admin_status, content_digest"
            " FROM bench_population LIMIT 5000"
        )
        rows = cursor.fetchall()
    rules = [
        rule.parse(zone=zone, weekdays=weekdays, times=times) for zone, weekdays, times, *_ in rows
    ]
    policy = gates.GatePolicy(
        version=0, accept_expiring=True, schedule_limit=10, connection_limit=20, catch_up_seconds=9
    )
    second = int(population.DUE.timestamp())
    start = time.perf_counter()
    for row, one in zip(rows, rules, strict=True):
        facts = gates.Facts(
            user_enabled=row[3],
            admin_status=row[4],
            content_digest=row[5],
            approved_digest=row[5],
            session_state="HEALTHY",
            schedule_limit=10,
            schedule_used=0,
            connection_used=0,
            late_seconds=0,
        )
        gates.decide(facts, policy)
        rule.next_second(one, second)
    return (time.perf_counter() - start) / len(rows) * 1e6


def _reported(
    rates: dict[str, list[float]], thinking: list[float], checks: dict[str, bool]
) -> dict[str, Any]:
    ours = rates["one_process"]
    per_slot = [1e6 / rate for rate in ours]
    ratios = {
        "of_sql_limit": ratio(ours, rates["sql_limit"]),
        "of_round_trips": ratio(ours, rates["twelve_round_trips"]),
        "two_processes_of_one": ratio(rates["two_processes"], ours),
        "audited_of_unaudited": ratio(ours, rates["unaudited"]),
        "deciding_share_of_slot": ratio(thinking, per_slot),
    }
    return report(
        case="dispatch",
        figures={name: figure(values, "slots/s") for name, values in rates.items()}
        | {"deciding": figure(thinking, "us"), "slot": figure(per_slot, "us")},
        ratios=ratios,
        targets={
            "of_sql_limit": at_least(ratios["of_sql_limit"], 0.60),
            "of_round_trips": at_least(ratios["of_round_trips"], 12),
            "two_processes_of_one": at_least(ratios["two_processes_of_one"], 1.5),
            "audited_of_unaudited": at_least(ratios["audited_of_unaudited"], 0.65),
            "deciding_share_of_slot": at_most(ratios["deciding_share_of_slot"], 0.20),
        },
        checks=checks,
        skipped=_PEERS,
    )
