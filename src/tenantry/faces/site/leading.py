"""Which page of the trial is a visitor's: what the cookie leads, and what its state allows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import wraps
from math import ceil

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from tenantry.core import journey
from tenantry.core.journey import Journey
from tenantry.customers.accounts.services import CODE_MINUTES
from tenantry.journeys.onboarding import queries
from tenantry.journeys.onboarding.capabilities import Act
from tenantry.journeys.onboarding.models import Registration
from tenantry.journeys.onboarding.states import RegistrationState

# Between two codes: a mail may take as long.
RESEND_WAIT = timedelta(seconds=30)
# What an act's page is; the furthest that the state allows is the visitor's.
_PAGES = (
    (Act.WATCH, "site:progress"),
    (Act.GIVE_DETAILS, "site:company"),
    (Act.ENTER_CODE, "site:code"),
    (Act.GIVE_ADDRESS, "site:trial"),
)
# Nothing goes on from here: the next visit is a new journey.
OVER = frozenset({RegistrationState.EXPIRED, RegistrationState.ABANDONED})


@dataclass(frozen=True, kw_only=True)
class Led:
    """A browser's journey, and the registration that it leads."""

    journey: Journey
    registration: Registration

    @property
    def code_ends_at(self) -> datetime | None:
        """Return until when the code that was asked for last can work."""
        asked = self.registration.code_asked_at
        return asked + timedelta(minutes=CODE_MINUTES) if asked else None

    def resend_wait(self, now: datetime) -> int:
        """Return how many seconds are left until another code may be asked for."""
        asked = self.registration.code_asked_at
        return max(0, ceil((asked + RESEND_WAIT - now).total_seconds())) if asked else 0


View = Callable[[HttpRequest, Led], HttpResponse]


def led_by(request: HttpRequest) -> Led | None:
    """Return what this browser leads, or None."""
    kept = journey.read(request.COOKIES)
    found = queries.find_for_browser(journey_id=kept.id, browser=kept.browser) if kept else None
    return Led(journey=kept, registration=found) if kept and found else None


def page_of(registration: Registration) -> str:
    """Return the name of the page that a registration is at."""
    for act, page in _PAGES:
        if registration.can(act):
            return page
    return "site:trial" if registration.state in OVER else "site:progress"


def trial_page(
    *pages: str, methods: tuple[str, ...] = ("GET", "HEAD", "POST")
) -> Callable[[View], Callable[[HttpRequest], HttpResponse]]:
    """Make a view a page of registrations that are at one of `pages`; others are sent to theirs."""

    def wrap(view: View) -> Callable[[HttpRequest], HttpResponse]:
        @never_cache
        @require_http_methods(list(methods))
        @wraps(view)
        def page(request: HttpRequest) -> HttpResponse:
            led = led_by(request)
            at = page_of(led.registration) if led else "site:trial"
            return view(request, led) if led and at in pages else sent(request, at)

        return page

    return wrap


def sent(request: HttpRequest, page: str) -> HttpResponse:
    """Send a browser to a page, whole even where only a part of one was asked for."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(reverse(page))
    return redirect(page)


def onward(registration: Registration, led: Journey) -> HttpResponse:
    """Go on with a registration, and keep it: it may be another one than before."""
    response = redirect(page_of(registration))
    journey.keep(response, replace(led, id=registration.id, trace_id=registration.trace_id))
    return response


def network_of(request: HttpRequest) -> str:
    """Return the address that the browser calls from."""
    return str(request.META.get("REMOTE_ADDR", ""))


def language() -> str:
    """Return the language of the page."""
    return translation.get_language() or settings.LANGUAGE_CODE
