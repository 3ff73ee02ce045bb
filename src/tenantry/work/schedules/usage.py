"""How much of the day's limits is used: keys of counters, and many of them in one statement."""

from collections.abc import Iterable
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from tenantry.core import db

_COUNT = """
    SELECT c.key || ' ' || c."window", c.used
    FROM unnest(%(keys)s::text[], %(days)s::text[]) AS asked (key, day)
    JOIN policies_counter c ON c.key = asked.key AND c."window" = asked.day
"""


def of_schedule(schedule_id: UUID | str) -> str:
    """Return the key of a schedule's counters; their windows are local days."""
    return f"schedule:{schedule_id}"


def of_connection(connection_id: UUID | str) -> str:
    """Return the key of the counters of an account."""
    return f"connection:{connection_id}"


def count(asked: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return for pairs of key and local day, joined by a blank, what is used; unused ones lack."""
    pairs = list(asked)
    given = {
        "keys": array(key for key, _day in pairs),
        "days": array(day for _key, day in pairs),
    }
    cursor = psycopg.Cursor(db.raw(), row_factory=tuple_row)
    return dict(cursor.execute(_COUNT, given).fetchall())


def array(items: Iterable[str]) -> str:
    """Return an array literal of words that need no quotes."""
    return "{" + ",".join(items) + "}"
