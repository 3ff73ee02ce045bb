"""The scheduler process: sleeps until something is due, decides it, sleeps again.

It is woken by news on `schedules.due`; the instant of the next slot and at most half a minute bound
every sleep, so lost news costs no more than that. Any number may run.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import django.db
import psycopg

from tenantry.core import clock, db, trace
from tenantry.core.live import Facts, Listener
from tenantry.core.logs import get_logger
from tenantry.governance.policies import queries as policies
from tenantry.work.schedules import dispatch
from tenantry.work.schedules.dispatch import BATCH, START, TOPIC, BatchFailed, Place

LONGEST_SLEEP = 30.0
# Slots that fall due within this time share a batch; lateness is bounded by it and one batch.
PAUSE = 0.02
_LOST_WAITS = (0.2, 5.0)
_STEP_BACK = timedelta(seconds=1)
_LOST = (psycopg.OperationalError, django.db.OperationalError, django.db.InterfaceError)
_log = get_logger(__name__)


def run_scheduler(stop: threading.Event, *, read_clock: Callable[[], datetime] = clock.now) -> None:
    """Decide due slots until `stop` is set.

    A lost database is waited for, and no error ends it; a clock that steps back is reported and
    decides nothing twice.
    """
    wake = threading.Event()
    with _woken(stop, wake):
        latest = read_clock()
        lost = 0.0
        while not stop.is_set():
            wake.clear()
            started = monotonic()
            now = read_clock()
            _watch_clock(latest, now)
            latest = now
            try:
                sleep = _round(read_clock, stop)
            except Exception as error:  # noqa: BLE001  # customers' posts outlive every cause
                lost = min(max(lost * 2, _LOST_WAITS[0]), _LOST_WAITS[1])
                _report(error)
                _give_back()
                wake.wait(lost * random.uniform(0.5, 1))  # noqa: S311  # spreads load, hides nothing
                continue
            if lost:
                _log.info("scheduler_goes_on")
                lost = 0.0
            wake.wait(sleep)
            # Woken or not, what falls due in the meantime is gathered.
            stop.wait(max(0.0, PAUSE - (monotonic() - started)))


@contextmanager
def _woken(stop: threading.Event, wake: threading.Event) -> Iterator[None]:
    """Set `wake` on news and when it is time to stop."""

    def heard(_topic: str, _facts: Facts) -> None:
        wake.set()

    def end() -> None:
        stop.wait()
        wake.set()

    listener = Listener()
    listener.on(TOPIC, heard)
    policies.watch(listener)
    listener.start()
    threading.Thread(target=end, name="tenantry-scheduler-stop", daemon=True).start()
    try:
        yield
    finally:
        listener.stop()
        _give_back()


def _round(read_clock: Callable[[], datetime], stop: threading.Event) -> float:
    """Decide everything that is due and return how long to sleep, seconds."""
    with trace.start():
        passed = drain(read_clock, stop)
        due = dispatch.next_due()
        now = read_clock()
    wait = LONGEST_SLEEP if due is None else (due - now).total_seconds()
    if wait > 1:
        _give_back()
    if wait > 0 or passed.decided:
        return min(max(wait, 0.0), LONGEST_SLEEP)
    # What is due cannot be had: somebody must mend it, or others hold it and will soon be done.
    return 1.0 if passed.failed else random.uniform(PAUSE, 10 * PAUSE)  # noqa: S311  # spreads load, hides nothing


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What one way through all that is due came to: slots decided, and batches that failed."""

    decided: int
    failed: int


def drain(read_clock: Callable[[], datetime], stop: threading.Event) -> Pass:
    """Go once through all that is due, batch after batch, over what others hold."""
    decided, failed, place = 0, 0, START
    while not stop.is_set():
        try:
            batch = dispatch.dispatch_batch(now=read_clock(), after=place)
        except BatchFailed as failure:
            _log.exception("batch_failed", last=failure.last.id)
            decided += _drain_singly(read_clock, place, failure.last)
            failed += 1
            place = failure.last
            continue
        decided += batch.claimed
        place = batch.last
        if batch.claimed < BATCH:
            break
    return Pass(decided=decided, failed=failed)


def _drain_singly(read_clock: Callable[[], datetime], place: Place, last: Place) -> int:
    """Decide slot by slot up to a place, so that one that cannot be decided stops no other."""
    decided = 0
    while place < last:
        try:
            batch = dispatch.dispatch_batch(now=read_clock(), limit=1, after=place)
        except BatchFailed as failure:
            _log.exception("slot_failed", schedule_id=failure.last.id)
            place = failure.last
            continue
        if not batch.claimed:
            break
        decided += 1
        place = batch.last
    return decided


def _report(error: Exception) -> None:
    if isinstance(error, _LOST):
        _log.warning("scheduler_waits_for_database", reason=str(error).strip())
    else:
        _log.error("scheduler_round_failed", exc_info=error)


def _watch_clock(latest: datetime, now: datetime) -> None:
    if now < latest - _STEP_BACK:
        _log.warning(
            "clock_stepped_back",
            seconds=round((latest - now).total_seconds(), 3),
            meaning="nothing is decided twice; slots wait until the clock has caught up",
        )


def _give_back() -> None:
    with db.borrowed():
        pass
