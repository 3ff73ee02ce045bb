"""What a fresh cluster needs before the application may use it. Done again, it changes nothing."""

import hashlib
from typing import LiteralString

import psycopg
from psycopg import sql

from tenantry.config.postgres.cluster import admin_conninfo
from tenantry.config.postgres.places import Place, read_or_make_secret, read_text, write_private

DATABASE = "tenantry"
ROLE = "tenantry"
# Makes databases and roles of tenants' instances; it may not enter the platform's database.
PROVISIONER = "tenantry_provisioner"
# Where both sign in who have no database of their own, or mean another one.
MEETING_PLACE = "postgres"
# The superuser installs them where new databases are copied from, so that tests have them too.
EXTENSIONS = ("btree_gist", "pg_trgm")
# Raised whenever this module does more than before.
STEP = 2

_NO_POWER = "LOGIN NOSUPERUSER NOBYPASSRLS NOREPLICATION CREATEDB"


def provision(place: Place) -> None:
    """Make roles, database and extensions, unless the mark of an earlier time says it is done.

    The application's role owns its database, may create others (for tests), and can neither
    act as superuser nor step around row-level security. The provisioner may create databases and
    roles besides. Nobody enters a database without having been let in: tenants' instances have
    roles on the same server. A lost password file is made anew.
    """
    password = read_or_make_secret(place.password)
    other = read_or_make_secret(place.provisioner_password)
    mark = hashlib.sha256(f"{STEP}:{password}:{other}".encode()).hexdigest()
    if read_text(place.provisioned) == mark:
        return
    # Nobody else may be in template1 while a database is copied from it, so it comes first.
    _add_extensions(place, "template1")
    with _connect(place, MEETING_PLACE) as connection:
        _write_role(connection, ROLE, f"{_NO_POWER} NOCREATEROLE", password)
        _write_role(connection, PROVISIONER, f"{_NO_POWER} CREATEROLE", other)
        if not _exists(connection, "pg_database", "datname", DATABASE):
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(ROLE)
                )
            )
        _close_doors(connection)
    _add_extensions(place, DATABASE)
    write_private(place.provisioned, f"{mark}\n")


def _connect(place: Place, dbname: str) -> psycopg.Connection:
    # No statement of this module is ever logged: one of them holds a password's verifier.
    quiet = "-c log_statement=none -c log_min_duration_statement=-1"
    return psycopg.connect(admin_conninfo(place, dbname=dbname, options=quiet), autocommit=True)


def _close_doors(connection: psycopg.Connection) -> None:
    for name in (DATABASE, MEETING_PLACE, "template1"):
        connection.execute(
            sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(
                sql.Identifier(name)
            )
        )
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(
            *map(sql.Identifier, (MEETING_PLACE, ROLE, PROVISIONER))
        )
    )


def _add_extensions(place: Place, dbname: str) -> None:
    with _connect(place, dbname) as connection:
        connection.execute("SET client_min_messages = warning")
        for name in EXTENSIONS:
            connection.execute(
                sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name))
            )


def _write_role(
    connection: psycopg.Connection, name: str, rights: LiteralString, password: str
) -> None:
    verb: LiteralString = "ALTER" if _exists(connection, "pg_roles", "rolname", name) else "CREATE"
    verifier = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        sql.SQL("{} ROLE {} {} PASSWORD {}").format(
            sql.SQL(verb), sql.Identifier(name), sql.SQL(rights), sql.Literal(verifier)
        )
    )


def _exists(connection: psycopg.Connection, table: str, column: str, value: str) -> bool:
    found = connection.execute(
        sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(
            sql.Identifier(table), sql.Identifier(column)
        ),
        [value],
    ).fetchone()
    return found is not None
