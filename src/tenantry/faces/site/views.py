"""The pages of a trial: address, code, company, and how the set-up gets on."""

import re

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tenantry.core import clock, journey, trace
from tenantry.core.errors import DomainError
from tenantry.faces.site import words
from tenantry.faces.site.errors import ResendTooSoon
from tenantry.faces.site.forms import AddressForm, CompanyForm, TrialCodeForm
from tenantry.faces.site.leading import (
    OVER,
    Led,
    language,
    led_by,
    network_of,
    onward,
    page_of,
    sent,
    trial_page,
)
from tenantry.faces.site.progress import progress_of
from tenantry.fleet.hosts import queries as hosts
from tenantry.journeys.onboarding import services
from tenantry.journeys.onboarding.errors import TooManyRegistrations
from tenantry.journeys.onboarding.states import Outcome, RegistrationState

_READ_WRITE = ["GET", "HEAD", "POST"]
_PRESET = re.compile(r"[a-z0-9-]{1,30}")


@never_cache
@require_http_methods(_READ_WRITE)
def trial(request: HttpRequest) -> HttpResponse:
    """Say what a trial is and take an address; whoever is further is sent there."""
    led = led_by(request)
    if led and led.registration.state in OVER:
        return _afresh(request, led)
    if led and page_of(led.registration) not in {"site:trial", "site:code"}:
        return sent(request, page_of(led.registration))
    return _first_page(request, led)


def _first_page(request: HttpRequest, led: Led | None) -> HttpResponse:
    form = AddressForm(
        request.POST or None, initial={"email": led.registration.email if led else ""}
    )
    if request.method == "HEAD" or _is_prefetch(request):
        return render(request, "site/trial.html", {"form": form})
    try:
        led = _begun(request, led)
    except TooManyRegistrations as refusal:
        return _not_begun(request, form, refusal)
    if request.method == "POST" and form.is_valid():
        with form.refusing():
            return _addressed(request, led, form.cleaned_data["email"])
    facts = {
        "form": form,
        "plan": led.registration.plan,
        "region": words.region(led.registration.region) if led.registration.region else None,
        "sent_to": led.registration.email
        if page_of(led.registration) == "site:code" and not form.refusal
        else "",
    }
    response = render(request, "site/trial.html", facts, status=form.status)
    journey.keep(response, led.journey)
    return response


def _not_begun(
    request: HttpRequest, form: AddressForm, refusal: TooManyRegistrations
) -> HttpResponse:
    """Show the page to a network that began too many, which is told so once it asks for one."""
    if request.method == "POST":
        form.refuse(refusal)
    return render(request, "site/trial.html", {"form": form}, status=form.status)


def _is_prefetch(request: HttpRequest) -> bool:
    return "prefetch" in request.headers.get("Sec-Purpose", "")


def _afresh(request: HttpRequest, led: Led) -> HttpResponse:
    """Begin another journey, with a trace of its own, where one leads nowhere any more."""
    if led.registration.state == RegistrationState.EXPIRED:
        messages.info(request, _("Your earlier registration has run out. Please start again."))
    else:
        messages.info(
            request,
            _("You went on in another browser. To go on here, give the same address once more."),
        )
    with trace.start() as fresh:
        response = _first_page(request, None)
        response.headers[trace.HEADER] = fresh.trace_id
        return response


def _begun(request: HttpRequest, led: Led | None) -> Led:
    """Open the registration of a browser that has none yet; presets count whenever they come."""
    asked = {name: request.GET.get(name, "") for name in ("plan", "region")}
    presets = {name: value for name, value in asked.items() if _PRESET.fullmatch(value)}
    if led and not presets:
        return led
    kept = led.journey if led else journey.begin(trace_id=trace.current().trace_id)
    registration = services.begin(
        journey_id=kept.id,
        browser=kept.browser,
        network=network_of(request),
        language=language(),
        now=clock.now(),
        **presets,
    )
    return Led(journey=kept, registration=registration)


def _addressed(request: HttpRequest, led: Led, email: str) -> HttpResponse:
    registration = services.give_address(
        journey_id=led.journey.id,
        browser=led.journey.browser,
        email=email,
        network=network_of(request),
        language=language(),
        now=clock.now(),
    )
    return onward(registration, led.journey)


@trial_page("site:code")
def code(request: HttpRequest, led: Led) -> HttpResponse:
    """Take the code from the mail."""
    form = TrialCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusing():
            registration = services.enter_code(
                journey_id=led.journey.id,
                browser=led.journey.browser,
                code=form.cleaned_data["code"],
                now=clock.now(),
            )
            return onward(registration, led.journey)
    return _code_page(request, led, form)


@trial_page("site:code")
def resend(request: HttpRequest, led: Led) -> HttpResponse:
    """Send a new code to the same address; the one before it ends."""
    if request.method != "POST":
        return redirect("site:code")
    now = clock.now()
    try:
        if wait := led.resend_wait(now):
            raise ResendTooSoon(seconds=wait)
        registration = services.resend(
            journey_id=led.journey.id,
            browser=led.journey.browser,
            network=network_of(request),
            language=language(),
            now=now,
        )
    except DomainError as refusal:
        messages.info(request, f"{refusal.text()} {refusal.remedy_text()}")
        return redirect("site:code")
    messages.info(request, _("A new mail is on its way. Only its code works now."))
    return onward(registration, led.journey)


def _code_page(request: HttpRequest, led: Led, form: TrialCodeForm) -> HttpResponse:
    now, decision = clock.now(), led.registration.decision
    wait = led.resend_wait(now)
    facts = {
        "form": form,
        "led": led,
        "email": led.registration.email,
        "over": led.code_ends_at is not None and led.code_ends_at <= now,
        "wait": wait,
        "wait_text": words.seconds(wait),
        "looked_at": decision is not None and decision.outcome == Outcome.APPROVAL,
        "kind": decision.kind if decision else "",
    }
    return render(request, "site/code.html", facts, status=form.status)


@trial_page("site:company")
def company(request: HttpRequest, led: Led) -> HttpResponse:
    """Take the company's name and where its data lives; language and time zone are guessed."""
    regions = hosts.regions()
    region = words.likely_region(
        wanted=led.registration.region, language=language(), regions=regions
    )
    guessed = {
        "company": led.registration.company,
        "region": region,
        "language": language(),
        "zone": words.likely_zone(region=region, language=language()),
    }
    form = CompanyForm(request.POST or None, regions=regions, initial=guessed)
    if request.method == "POST" and form.is_valid():
        with form.refusing():
            registration = services.give_details(
                journey_id=led.journey.id,
                browser=led.journey.browser,
                now=clock.now(),
                **form.cleaned_data,
            )
            return onward(registration, led.journey)
    facts = {
        "form": form,
        "email": led.registration.email,
        "regions": [(name, words.region(name)) for name in regions],
        "chosen": form["region"].value(),
    }
    return render(request, "site/company.html", facts, status=form.status)


@trial_page("site:progress", methods=("GET", "HEAD"))
def progress(request: HttpRequest, led: Led) -> HttpResponse:
    """Show how the set-up gets on, as it happens."""
    facts = {
        "registration": led.registration,
        "progress": progress_of(led.registration, now=clock.now()),
        "region": words.region(led.registration.region),
        "events": f"{settings.LIVE_URL}/trial/events",
    }
    return render(request, "site/progress.html", facts)


@never_cache
@require_http_methods(_READ_WRITE)
def again(request: HttpRequest) -> HttpResponse:
    """Let go of this browser's registration, which itself goes on, and begin another."""
    response = redirect("site:trial")
    if request.method == "POST":
        journey.forget(response)
    return response
