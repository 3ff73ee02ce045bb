"""Settings from the environment, with `NAME_FILE` for secrets, failing loudly.

Every reader takes the variable's name and a default (or a function that makes one when it is
needed); a missing variable without a default, an unreadable file or a value of the wrong kind
raises `ImproperlyConfigured` with the remedy.
"""

import os
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def text(name: str, default: str | Callable[[], str] | None = None) -> str:
    """Return the variable, or the content of the file that `NAME_FILE` points to."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            reason = (
                f"{name}_FILE={path} cannot be read ({error.strerror}): fix the path or its rights."
            )
            raise ImproperlyConfigured(reason) from error
    value = os.environ.get(name, default)
    if value is None:
        reason = f"Set {name}, or {name}_FILE to a file that holds it."
        raise ImproperlyConfigured(reason)
    return value if isinstance(value, str) else value()


def flag(name: str, *, default: bool) -> bool:
    """Return a yes or no: 1/true/yes/on or 0/false/no/off."""
    value = text(name, "1" if default else "0").lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    reason = f"{name}={value!r} is neither yes nor no: use 1 or 0."
    raise ImproperlyConfigured(reason)


def number(name: str, default: int) -> int:
    """Return a whole number."""
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError as error:
        reason = f"{name}={value!r} is not a whole number."
        raise ImproperlyConfigured(reason) from error


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list without blanks."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]
