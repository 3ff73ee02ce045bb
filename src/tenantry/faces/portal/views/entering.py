"""Coming in: by the link of a mail, from the trial, and on into the company's own instance."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tenantry.core import clock, journey, tenancy
from tenantry.core.errors import DomainError
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.errors import LinkRefused
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants.errors import TenantStateRefuses
from tenantry.customers.tenants.models import Tenant
from tenantry.faces.portal.access import open_session, person, tenant_page
from tenantry.faces.portal.instances import entrance
from tenantry.journeys.onboarding import queries, services
from tenantry.journeys.onboarding.errors import EntryOver
from tenantry.sdk.portal import TenantRequest


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Sign the reader of a mail in: once, and by a button, as mail programs open links too."""
    if request.method == "POST":
        try:
            user = accounts.redeem_link(token=token, now=clock.now())
        except LinkRefused as refusal:
            return _too_late(request, refusal)
        open_session(request, user)
        return _into(request, user)
    invited = accounts.find_link(token)
    if invited is None:
        return _too_late(request, LinkRefused())
    companies = [access.tenant for access in tenants.list_for_user(invited)]
    facts = {"email": invited.email, "company": companies[0] if len(companies) == 1 else None}
    return render(request, "portal/welcome.html", facts)


def _too_late(request: HttpRequest, refusal: LinkRefused) -> HttpResponse:
    """Say that a link is spent, unless it was by whoever is signed in here."""
    if person(request):
        return redirect("portal:companies")
    facts = {"refusal": refusal}
    return render(request, "portal/welcome_over.html", facts, status=refusal.http_status)


def _into(request: HttpRequest, user: User) -> HttpResponse:
    companies = [access.tenant for access in tenants.list_for_user(user)]
    if len(companies) != 1:
        return redirect("portal:companies")
    return _to(request, user, companies[0])


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """Sign in the browser that proved its address in the trial, and open portal or instance."""
    if request.method != "POST":
        return redirect("site:progress")
    led = journey.read(request.COOKIES)
    if led is None:
        return redirect("site:trial")
    found = queries.get_for_browser(journey_id=led.id, browser=led.browser)
    user = person(request)
    if user is None or user.id != found.user_id:
        try:
            user = services.enter(journey_id=led.id, browser=led.browser, now=clock.now())
        except EntryOver as refusal:
            return _by_code(request, refusal)
        open_session(request, user)
    own = [access.tenant for access in tenants.list_for_user(user)]
    tenant = next((tenant for tenant in own if tenant.id == found.tenant_id), None)
    return _to(request, user, tenant) if tenant else redirect("portal:companies")


def _by_code(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    messages.info(request, f"{refusal.text()} {refusal.remedy_text()}")
    back = urlencode({"next": reverse("portal:companies")})
    return redirect(f"{reverse('portal:sign_in')}?{back}")


def _to(request: HttpRequest, user: User, tenant: Tenant) -> HttpResponse:
    home = redirect("portal:home", tenant.short_id)
    if request.POST.get("to") != "instance":
        return home
    try:
        with tenancy.scope(tenant.id):
            return redirect(entrance(tenant_id=tenant.id, user_id=user.id, now=clock.now()))
    except TenantStateRefuses:
        # The start page says why, and what opens it.
        return home


@tenant_page(methods=["GET", "POST"])
def open_instance(request: TenantRequest, short_id: str) -> HttpResponse:
    """Lead a member into the company's instance; the address itself leads to its card."""
    if request.method != "POST":
        return redirect("portal:home", short_id)
    tenant = request.tenant
    return redirect(entrance(tenant_id=tenant.tenant_id, user_id=tenant.user_id, now=clock.now()))
