"""What browsers may do on our pages, and how refusals become answers."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from tenantry.core.errors import DomainError
from tenantry.faces.portal.refusals import RequestMalformed, refused

HEADER = "Content-Security-Policy"
# Operators' pages need more and say so themselves.
_OTHER_FACES = ("/console/",)


def content_security_policy() -> str:
    """Return the policy of every page: nothing inline, nothing foreign, live events only."""
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            f"connect-src 'self' {settings.LIVE_URL}",
            "object-src 'none'",
            "base-uri 'none'",
            # The button that opens an instance is answered with a way to its host name.
            f"form-action 'self' {_instances()}",
            "frame-ancestors 'none'",
        )
    )


def _instances() -> str:
    gateway = urlsplit(settings.GATEWAY_URL)
    port = f":{gateway.port}" if gateway.port else ""
    return f"{gateway.scheme}://*.{settings.TENANT_DOMAIN}{port}"


class PortalMiddleware:
    """Give pages their security policy, and show each `DomainError` with its remedy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Wrap the rest of the stack."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and add the policy unless the answer has its own."""
        malformed = _holds_nul(request)
        response = refused(request, RequestMalformed()) if malformed else self.get_response(request)
        if malformed or not request.path.startswith(_OTHER_FACES):
            response.headers.setdefault(HEADER, content_security_policy())
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Translate a refusal; anything else is a bug and goes on."""
        return refused(request, error) if isinstance(error, DomainError) else None


def _holds_nul(request: HttpRequest) -> bool:
    """Return whether the address holds what no text in PostgreSQL can; forms look themselves."""
    return "\0" in request.path or "%00" in request.META["QUERY_STRING"]
