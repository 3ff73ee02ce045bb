"""Migrations never lock out the release that runs, and leave no limit behind."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from tenantry.config import migrating
from tests.config.support import Installation, database_url

# What the code promises, in PostgreSQL's words.
LIMITS = ("4s", "5s")
NO_LIMITS = ("0", "0")
RELATIONS = """
    SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


def limits() -> tuple[object, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
        )
        return tuple(cursor.fetchone())


@contextmanager
def locked(url: str, table: str) -> Iterator[psycopg.Connection]:
    """Hold a table as a long transaction of the running release does."""
    with psycopg.connect(url) as holder:
        holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield holder


@pytest.mark.django_db(transaction=True)
def test_limits_hold_while_migrations_run_and_not_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[object, ...]] = []
    monkeypatch.setattr(migrating, "call_command", lambda *_, **__: seen.append(limits()))
    assert limits() == NO_LIMITS
    migrating.migrate()
    migrating.migrate(statement_seconds=60)
    assert seen == [LIMITS, ("4s", "1min")]
    assert limits() == NO_LIMITS


@pytest.mark.django_db(transaction=True)
def test_limits_are_taken_back_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_words: object, **_options: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(3)")

    monkeypatch.setattr(migrating, "call_command", fail)
    with pytest.raises(Exception, match="statement timeout"):
        migrating.migrate(statement_seconds=1)
    assert limits() == NO_LIMITS


def test_blocked_migration_gives_up_and_says_so(installation: Installation) -> None:
    with locked(database_url(), "django_migrations"):
        began = time.monotonic()
        ended = installation.run("migrate")
        waited = time.monotonic() - began
    assert ended.returncode == 3
    assert "tenantry: canceling statement due to lock timeout" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert 4 <= waited < 30


def test_empty_database_is_brought_to_this_release(
    installation: Installation, fresh_database: Callable[[str], str]
) -> None:
    installation.environment["DATABASE_URL"] = url = fresh_database("template1")
    assert installation.run("migrate", "--check").returncode == 1
    with psycopg.connect(url) as there:
        assert there.execute(RELATIONS).fetchone() == (0,)
    made = installation.run("migrate", "--statement-timeout", "30")
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    assert installation.run("migrate", "--check").returncode == 0
