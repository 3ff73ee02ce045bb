"""The loop of a worker process: messages, heartbeats, and the rescue of what others left."""

import asyncio
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from procrastinate.contrib.django import app, connector_params
from procrastinate.psycopg_connector import PsycopgConnector
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from tenantry.core import clock, queue
from tenantry.core.logs import get_logger
from tenantry.work.automation import browserhost, rescue
from tenantry.work.automation.lane import Clock

# Rows of workers that died are deleted after this; rescue is quicker and does not need them.
_FORGET_WORKERS_AFTER = 60.0
_FINISH_SECONDS = 30.0
_TEND_EVERY = 5.0
# News of a message may be missed while a worker starts.
_POLL_EVERY = 2.0
_log = get_logger(__name__)


def run_worker(*, queues: Sequence[str], concurrency: int, wait: bool = True) -> None:
    """Handle the messages of these queues until SIGTERM or SIGINT; then finish what runs.

    What has not ended 30 s after the signal is given up and rescued by another process. With `wait`
    false it ends as soon as nothing is ready. Exits with code 1 when it lost its database.
    """
    if not asyncio.run(serve(queues=queues, concurrency=concurrency, wait=wait)):
        _log.error("worker_ended_unasked")
        sys.exit(1)


async def serve(*, queues: Sequence[str], concurrency: int, wait: bool = True) -> bool:
    """Do what `run_worker` does in the running loop; return whether the end was asked for."""
    connector = PsycopgConnector(
        kwargs=connector_params(), configure=_configured, pool_factory=_pool
    )
    stopping = browserhost.current().stopping
    with app.replace_connector(connector):
        async with app.open_async():
            working = asyncio.create_task(
                app.run_worker_async(
                    queues=list(queues),
                    concurrency=concurrency,
                    wait=wait,
                    install_signal_handlers=False,
                    listen_notify=True,
                    fetch_job_polling_interval=_POLL_EVERY,
                    delete_jobs="successful",
                    update_heartbeat_interval=queue.HEARTBEAT_EVERY,
                    stalled_worker_timeout=_FORGET_WORKERS_AFTER,
                    shutdown_graceful_timeout=_FINISH_SECONDS,
                )
            )
            tending = asyncio.create_task(_tend(clock.now))
            with _stopping(working, stopping), suppress(asyncio.CancelledError):
                await working
            tending.cancel()
            await browserhost.close_current()
    return stopping.is_set() or not wait


def current_pool() -> AsyncConnectionPool | None:
    """Return the connections of the worker that runs in this loop, None where none does."""
    connector = app.connector
    return connector.pool if isinstance(connector, PsycopgConnector) else None


async def _configured(connection: AsyncConnection) -> None:
    """Let each statement of the queue be a transaction: one round trip instead of three.

    And let it not wait for the disk: what a crash of the server could forget is that a message was
    taken or handled, so that it is handled again, which handlers bear.
    """
    await connection.set_autocommit(True)
    await connection.execute("SET synchronous_commit = off")
    await connection.execute("SET TIME ZONE 'UTC'")
    connection.prepare_threshold = 0


def _pool(**options: Any) -> AsyncConnectionPool:
    return AsyncConnectionPool(**options | {"check": _unless_silent})


async def _unless_silent(connection: AsyncConnection) -> None:
    """Ask a connection whether it lives, but only if the server has said something unasked.

    A server that ends a connection says so or hangs up; nothing is to be read from a sound one.
    """
    unread = select.poll()
    unread.register(connection.fileno(), select.POLLIN)
    if unread.poll(0):
        await AsyncConnectionPool.check_connection(connection)


async def _tend(now: Clock) -> None:
    while True:
        try:
            await rescue.tend(app.job_manager, now=now())
        except Exception as error:  # noqa: BLE001  # this loop must not end before the worker does
            _log.warning("rescue_failed", error=type(error).__name__, reason=str(error).strip())
        await asyncio.sleep(_TEND_EVERY)


@contextmanager
def _stopping(working: "asyncio.Task[None]", stopping: asyncio.Event) -> Iterator[None]:
    """Turn signals into a graceful end: lanes stop after their job, the worker takes no more."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopping.set()
        working.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
