"""One process of the platform: its log, its heartbeat, its clean end."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from multiprocessing.util import Finalize
from types import FrameType

from django.db import DatabaseError

from tenantry.config.postgres import PostgresUnavailable
from tenantry.core import clock, db, logs
from tenantry.work.automation import services as automation

BEAT_SECONDS = 5.0
# A wall clock that moved this much against the monotonic one was set, not slow.
_CLOCK_STEP_SECONDS = 2.0
_KIND, _NOTE = "TENANTRY_PROCESS", "TENANTRY_PROCESS_NOTE"
_log = logs.get_logger(__name__)


@contextmanager
def process(kind: str, *, note: str = "") -> Iterator[None]:
    """Run a block as a process of the platform: it logs, and beats until it ends."""
    logs.configure(process=kind)
    ending = threading.Event()
    beating = threading.Thread(target=_beat_until, args=(ending, kind, note), daemon=True)
    beating.start()
    _log.info("process_started", pid=os.getpid())
    try:
        yield
    finally:
        ending.set()
        beating.join(timeout=2)
        _log.info("process_ended")


def announce(kind: str, *, note: str) -> None:
    """Say what the workers of a server are that this process is about to fork.

    The server's own process must stay free of threads and connections: a fork would copy their
    locks as they are at that moment.
    """
    logs.configure(process=kind)
    os.environ |= {_KIND: kind, _NOTE: note}


def begin_announced() -> None:
    """Let this forked worker log and beat, if it was announced; called when it loads its code."""
    kind = os.environ.get(_KIND)
    if not kind:
        return
    logs.configure(process=kind)
    ending = threading.Event()
    given = (ending, kind, os.environ.get(_NOTE, ""))
    beating = threading.Thread(target=_beat_until, args=given, daemon=True)
    beating.start()
    _log.info("process_started", pid=os.getpid())

    def end() -> None:
        ending.set()
        beating.join(timeout=2)

    # A forked worker ends without atexit; this is what multiprocessing runs instead.
    Finalize(None, end, exitpriority=10)


def stop_event() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return stop


def _beat_until(ending: threading.Event, kind: str, note: str) -> None:
    host, pid, started = socket.gethostname(), os.getpid(), clock.now()
    release = version("tenantry")
    offset = time.time() - time.monotonic()
    while not ending.is_set():
        step = time.time() - time.monotonic() - offset
        if abs(step) > _CLOCK_STEP_SECONDS:
            _log.warning("clock_stepped", seconds=round(step, 1))
            offset += step
        with _tolerated():
            automation.beat(
                kind=kind,
                host=host,
                pid=pid,
                started_at=started,
                version=release,
                note=note,
                now=clock.now(),
            )
        ending.wait(BEAT_SECONDS)
    with _tolerated():
        automation.end_beat(host=host, pid=pid)


@contextmanager
def _tolerated() -> Iterator[None]:
    """Say when the database does not answer, and go on."""
    try:
        with db.borrowed():
            yield
    except (DatabaseError, PostgresUnavailable) as error:
        _log.warning("heartbeat_failed", reason=str(error).strip())
