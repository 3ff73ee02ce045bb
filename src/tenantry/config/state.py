"""What a machine without any configuration gets: a folder with keys and a database of its own.

Nothing here is used for a value that the environment gives.
"""

import base64
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from tenantry.config import postgres
from tenantry.core import env


def folder() -> Path:
    """Return the state folder: TENANTRY_STATE_DIR, or `.tenantry` where the command was called."""
    return Path(env.text("TENANTRY_STATE_DIR", str(Path.cwd() / ".tenantry"))).resolve()


@dataclass(frozen=True)
class LocalDefaults:
    """Secrets made once per state folder, each in a file that only its owner reads."""

    state_dir: Path

    def secret(self, name: str) -> str:
        """Return a random text of 256 bits."""
        return self._kept(name, lambda: secrets.token_urlsafe(32))

    def encryption_key(self) -> str:
        """Return a keyring with one random key."""
        return self._kept("encryption_keys", lambda: f"local:{_random_key()}")

    def signing_key(self) -> str:
        """Return a random Ed25519 seed, base64."""
        return self._kept("audit_signing_key", _random_key)

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        path = self.state_dir / "keys" / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return _create_once(path, make())


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _create_once(path: Path, value: str) -> str:
    # Written aside and linked, so that of two processes starting at once both read one value.
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value)
        file.flush()
        # Secrets sealed with a key that a power cut took would be lost for good.
        os.fsync(file.fileno())
    try:
        os.link(aside, path)
    except FileExistsError:
        return path.read_text(encoding="utf-8")
    finally:
        aside.unlink()
    return value


def database() -> dict[str, Any]:
    """Return Django's settings for DATABASE_URL, or for the embedded server.

    The embedded server is started by the first connection, so that commands without a database
    (checks, help) do not start one. A DATABASE_URL that is no PostgreSQL address, or names no
    database, is refused.
    """
    url = env.text("DATABASE_URL", "")
    own = {"ENGINE": "tenantry.config.embedded", "NAME": "tenantry", "USER": "tenantry"}
    given: dict[str, Any] = _from_url(url) if url else own
    pool = {"min_size": 0, "max_size": env.number("DATABASE_POOL", 10), "timeout": 10}
    options = {"pool": pool, "application_name": "tenantry", **given.pop("OPTIONS", {})}
    # Several test runs may share one server.
    test = {"NAME": f"test_tenantry_{os.getpid()}"}
    return {**given, "OPTIONS": options, "CONN_HEALTH_CHECKS": True, "TEST": test}


def instances_database(state_dir: Path) -> Callable[[], str]:
    """Return how to find where tenants' databases are made: what INSTANCES_DATABASE_URL says.

    Its role needs CREATEDB and CREATEROLE, and no access to the platform's database. Without that
    variable it is the embedded server's provisioner; that server is started when it is asked for.
    The function raises `psycopg.OperationalError` when it cannot be.
    """
    url = env.text("INSTANCES_DATABASE_URL", "")

    def find() -> str:
        try:
            return url or postgres.ensure(state_dir).provisioner_url
        except postgres.PostgresUnavailable as error:
            # Who asks knows of databases that do not answer, and not where they come from.
            raise psycopg.OperationalError(str(error)) from error

    return find


def _from_url(url: str) -> dict[str, Any]:
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        parts = {}
    if not parts.get("dbname"):
        # The address itself may hold a password, so it is not repeated.
        reason = "DATABASE_URL must read postgresql://user:password@host:5432/database."
        raise ImproperlyConfigured(reason) from None
    return {
        "ENGINE": "tenantry.config.pooled",
        "NAME": parts.pop("dbname"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", 5432)),
        "OPTIONS": parts,
    }
