"""The provisioner's connections to the server of the instances' databases.

Its role makes databases and roles, belongs to every role it made, is no superuser and cannot enter
the platform's database.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import LiteralString

import psycopg
from django.conf import settings
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from tenantry.fleet.provisioning.drivers.compute import DriverError
from tenantry.fleet.provisioning.failures import Failure

Connection = psycopg.Connection[tuple[object, ...]]

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 60
LOCK_SECONDS = 15
# What the role makes it may also hand over and remove.
_OPTIONS = (
    "-c createrole_self_grant=set,inherit"
    f" -c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={LOCK_SECONDS}s"
)
# Written last: whatever has no such remark is half of something.
_COMPLETE = "tenantry: complete"


@contextmanager
def connected(database: str = "") -> Iterator[Connection]:
    """Connect as the provisioner, to a database or where it meets the server.

    Whatever PostgreSQL says becomes a `DriverError`.
    """
    try:
        more = {"dbname": database} if database else {}
        conninfo = make_conninfo(settings.INSTANCES_DATABASE(), options=_OPTIONS, **more)
        with psycopg.connect(
            conninfo,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="tenantry-provisioner",
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise _explained(error) from error


@contextmanager
def alone(name: str, *, patiently: bool = False) -> Iterator[Connection]:
    """Connect, and be the only one who makes or removes what has this name.

    `patiently` waits as long as it takes; else it is a retryable `DriverError` after a while.
    """
    with connected() as server:
        if patiently:
            server.execute("SET lock_timeout = 0")
            server.execute("SET statement_timeout = 0")
        server.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        yield server


def _explained(error: psycopg.Error) -> DriverError:
    detail = (error.diag.message_primary or str(error)).strip().partition("\n")[0]
    known: list[tuple[tuple[type[psycopg.Error], ...], Failure]] = [
        ((errors.ObjectInUse,), Failure.TEMPLATE_LOCKED),
        ((errors.DiskFull,), Failure.DISK_FULL),
        ((errors.LockNotAvailable, errors.QueryCanceled), Failure.DRIVER_TIMEOUT),
        ((psycopg.OperationalError, psycopg.InterfaceError), Failure.DATABASE_UNREACHABLE),
    ]
    for kinds, code in known:
        if isinstance(error, kinds):
            return DriverError(code, retryable=True, detail=detail)
    return DriverError(Failure.DRIVER_FAILED, retryable=False, detail=detail)


def address(server: Connection) -> tuple[str, int]:
    """Return host and port where instances reach the server."""
    host = server.info.get_parameters().get("host", "")
    # They are processes of this machine, and may not be within reach of a socket's folder.
    return ("127.0.0.1" if not host or host.startswith("/") else host), server.info.port


def is_complete(server: Connection, name: str) -> bool:
    """Tell whether a database exists and nothing is missing of it."""
    found = server.execute(
        "SELECT shobj_description(oid, 'pg_database') = %s FROM pg_database WHERE datname = %s",
        [_COMPLETE, name],
    ).fetchone()
    return found is not None and found[0] is True


def complete(server: Connection, name: str) -> None:
    """Say that nothing is missing of a database any more."""
    run(server, "COMMENT ON DATABASE {} IS {}", name, sql.Literal(_COMPLETE))


def ensure_role(server: Connection, name: str) -> None:
    """Make a role that may nothing yet, unless it is there."""
    if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        run(server, "CREATE ROLE {} NOLOGIN", name)


def let_in(server: Connection, name: str, password: str, *, connections: int) -> None:
    """Let a role sign in to the database of its name, and to no other."""
    verifier = server.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    ).decode()
    run(
        server,
        "ALTER ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {}",
        name,
        sql.Literal(connections),
        sql.Literal(verifier),
    )
    run(server, "GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}", name, name)


def keep_out(server: Connection, name: str) -> None:
    """Let the role of a database sign in no more, and end its sessions."""
    run(server, "ALTER ROLE {} NOLOGIN", name)
    run(server, "REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM {}", name, name)
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = %s AND datname = %s",
        [name, name],
    )


def close_to_public(server: Connection, name: str) -> None:
    """Let nobody in but who is let in by name."""
    run(server, "REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC", name)


def run(server: Connection, statement: LiteralString, *parts: str | sql.Composable) -> None:
    """Run one statement; texts among the parts are names, and are quoted as such."""
    text = sql.SQL(statement)
    given = [sql.Identifier(part) if isinstance(part, str) else part for part in parts]
    server.execute(text.format(*given))


def drop_database(server: Connection, name: str) -> None:
    """Remove a database, if there is one, and end every session in it.

    FORCE ends nothing while a superuser's process is inside, and autovacuum is one. The plain form
    sends autovacuum away, but waits some seconds in vain for everybody else.
    """
    with suppress(errors.InsufficientPrivilege):
        return run(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    with suppress(errors.ObjectInUse):
        return run(server, "DROP DATABASE IF EXISTS {}", name)
    return run(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def new_password() -> str:
    """Return a password for a role that signs in for some minutes."""
    return secrets.token_urlsafe(24)
