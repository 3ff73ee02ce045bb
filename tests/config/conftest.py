"""An installation of its own: the test database, and an empty state folder."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.config.support import Installation, database_url


@pytest.fixture
def installation(tmp_path: Path, db: None) -> Iterator[Installation]:
    """The test database by DATABASE_URL, and an empty state folder."""
    state_dir = tmp_path / "state"
    state_dir.mkdir()
    made = Installation(
        state_dir=state_dir,
        environment={"TENANTRY_STATE_DIR": str(state_dir), "DATABASE_URL": database_url()},
    )
    yield made
    for process in made.started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    # What these started in sessions of their own: it would work on in the tests that follow.
    for pid in made.left():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def fresh_database(admin: psycopg.Connection) -> Iterator[Callable[[str], str]]:
    """Make empty databases of the application's role, from a template; returns their addresses."""
    made: list[str] = []

    def make(template: str) -> str:
        name = f"test_config_{uuid4().hex[:12]}"
        statement = "CREATE DATABASE {} OWNER tenantry TEMPLATE {}"
        admin.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))
        made.append(name)
        return psycopg.conninfo.make_conninfo(database_url(), dbname=name)

    yield make
    for name in made:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
