"""What a browser keeps between asking for a sign-in code and typing it, in one signed cookie."""

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from tenantry.customers.accounts.services import CODE_MINUTES

COOKIE = "sign_in"
_SALT = "tenantry.portal.sign_in"
_KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A browser: its random value, whom it wants to be, since when, and where it was going."""

    browser: str
    email: str = ""
    asked_at: str = ""
    back: str = ""

    @property
    def expires_at(self) -> datetime | None:
        """Return until when a code that was asked for can work."""
        if not self.asked_at:
            return None
        return datetime.fromisoformat(self.asked_at) + timedelta(minutes=CODE_MINUTES)


def visitor_of(request: HttpRequest) -> Visitor:
    """Return what the browser keeps; a new one if it keeps nothing that we signed."""
    try:
        kept = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_KEPT_SECONDS)
    except signing.BadSignature:
        return Visitor(browser=secrets.token_urlsafe(32))
    return Visitor(**kept)


def keep(response: HttpResponse, visitor: Visitor) -> None:
    """Let the browser keep it; no script can read it."""
    response.set_cookie(
        COOKIE,
        signing.dumps(asdict(visitor), salt=_SALT),
        max_age=_KEPT_SECONDS,
        path="/sign-in/",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def forget(response: HttpResponse) -> None:
    """Let the browser drop it."""
    response.delete_cookie(COOKIE, path="/sign-in/", samesite="Lax")


def safe_path(request: HttpRequest, wanted: str) -> str:
    """Return the wanted address if it is one of ours, else nothing."""
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else ""
