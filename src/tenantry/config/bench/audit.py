"""Case `audit`: what an entry costs its transaction, how soon it is sealed, how fast all is proven.

The transactions with and without an entry take turns, so that both see the same machine.
"""

import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from tenantry.config.bench.database import own_database
from tenantry.config.bench.report import at_least, at_most, figure, percentile, ratio, report
from tenantry.core import clock, db, tenancy
from tenantry.core.ids import uuid7
from tenantry.ledger.audit import exporter, lease, sealer
from tenantry.ledger.audit.report import Report
from tenantry.ledger.audit.services import APPEND_FROM, append
from tenantry.ledger.audit.verify import verify
from tenantry.ledger.audit.vocabulary import Action

_TENANT = UUID(int=1)
_MILLISECONDS = 1e3
_SLOWEST_APPEND_MS = 0.2
_LONGEST_LAG_SECONDS = 1.0
_ROWS_PER_SECOND = 100_000
_LOAD_PER_SECOND = 200
_SET = 10_000

_ORDER = "INSERT INTO bench_order (what) VALUES (%s)"
_FILL = f"""
    WITH audit_rows AS (
        SELECT id, %(tenant)s::uuid AS tenant_id, clock_timestamp() AS at,
            'system:scheduler' AS actor, %(action)s AS action, 'slot' AS target_kind,
            id::text AS target_id, '' AS reason, encode(uuid_send(id), 'hex') AS trace_id,
            '{{"from":"QUEUED","job":"' || id || '","outcome":"DISPATCHED","to":"RUNNING"}}' AS body
        FROM unnest(%(ids)s::uuid[]) AS wanted (id)
    ) {APPEND_FROM}
"""  # noqa: S608  # our own text


