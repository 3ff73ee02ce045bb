"""What browsers may do on the operators' pages."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

HEADER = "Content-Security-Policy"
PREFIX = "/console/"
# Alpine, which Unfold's pages need, evaluates expressions and sets styles; that stays in here.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self' {live}; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class ConsoleMiddleware:
    """Give every answer below `/console/` its policy, unless the answer has a stricter one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Wrap the rest of the stack."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and say what the page may do."""
        response = self.get_response(request)
        if request.path.startswith(PREFIX):
            response.headers.setdefault(HEADER, _POLICY.format(live=settings.LIVE_URL))
        return response
