"""Case `stampede`: everybody's slot at one instant, decided by four schedulers at once.

Against the time that SQL alone takes for the same rows, one chunk after the other.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tenantry.config.bench import crowd, population, sql_limit
from tenantry.config.bench.database import own_database
from tenantry.config.bench.report import at_most, figure, ratio, report
from tenantry.work.schedules.dispatch import BATCH

SCHEDULERS = 4


def run(*, quick: bool) -> dict[str, Any]:
    """Measure the seconds until the last of all slots is decided."""
    schedules, rounds = (4_000, 1) if quick else (100_000, 3)
    seconds: dict[str, list[float]] = {"four_schedulers": [], "sql_limit": []}
    checks: dict[str, bool] = {}
    with own_database() as name, crowd.of(name, size=SCHEDULERS) as four:
        population.populate(schedules=schedules)
        contenders: dict[str, Callable[[], int]] = {
            "four_schedulers": four.drain,
            "sql_limit": partial(sql_limit.drain, limit=BATCH),
        }
        for _ in range(rounds):
            for contender, drain in contenders.items():
                population.put_back()
                start = time.perf_counter()
                decided = drain()
                seconds[contender].append(time.perf_counter() - start)
                population.merge(checks, population.deviations(slots=schedules))
                population.merge(checks, {"nobody decided another's slot": decided == schedules})
        of_limit = ratio(seconds["four_schedulers"], seconds["sql_limit"])
        return report(
            case="stampede",
            figures={contender: figure(taken, "s") for contender, taken in seconds.items()}
            | {"slots": figure([schedules], "slots")},
            ratios={"time_of_sql_limit": of_limit},
            targets={"time_of_sql_limit": at_most(of_limit, 2.2)},
            checks=checks,
        )
