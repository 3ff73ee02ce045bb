"""Reaching around the platform: callers at once, waiting messages, all that the tables hold."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from typing import TypeVar

from asgiref.sync import async_to_sync
from django.db import connection
from procrastinate.contrib.django import app

from tenantry.core import db, tenancy

ResultT = TypeVar("ResultT")


def at_once(calls: Sequence[Callable[[], ResultT]]) -> list[ResultT | Exception]:
    """Run calls in threads with connections of their own; what one raises is its answer."""

    def answer(call: Callable[[], ResultT]) -> ResultT | Exception:
        with db.borrowed():
            try:
                return call()
            except Exception as error:  # noqa: BLE001  # the test looks at it
                return error

    with ThreadPoolExecutor(max_workers=len(calls)) as threads:
        return list(threads.map(answer, calls))


_TAKE = """
    UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = (
        SELECT id FROM procrastinate_jobs
        WHERE status = 'todo' AND queue_name = %s AND coalesce(scheduled_at <= %s, true)
        ORDER BY id LIMIT 1)
    RETURNING task_name, args
"""


def handle_messages(*, due: datetime | None = None, queue: str = "worker") -> int:
    """Handle waiting messages here and now, new ones too; those for later only if due by then."""
    handled = 0
    while message := _take(queue, due):
        task_name, arguments = message
        handler = app.tasks[task_name].func
        (async_to_sync(handler) if iscoroutinefunction(handler) else handler)(**arguments)
        handled += 1
    return handled


def _take(queue: str, due: datetime | None) -> tuple[str, dict[str, object]] | None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [queue, due or datetime.min.replace(tzinfo=UTC)])
        row: tuple[str, str | dict[str, object]] | None = cursor.fetchone()
    if row is None:
        return None
    # Django leaves jsonb to its own field; here it is text.
    return row[0], json.loads(row[1]) if isinstance(row[1], str) else row[1]


def database_text() -> str:
    """Return every value of every table as text, bytes as latin-1."""
    values: list[object] = []
    with tenancy.platform("look for secrets in all tables"), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            values.extend(value for row in cursor.fetchall() for value in row)
    return "\n".join(map(_as_text, values))


def _as_text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    return str(value)
