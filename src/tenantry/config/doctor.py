"""What the platform stands on, looked at one by one, each with its remedy."""

import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from tenantry.config.postgres import PostgresUnavailable
from tenantry.core import clock, crypto, db, objects
from tenantry.core.errors import DomainError
from tenantry.ledger.audit import checkpoint
from tenantry.work.automation import chromium

OLDEST_POSTGRES = 16
_CLOCK_TOLERANCE_SECONDS = 2.0
_CONNECT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at: whether it is well, what was seen, and how to mend it."""

    name: str
    well: bool
    seen: str
    remedy: str = ""
    needed: bool = True


def examine() -> Iterator[Finding]:
    """Look at everything, in the order in which it would be mended."""
    yield _guarded(_python)
    database = _guarded(_postgresql)
    yield database
    looks = [_keys, _object_store, _chromium]
    if database.well:
        looks = [_database_role, _migrations, _clock, *looks]
    for look in looks:
        yield _guarded(look)
    yield from _ports()
    yield from _system_checks()


def _guarded(look: Callable[[], Finding]) -> Finding:
    name = look.__name__.strip("_").replace("_", " ")
    remedy = _("Mend what the message names and ask again.")
    try:
        return look()
    except DomainError as error:
        return Finding(name=name, well=False, seen=error.text(), remedy=error.remedy_text())
    except PostgresUnavailable as error:
        return Finding(name=name, well=False, seen=error.cause, remedy=error.remedy)
    except (DatabaseError, psycopg.Error, ImproperlyConfigured, OSError, ValueError) as error:
        return Finding(name=name, well=False, seen=str(error).strip(), remedy=remedy)


def _python() -> Finding:
    seen = ".".join(map(str, sys.version_info[:3]))
    well = sys.version_info >= (3, 11)
    return Finding(name="python", well=well, seen=seen, remedy=_("Install Python 3.11 or newer."))


def _ask(question: str) -> tuple[object, ...]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        row: tuple[object, ...] = cursor.fetchone() or ()
        return row


def _postgresql() -> Finding:
    # Not through the pool, which tries for ten seconds and then does not say why it failed.
    parameters: dict[str, Any] = {**db.dsn(), "connect_timeout": _CONNECT_SECONDS}
    with psycopg.connect(**parameters) as asked:
        version = asked.info.parameter_status("server_version")
    return Finding(
        name="postgresql",
        well=int(str(version).split(".")[0]) >= OLDEST_POSTGRES,
        seen=str(version),
        remedy=_("Use PostgreSQL 16 or newer, or leave DATABASE_URL out for the embedded one."),
    )


def _database_role() -> Finding:
    name, superuser, bypass = _ask(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    return Finding(
        name="database role",
        well=not (superuser or bypass),
        seen=f"{name}: superuser={superuser}, bypassrls={bypass}",
        remedy=_("Connect as a role without them: ALTER ROLE … NOSUPERUSER NOBYPASSRLS."),
    )


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    return Finding(
        name="migrations",
        well=not missing,
        seen=f"{missing} not applied" if missing else "all applied",
        remedy=_("Run `tenantry migrate`."),
    )


def _clock() -> Finding:
    (there,) = _ask("SELECT extract(epoch FROM clock_timestamp())")
    apart = abs(clock.now().timestamp() - float(str(there)))
    return Finding(
        name="clock",
        well=apart < _CLOCK_TOLERANCE_SECONDS,
        seen=f"{apart:.3f} s from the database's",
        remedy=_("Let both machines follow an NTP server."),
    )


def _keys() -> Finding:
    sample = secrets.token_bytes(8)
    ring = crypto.keyring()
    opened = ring.unseal(ring.seal(sample, aad=b"doctor"), aad=b"doctor")
    checkpoint.signer()
    return Finding(
        name="keys",
        well=opened == sample,
        seen=f"encryption key {ring.current!r}, checkpoint key {settings.AUDIT_ORIGIN!r}",
        remedy=_("Set ENCRYPTION_KEYS and AUDIT_SIGNING_KEY."),
    )


def _object_store() -> Finding:
    key = f"doctor/{secrets.token_hex(8)}"
    objects.put(key, b"ok", create_only=True)
    well = objects.get(key) == b"ok"
    objects.delete(key)
    return Finding(name="object store", well=well, seen=settings.OBJECT_STORE_URL)


def _chromium() -> Finding:
    found = chromium.find()
    return Finding(
        name="chromium",
        well=found.headless is not None,
        seen=f"headless {found.headless}, headed {found.headed}, xvfb {found.xvfb}",
        remedy=_("Run `make` once, or install chromium-headless-shell, chromium and xvfb."),
    )


def _ports() -> Iterator[Finding]:
    for name, url in (("web port", settings.BASE_URL), ("live port", settings.LIVE_URL)):
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.socket() as probe:
            probe.settimeout(1)
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        yield Finding(
            name=name, well=True, seen=f"{port} {'in use' if taken else 'free'}", needed=False
        )


def _system_checks() -> Iterator[Finding]:
    for message in checks.run_checks():
        if message.level >= checks.WARNING:
            yield Finding(
                name=message.id or "check", well=False, seen=message.msg, remedy=message.hint or ""
            )
