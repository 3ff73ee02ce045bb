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
from urllib.parse import unquote, urlsplit

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
    (checks, help) do not start one.
    """
    pool = {"min_size": 0, "max_size": env.number("DATABASE_POOL", 10), "timeout": 10}
    options = {"pool": pool, "application_name": "tenantry"}
    # Several test runs may share one server.
    common = {"OPTIONS": options, "TEST": {"NAME": f"test_tenantry_{os.getpid()}"}}
    url = env.text("DATABASE_URL", "")
    if not url:
        return {
            "ENGINE": "tenantry.config.embedded",
            "NAME": "tenantry",
            "USER": "tenantry",
            **common,
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        **common,
    }
