"""News as it happens: one LISTEN connection per process, fanned out to whoever asked.

A topic is a word like `schedules.due`, `console` or `tenant:<id>`. News is a hint, never the truth:
who hears it reads the database. After a lost connection every listener is called with no facts.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping

import psycopg
from django.db import connection

from tenantry.core import db
from tenantry.core.logs import get_logger

# Set-based senders notify here themselves, with `{"topic": …, "facts": {…}}`.
CHANNEL = "tenantry"
_RETRY_SECONDS = 1.0
_log = get_logger(__name__)

Facts = Mapping[str, object]
Callback = Callable[[str, Facts], None]


def notify(topic: str, **facts: str | int | bool | None) -> None:
    """Tell all processes when the present transaction commits; a roll-back says nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({"topic": topic, "facts": facts})]
        )


class Listener:
    """The process's one LISTEN connection; callbacks run in its thread and must be quick."""

    def __init__(self) -> None:
        """Prepare; nothing is connected before `start`."""
        self._callbacks: dict[str, list[Callback]] = defaultdict(list)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tenantry-live", daemon=True)

    def on(self, topic: str, callback: Callback) -> Callable[[], None]:
        """Call back on each piece of news of a topic; returns how to stop that."""
        with self._lock:
            self._callbacks[topic].append(callback)

        def forget() -> None:
            with self._lock:
                self._callbacks[topic].remove(callback)

        return forget

    def start(self) -> None:
        """Connect in the background and keep connected."""
        self._thread.start()

    def wait_ready(self, seconds: float) -> bool:
        """Wait until the first connection listens."""
        return self._ready.wait(seconds)

    def stop(self) -> None:
        """Hang up and wait for the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        lost = False
        while not self._stopping.is_set():
            try:
                with psycopg.connect(**db.dsn(), autocommit=True) as listening:  # type: ignore[arg-type]  # Django's own parameters
                    listening.execute(f"LISTEN {CHANNEL}")
                    self._ready.set()
                    if lost:
                        self._tell_all()
                    self._hear(listening)
            except psycopg.OperationalError as error:
                lost = True
                _log.warning("live_connection_lost", reason=str(error).strip())
                self._stopping.wait(_RETRY_SECONDS)

    def _hear(self, listening: psycopg.Connection[tuple[object, ...]]) -> None:
        while not self._stopping.is_set():
            for news in listening.notifies(timeout=0.5):
                message = json.loads(news.payload)
                self._tell(message["topic"], message["facts"])

    def _tell(self, topic: str, facts: Facts) -> None:
        with self._lock:
            callbacks = list(self._callbacks.get(topic, ()))
        for callback in callbacks:
            callback(topic, facts)

    def _tell_all(self) -> None:
        with self._lock:
            topics = list(self._callbacks)
        for topic in topics:
            self._tell(topic, {})
