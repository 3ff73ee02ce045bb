"""What a visitor's browser keeps of one journey: its id, who leads it, and its trace.

One signed cookie that no script can read. Cookies ignore ports, so the live process gets it too.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpResponseBase

from tenantry.core.ids import uuid7

# Where the pages of journeys are; only these read the cookie.
PATH = "/trial"
# Longer than any registration waits, so that whoever comes too late is told so.
KEPT_SECONDS = 60 * 24 * 3600
_SALT = "tenantry.journey"
_SPAN = "0000000000000001"


@dataclass(frozen=True, kw_only=True)
class Journey:
    """A journey, the random value of the browser that leads it, and its trace."""

    id: UUID
    browser: str
    trace_id: str

    @property
    def traceparent(self) -> str:
        """Return the W3C header that continues the journey's trace."""
        return f"00-{self.trace_id}-{_SPAN}-01"


def begin(*, trace_id: str) -> Journey:
    """Return a new journey of a new browser."""
    return Journey(id=uuid7(), browser=secrets.token_urlsafe(32), trace_id=trace_id)


def read(cookies: Mapping[str, str]) -> Journey | None:
    """Return the journey that these cookies carry, or None unless we signed it."""
    name, _path = _place()
    sealed = cookies.get(name, "")
    if not sealed:
        return None
    try:
        kept = signing.loads(sealed, salt=_SALT, max_age=KEPT_SECONDS)
        return Journey(
            id=UUID(kept["id"]), browser=str(kept["browser"]), trace_id=str(kept["trace_id"])
        )
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None


def keep(response: HttpResponseBase, journey: Journey) -> None:
    """Let the browser keep a journey."""
    kept = {"id": str(journey.id), "browser": journey.browser, "trace_id": journey.trace_id}
    name, path = _place()
    response.set_cookie(
        name,
        signing.dumps(kept, salt=_SALT),
        max_age=KEPT_SECONDS,
        path=path,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def forget(response: HttpResponseBase) -> None:
    """Let the browser drop its journey."""
    name, path = _place()
    response.set_cookie(
        name,
        max_age=0,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _place() -> tuple[str, str]:
    """Return the cookie's name and path.

    Over https its name keeps all other sites of the same domain, tenants' instances among them,
    from giving a browser a journey that they lead; such a name is bound to the path `/`.
    """
    return ("__Host-journey", "/") if settings.SESSION_COOKIE_SECURE else ("journey", PATH)