def run(*, quick: bool) -> dict[str, Any]:
    """Measure append, seal lag and verification; every round is checked by verifying the log."""
    rounds, turns = (2, 100) if quick else (7, 500)
    seconds, rows = (3, 20_000) if quick else (20, 300_000)
    with own_database(), _own_store():
        _run("CREATE TABLE bench_order (id bigint GENERATED ALWAYS AS IDENTITY, what text)")
        rows_times = [_transaction_times(turns) for _ in range(rounds)]
        lags = _seal_lags(seconds=seconds)
        _add_sealed(rows=rows, leaves=1_000)
        whole, rates = _verified(times=2 if quick else 5)
    with own_database(), _own_store():
        _add_sealed(rows=rows // 20, leaves=5)
        crumbled, crumbs = _verified(times=2)
    reports = [whole, crumbled]
    entry, second_row = (
        [times[kind] - times["bare"] for times in rows_times] for kind in ("entry", "second_row")
    )
    return report(
        case="audit",
        figures={
            "transaction": figure([times["bare"] for times in rows_times], "ms"),
            "append_added": figure(entry, "ms"),
            "second_row_added": figure(second_row, "ms"),
            "seal_lag": figure(lags, "s"),
            "verify": figure(rates, "rows/s"),
            "verify_5_entries_a_checkpoint": figure(crumbs, "rows/s"),
        },
        ratios={"entry_of_second_row": ratio(entry, second_row)},
        targets={
            "append_added_p50_ms": at_most(median(entry), _SLOWEST_APPEND_MS),
            "seal_lag_p99_s": at_most(percentile(lags, 0.99), _LONGEST_LAG_SECONDS),
            "verify_rows_per_s": at_least(median(rates), _ROWS_PER_SECOND),
        },
        checks={
            "log_is_whole": all(one.ok for one in reports),
            "every_entry_has_one_leaf": all(one.entries == one.leaves for one in reports),
            "every_checkpoint_is_exported": not any(one.exports_pending for one in reports),
        },
    )


def _transaction_times(turns: int) -> Mapping[str, float]:
    """Return the median milliseconds of a transaction: bare, with another row, with an entry."""
    taken: dict[str, list[float]] = {"bare": [], "second_row": [], "entry": []}
    for _ in range(turns):
        for kind, times in taken.items():
            start = time.perf_counter()
            with tenancy.scope(_TENANT), connection.cursor() as cursor:
                cursor.execute(_ORDER, ["something to sell"])
                if kind == "second_row":
                    cursor.execute(_ORDER, ["something else"])
                elif kind == "entry":
                    _append_one()
            times.append((time.perf_counter() - start) * _MILLISECONDS)
    return {kind: median(times) for kind, times in taken.items()}


def _append_one() -> UUID:
    return append(
        action=Action.AUTOMATION_JOB_CHANGED,
        tenant_id=_TENANT,
        actor="user:01a20148-06a1-7adb-ba58-8afbb0b39556",
        target=("job", "01a20148-06a1-7adb-ba58-8afbb0b39557"),
        at=clock.now(),
        reason="as planned",
        body={"from": "QUEUED", "to": "RUNNING"},
    )


def _seal_lags(*, seconds: float) -> list[float]:
    """Return, for entries written at a steady pace, the time from their commit to their leaf."""
    _seal_all(leaves=sealer.CHECKPOINT_LEAVES)
    committed: dict[UUID, float] = {}
    stop = threading.Event()
    work = {"stop": stop, "holder": "bench"}
    sealing = threading.Thread(target=sealer.run_sealer, kwargs=work)
    writing = threading.Thread(target=_write_steadily, args=(committed, seconds))
    sealing.start()
    writing.start()
    seen: dict[UUID, float] = {}
    sealed = _count_leaves()
    while writing.is_alive() or len(seen) < len(committed):
        time.sleep(0.01)
        with connection.cursor() as cursor:
            cursor.execute("SELECT entry_id FROM audit_leaf WHERE leaf_no >= %s", [sealed])
            moment = time.perf_counter()
            fresh = [entry_id for (entry_id,) in cursor.fetchall()]
        seen |= dict.fromkeys(fresh, moment)
        sealed += len(fresh)
    stop.set()
    sealing.join()
    return [max(0.0, seen[entry_id] - moment) for entry_id, moment in committed.items()]


def _write_steadily(committed: dict[UUID, float], seconds: float) -> None:
    begun = time.perf_counter()
    with db.borrowed():
        for number in range(int(seconds * _LOAD_PER_SECOND)):
            time.sleep(max(0.0, begun + number / _LOAD_PER_SECOND - time.perf_counter()))
            with tenancy.scope(_TENANT):
                entry_id = _append_one()
            committed[entry_id] = time.perf_counter()


def _add_sealed(*, rows: int, leaves: int) -> None:
    """Append entries set by set and seal them, with so many leaves to a checkpoint."""
    values = {"tenant": _TENANT, "action": Action.SCHEDULES_SLOT_DECIDED.value}
    for begin in range(0, rows, _SET):
        ids = [uuid7() for _ in range(min(_SET, rows - begin))]
        with tenancy.scope(_TENANT):
            _run(_FILL, values | {"ids": ids})
    _seal_all(leaves=leaves)
    _run("ANALYZE")


def _verified(*, times: int) -> tuple[Report, Sequence[float]]:
    """Verify the log repeatedly; return the verdict and how many entries a second that were."""
    rates = []
    for _ in range(times):
        start = time.perf_counter()
        verdict = verify()
        rates.append(verdict.entries / (time.perf_counter() - start))
    return verdict, rates


def _seal_all(*, leaves: int) -> None:
    token = lease.take("bench")
    while token and sealer.seal_batch(token, leaves=leaves):
        pass
    while token and exporter.export_next(token):
        pass
    if token:
        lease.release(token)


def _count_leaves() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_leaf")
        (count,) = cursor.fetchone()
        return int(count)


def _run(statement: str, values: dict[str, Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@contextmanager
def _own_store() -> Iterator[None]:
    before = settings.OBJECT_STORE_URL
    with tempfile.TemporaryDirectory(prefix="tenantry-bench-") as folder:
        settings.OBJECT_STORE_URL = f"file://{folder}"
        try:
            yield
        finally:
            settings.OBJECT_STORE_URL = before
