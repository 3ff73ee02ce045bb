"""The pool, and a server that drops all its connections at once as a restart does."""

import time
from collections.abc import Iterator

import pytest
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.utils import load_backend

CROWD = 9
# The pool's first wait is a second, and its patience ends after ten.
SECONDS = 4.0


@pytest.fixture
def crowd(db: None) -> Iterator[list[DatabaseWrapper]]:
    """As many connections as threads would hold, of one pool."""
    settings = connections["default"].settings_dict
    engine = load_backend(settings["ENGINE"])
    made = [engine.DatabaseWrapper(settings, alias="crowd") for _ in range(CROWD)]
    yield made
    for wrapper in made:
        wrapper.close()
    made[0].close_pool()


def ask(wrapper: DatabaseWrapper, statement: str) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def test_requests_go_on_after_a_restart_whatever_waits_in_the_pool(
    crowd: list[DatabaseWrapper],
) -> None:
    old = [ask(wrapper, "SELECT pg_backend_pid()") for wrapper in crowd]
    assert len(set(old)) == CROWD
    for wrapper in crowd:
        wrapper.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(pg_terminate_backend(pid)) FROM unnest(%s) AS pid", [old])
    start = time.monotonic()
    new = [ask(wrapper, "SELECT pg_backend_pid()") for wrapper in crowd]
    assert not set(new) & set(old)
    assert time.monotonic() - start < SECONDS
