"""How a refusal looks: a page with cause, remedy and trace, or an RFC 9457 problem."""

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from tenantry.core import trace
from tenantry.core.errors import DomainError, Forbidden, NotFound

_PROBLEM = "application/problem+json"
_KINDS = ["text/html", _PROBLEM, "application/json"]


class SignInNeeded(DomainError):
    """Nobody is signed in."""

    code = "sign_in_needed"
    http_status = 401
    message = _("You are not signed in.")
    remedy = _("Sign in, then open this address again.")


class FormExpired(DomainError):
    """The form's CSRF token is missing or belongs to another session."""

    code = "form_expired"
    http_status = 403
    message = _("This form is no longer valid, so nothing was changed.")
    remedy = _("Go back, reload the page and send the form again. Cookies must be allowed.")


class RequestMalformed(DomainError):
    """The request cannot be understood."""

    code = "bad_request"
    http_status = 400
    message = _("The request cannot be understood.")
    remedy = _("Go back, reload the page and try again.")


class BodyTooBig(DomainError):
    """More was sent than a form may carry; files have limits of their own."""

    code = "body_too_big"
    http_status = 413
    message = _("More was sent than a form may carry, so nothing was changed.")
    remedy = _("Go back, shorten the text and send the form again.")


class Broken(DomainError):
    """A bug; the operators see it under the same trace id."""

    code = "internal_error"
    http_status = 500
    message = _("Something broke on our side.")
    remedy = _("Try again in a minute. If it repeats, tell us the number below.")


def wants_problem(request: HttpRequest) -> bool:
    """Return whether a program asks, by its Accept header."""
    return request.get_preferred_type(_KINDS) in _KINDS[1:]


def refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """Show a refusal; as a problem to programs, as a part of the page to HTMX."""
    trace_id = trace.current().trace_id
    status = refusal.http_status
    if wants_problem(request):
        problem = refusal.problem(trace_id=trace_id, instance=request.path)
        return JsonResponse(problem, status=status, content_type=_PROBLEM)
    facts = {
        "cause": refusal.text(),
        "remedy": refusal.remedy_text(),
        "status": status,
        "title": refusal.text(),
        "trace_id": trace_id,
        "tenant": request.__dict__.get("tenant"),
        "sign_in": isinstance(refusal, SignInNeeded),
    }
    part = (
        "portal/partials/refusal.html" if getattr(request, "htmx", False) else "portal/refusal.html"
    )
    return render(request, part, facts, status=status)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404, for missing and foreign things alike."""
    del exception
    return refused(request, NotFound())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    del exception
    return refused(request, Forbidden())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400, or 413 where it was merely too much."""
    too_big = isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent)
    return refused(request, BodyTooBig() if too_big else RequestMalformed())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 without the database; Django has logged the exception with the trace."""
    return refused(request, Broken())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid CSRF token; `reason` is for Django's own log."""
    del reason
    return refused(request, FormExpired())
