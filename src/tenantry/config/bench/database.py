"""A database of its own for a measurement, on the server that is configured, dropped afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from tenantry.core import db


@contextmanager
def own_database() -> Iterator[str]:
    """Make an empty, migrated database, let Django use it, and drop it at the end."""
    name = f"tenantry_bench_{os.getpid()}"
    before = str(connection.settings_dict["NAME"])
    here = db.dsn()
    _drop(here, name)
    _as_admin(here, "CREATE DATABASE {}", name)
    use(name)
    try:
        call_command("migrate", verbosity=0, interactive=False)
        yield name
    finally:
        use(before)
        _drop(here, name)


def use(name: str) -> None:
    """Let this process's Django connection lead to another database of the same server."""
    db.disconnect()
    connection.settings_dict["NAME"] = name


def set_up_child(name: str) -> None:
    """Make a freshly spawned process ready to use that database."""
    django.setup()
    use(name)
    connection.ensure_connection()


def _drop(address: dict[str, Any], name: str) -> None:
    try:
        _as_admin(address, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    except psycopg.errors.InsufficientPrivilege:
        # A vacuum of the server's own is at it; the plain form asks it to leave and waits.
        _as_admin(address, "DROP DATABASE IF EXISTS {}", name)


def _as_admin(address: dict[str, Any], statement: str, name: str) -> None:
    with psycopg.connect(**address, autocommit=True) as admin:
        admin.execute(sql.SQL(statement).format(sql.Identifier(name)))
