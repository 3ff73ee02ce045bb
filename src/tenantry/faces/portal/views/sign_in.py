"""Signing in with a code by e-mail, and out again."""

from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenantry.core import clock
from tenantry.core.errors import DomainError
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants import queries as tenants
from tenantry.faces.portal.access import open_session, person, portal_page
from tenantry.faces.portal.forms import CodeForm, SignInForm
from tenantry.faces.portal.visitor import Visitor, forget, keep, safe_path, visitor_of

_READ_WRITE = ["GET", "HEAD", "POST"]


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Send whoever comes to where they belong."""
    return redirect("portal:companies" if person(request) else "portal:sign_in")


@never_cache
@require_http_methods(_READ_WRITE)
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for an address and have a code sent; the answer is the same for every address."""
    if person(request):
        return redirect("portal:companies")
    visitor = visitor_of(request)
    back = safe_path(request, request.POST.get("next", request.GET.get("next", "")))
    form = SignInForm(request.POST or None, initial={"email": visitor.email})
    if request.method == "POST" and form.is_valid():
        asking = replace(visitor, email=form.cleaned_data["email"], back=back)
        with form.refusing():
            return _asked(request, asking)
    response = render(
        request, "portal/sign_in.html", {"form": form, "next": back}, status=form.status
    )
    keep(response, visitor)
    return response


@never_cache
@require_http_methods(_READ_WRITE)
def code(request: HttpRequest) -> HttpResponse:
    """Take the code from the mail and open a session of the portal."""
    visitor = visitor_of(request)
    if visitor.expires_at is None:
        return redirect("portal:sign_in")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusing():
            user = accounts.redeem_code(
                email=visitor.email,
                browser=visitor.browser,
                code=form.cleaned_data["code"],
                now=clock.now(),
            )
            return _welcomed(request, user, visitor)
    facts = {"form": form, "visitor": visitor, "over": visitor.expires_at <= clock.now()}
    return render(request, "portal/sign_in_code.html", facts, status=form.status)


@require_POST
def resend(request: HttpRequest) -> HttpResponse:
    """Send a new code to the same address; the one before it ends."""
    visitor = visitor_of(request)
    if not visitor.email:
        return redirect("portal:sign_in")
    try:
        response = _asked(request, visitor)
    except DomainError as refusal:
        form = CodeForm()
        form.refuse(refusal)
        facts = {"form": form, "visitor": visitor, "over": False}
        return render(request, "portal/sign_in_code.html", facts, status=form.status)
    messages.info(request, _("A new mail is on its way. Only its code works now."))
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    messages.info(request, _("You are signed out."))
    return redirect("portal:sign_in")


@portal_page()
def companies(request: HttpRequest) -> HttpResponse:
    """Offer the companies of the person; straight into the only one."""
    user = person(request)
    found = tenants.list_for_user(user) if user else []
    if len(found) == 1:
        return redirect("portal:home", found[0].tenant.short_id)
    return render(request, "portal/companies.html", {"companies": found})


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Remember language and colours in this browser; the language with the person, too."""
    response = redirect(safe_path(request, request.POST.get("next", "")) or "/")
    language, theme = request.POST.get("language", ""), request.POST.get("theme", "")
    if language in dict(settings.LANGUAGES):
        _set_preference(response, settings.LANGUAGE_COOKIE_NAME, language)
        if user := person(request):
            accounts.set_language(
                user=user, language=language, actor=f"user:{user.id}", now=clock.now()
            )
    if theme in {"light", "dark"}:
        _set_preference(response, "theme", theme)
    elif theme:
        response.delete_cookie("theme", samesite="Lax")
    return response


def _asked(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    now: datetime = clock.now()
    accounts.request_code(
        email=visitor.email,
        browser=visitor.browser,
        network=request.META.get("REMOTE_ADDR", ""),
        language=translation.get_language() or settings.LANGUAGE_CODE,
        now=now,
    )
    response = redirect("portal:sign_in_code")
    keep(response, replace(visitor, asked_at=now.isoformat()))
    return response


def _welcomed(request: HttpRequest, user: User, visitor: Visitor) -> HttpResponse:
    open_session(request, user)
    response = redirect(visitor.back or "portal:companies")
    forget(response)
    return response


def _set_preference(response: HttpResponse, name: str, value: str) -> None:
    year = 365 * 24 * 3600
    response.set_cookie(
        name, value, max_age=year, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )
