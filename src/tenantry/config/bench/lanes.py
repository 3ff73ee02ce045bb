"""Case `lanes`: no-op jobs drained by lanes, against the queue's own worker on plain no-ops.

Lanes keep states, leases, attempts and two audit entries per job; the plain worker, which runs as
it is shipped, keeps nothing. Contenders take turns. Start latency is the time to the first line of
the body: with all jobs waiting from the start of the worker, one by one on an idle worker from the
sending of the COMMIT that hands the job over, which is alike for all.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from statistics import median
from typing import Any, ClassVar, Literal

from django.db import connection
from procrastinate import App, PsycopgConnector
from procrastinate.contrib.django import app, connector_params

from tenantry.config.bench.database import own_database
from tenantry.config.bench.report import at_least, at_most, figure, percentile, ratio, report
from tenantry.core import clock, db, tenancy
from tenantry.sdk import Capability, JobKind, Product, SignedIn, registry
from tenantry.work.automation import services, workers

_PLAIN = "tenantry.bench.plain"
_QUEUE = "browser"
_PLAIN_QUEUE = "plain"
_LANES = 3
_PER_ACCOUNT = (40, 10, 2)
_PLAIN_CONCURRENCY = (1, 10, 50)
_MILLISECONDS = 1e3
_Values = Mapping[str, str | int | datetime] | Sequence[str | int]
# The first jobs meet workers that are still starting.
_WARMING_UP = 10

# Accounts of one tenant each, with so many jobs, handed over as the scheduler does it.
_ACCOUNTS = """
    INSERT INTO automation_connection (id, tenant_id, product, connector, account, label,
        session_state, session_code, session_reason, created_at)
    SELECT md5('account' || i)::uuid, md5('tenant' || i)::uuid, 'bench', 'noop', 'account' || i,
        '', 'HEALTHY', '', '', now()
    FROM generate_series(1, %s) i
"""
_HAND_OVER = f"""
    WITH wanted AS (
        SELECT gen_random_uuid() AS job_id, c.tenant_id, c.id AS connection_id,
            'bench.noop' AS kind, NULL::uuid AS content_id, '' AS content_digest,
            NULL::timestamptz AS moment, '' AS zone, NULL::uuid AS subject, false AS debug,
            md5(c.account || i) AS trace_id, %(now)s::timestamptz AS at
        FROM automation_connection c, generate_series(1, %(jobs)s) i
    ), jobs AS ({services.ENQUEUE_FROM.format(source="wanted")}),
    lanes AS ({services.WAKE_FROM.format(source="wanted")}) SELECT 1
"""  # noqa: S608  # our own text
_HAND_OVER_PLAIN = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, args)
    SELECT %s, %s, '{}'::jsonb FROM generate_series(1, %s)
"""
_CLEAR = (
    "DELETE FROM procrastinate_jobs",
    "DELETE FROM automation_job",
    "DELETE FROM automation_connection",
)
_DEVIATIONS = {
    "every_job_succeeded_once": (
        "SELECT count(*) FROM automation_job WHERE state <> 'SUCCESS' OR attempts <> 1"
        " OR lease_token IS NOT NULL OR ended_at IS NULL"
    ),
    "every_job_has_one_ended_attempt": (
        "SELECT count(*) FROM automation_job j WHERE 1 <> (SELECT count(*)"
        " FROM automation_attempt a WHERE a.job_id = j.id AND a.ended_at IS NOT NULL)"
    ),
    "every_move_has_its_audit_entry": (
        "SELECT count(*) FROM automation_job j WHERE 2 <> (SELECT count(*)"
        " FROM audit_auditentry e WHERE e.target_id = j.id::text)"
    ),
    "no_message_is_left": "SELECT count(*) FROM procrastinate_jobs",
}


@dataclass(kw_only=True)
class Starts:
    """When the bodies began."""

    moments: list[float] = field(default_factory=list)
    heard: asyncio.Event | None = None

    def mark(self) -> None:
        """Note that a body begins."""
        self.moments.append(time.perf_counter())
        if self.heard:
            self.heard.set()


_starts = Starts()


@dataclass(frozen=True, kw_only=True)
class NoOp:
    """A connector whose check does nothing."""

    slug: ClassVar[str] = "noop"
    label: ClassVar[str] = "No-op"
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.CHECK})

    @property
    def pageless(self) -> Literal[True]:
        """Return True: no browser is measured here."""
        return True

    async def check(self, page: object) -> SignedIn:
        """Do nothing."""
        del page
        _starts.mark()
        return SignedIn(account="")


_NOOP: Any = NoOp()
_PRODUCT = Product(
    slug="bench",
    name="Bench",
    version="0",
    requires_platform=">=0",
    app="tenantry.config",
    connectors=(_NOOP,),
    job_kinds=(
        JobKind(
            name="bench.noop",
            label="No-op",
            capability=Capability.CHECK,
            error_codes=frozenset(),
            irreversible=False,
        ),
    ),
)


async def _plain() -> None:
    _starts.mark()


def run(*, quick: bool) -> dict[str, Any]:
    """Measure lanes of 40, 10 and 2 jobs per account and the plain worker at its best."""
    total, plain_total, rounds = (400, 100, 1) if quick else (4_000, 1_000, 5)
    rates: dict[str, list[float]] = {}
    waits: dict[str, list[float]] = {}
    checks: dict[str, bool] = {}
    with own_database(), _installed():
        for _ in range(rounds):
            for per_account in _PER_ACCOUNT:
                rate, wait = _lanes(accounts=total // per_account, jobs=per_account)
                rates.setdefault(f"lanes_{per_account}_per_account", []).append(rate)
                waits.setdefault(f"lanes_{per_account}_per_account", []).append(wait)
                for name, sound in _checked().items():
                    checks[name] = checks.get(name, True) and sound
            for concurrency in _PLAIN_CONCURRENCY:
                rate, wait = _plain_worker(jobs=plain_total, concurrency=concurrency)
                rates.setdefault(f"plain_worker_c{concurrency}", []).append(rate)
                waits.setdefault(f"plain_worker_c{concurrency}", []).append(wait)
        idle = asyncio.run(_idle_starts(samples=20 if quick else 200))
        return _reported(rates, waits, idle, checks, share=plain_total / total)


@contextmanager
def _installed() -> Iterator[None]:
    """Swap the products for the bench's, and give our own worker a plain task."""
    before = registry.products
    registry.products = lambda: (_PRODUCT,)  # type: ignore[assignment]  # not cached here
    app.task(name=_PLAIN, queue=_QUEUE)(_plain)
    try:
        yield
    finally:
        registry.products = before
        del app.tasks[_PLAIN]


def _lanes(*, accounts: int, jobs: int) -> tuple[float, float]:
    with tenancy.platform("hand over the bench's jobs"), connection.cursor() as cursor:
        _clear(cursor.execute)
        cursor.execute(_ACCOUNTS, [accounts])
        cursor.execute(_HAND_OVER, {"now": clock.now(), "jobs": jobs})
    run = partial(workers.run_worker, queues=[_QUEUE], concurrency=_LANES, wait=False)
    return _drained(accounts * jobs, run)


def _plain_worker(*, jobs: int, concurrency: int) -> tuple[float, float]:
    with tenancy.platform("hand over the bench's jobs"), connection.cursor() as cursor:
        _clear(cursor.execute)
        cursor.execute(_HAND_OVER_PLAIN, [_PLAIN_QUEUE, _PLAIN, jobs])
    return _drained(jobs, partial(_run_plain, concurrency=concurrency))


def _run_plain(*, concurrency: int) -> None:
    asyncio.run(_serve_plain(concurrency=concurrency, wait=False))


async def _serve_plain(*, concurrency: int, wait: bool) -> None:
    """Run the queue's own worker as it is shipped."""
    plain = App(connector=PsycopgConnector(kwargs=connector_params()))
    plain.task(name=_PLAIN, queue=_PLAIN_QUEUE)(_plain)
    async with plain.open_async():
        await plain.run_worker_async(
            queues=[_PLAIN_QUEUE],
            concurrency=concurrency,
            wait=wait,
            install_signal_handlers=False,
            delete_jobs="successful",
        )


def _clear(execute: Callable[[str], object]) -> None:
    for statement in _CLEAR:
        execute(statement)


def _drained(jobs: int, run: Callable[[], None]) -> tuple[float, float]:
    """Return jobs per second from the first start to the end, and the median wait for a start."""
    _starts.moments.clear()
    began = time.perf_counter()
    run()
    ended = time.perf_counter()
    first = min(_starts.moments)
    assert len(_starts.moments) == jobs
    # The start of the worker itself is left out: it is the same for all.
    return jobs / (ended - first), median(_starts.moments) - began


def _checked() -> dict[str, bool]:
    with tenancy.platform("check the bench's jobs"), connection.cursor() as cursor:
        found = {}
        for name, question in _DEVIATIONS.items():
            cursor.execute(question)
            found[name] = cursor.fetchone()[0] == 0
        return found


async def _idle_starts(*, samples: int) -> dict[str, list[float]]:
    """Hand jobs over one by one, in turns, to workers that listen; seconds until each began."""
    await db.in_thread(_one_account)
    serving = [
        asyncio.create_task(workers.serve(queues=[_QUEUE], concurrency=_LANES)),
        asyncio.create_task(_serve_plain(concurrency=_LANES, wait=True)),
    ]
    ways = {
        "lane": partial(_hand_over_one, _HAND_OVER, {"now": clock.now(), "jobs": 1}),
        "plain": partial(_hand_over_one, _HAND_OVER_PLAIN, [_PLAIN_QUEUE, _PLAIN, 1]),
        # What the queue costs in our worker, with its quicker connections.
        "plain_in_our_worker": partial(_hand_over_one, _HAND_OVER_PLAIN, [_QUEUE, _PLAIN, 1]),
    }
    waits: dict[str, list[float]] = {name: [] for name in ways}
    try:
        for number in range(samples + _WARMING_UP):
            for name, hand_over in ways.items():
                _starts.heard = asyncio.Event()
                handed_over = await db.in_thread(hand_over)
                await asyncio.wait_for(_starts.heard.wait(), timeout=30)
                if number >= _WARMING_UP:
                    waits[name].append(_starts.moments[-1] - handed_over)
                # Whatever follows a start is over before the next one.
                await asyncio.sleep(0.04)
    finally:
        _starts.heard = None
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
    return waits


def _one_account() -> None:
    with tenancy.platform("make the bench's account"), connection.cursor() as cursor:
        _clear(cursor.execute)
        cursor.execute(_ACCOUNTS, [1])


def _hand_over_one(statement: str, values: _Values) -> float:
    """Return when the transaction that hands one job over was about to commit."""
    with tenancy.platform("hand over one of the bench's jobs"), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return time.perf_counter()


def _reported(
    rates: dict[str, list[float]],
    waits: dict[str, list[float]],
    idle: dict[str, list[float]],
    checks: dict[str, bool],
    *,
    share: float,
) -> dict[str, Any]:
    plain = [name for name in rates if name.startswith("plain")]
    best = max(plain, key=lambda name: median(rates[name]))
    # Fewer plain jobs are handed over: half of them are through so much sooner.
    plain_waits = [wait / share for wait in waits[best]]
    full = waits["lanes_40_per_account"]
    ratios = {
        f"{name}_to_plain": ratio(values, rates[best])
        for name, values in rates.items()
        if name not in plain
    }
    ratios["start_with_all_waiting"] = ratio(full, plain_waits)
    ratios["start_when_idle"] = median(idle["lane"]) / median(idle["plain"])
    return report(
        case="lanes",
        figures={name: figure(values, "jobs/s") for name, values in rates.items()}
        | {
            "start_with_all_waiting_lane": _milliseconds(full),
            "start_with_all_waiting_plain": _milliseconds(plain_waits),
            "start_when_idle_lane": _milliseconds(idle["lane"]),
            "start_when_idle_lane_p99": _milliseconds([percentile(idle["lane"], 0.99)]),
            "start_when_idle_plain": _milliseconds(idle["plain"]),
            "start_when_idle_plain_in_our_worker": _milliseconds(idle["plain_in_our_worker"]),
            "start_when_idle_plain_p99": _milliseconds([percentile(idle["plain"], 0.99)]),
        },
        ratios=ratios,
        targets={
            "throughput": at_least(ratios["lanes_40_per_account_to_plain"], 5),
            "start_with_all_waiting": at_most(ratios["start_with_all_waiting"], 1.0),
            "start_when_idle": at_most(ratios["start_when_idle"], 1.0),
        },
        checks=checks,
    )


def _milliseconds(seconds: Sequence[float]) -> dict[str, Any]:
    return figure([value * _MILLISECONDS for value in seconds], "ms")
