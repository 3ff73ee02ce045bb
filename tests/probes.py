"""Looking at the platform from outside: many callers at once, and all that the tables hold."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

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
