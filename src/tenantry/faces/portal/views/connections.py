"""Connections: the tenant's accounts on outside sites, and the state of their sign-in."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenantry.core import clock
from tenantry.customers.tenants.roles import Act
from tenantry.faces.portal.access import tenant_page
from tenantry.faces.portal.accounts import account_of, troubles
from tenantry.faces.portal.forms import ConnectForm
from tenantry.faces.portal.timeline import Entry, entries_of
from tenantry.ledger.audit import queries as audit
from tenantry.sdk.portal import TenantRequest
from tenantry.work.automation import queries as automation
from tenantry.work.automation import services
from tenantry.work.automation.models import Connection

_HISTORY = 20


@tenant_page()
def list_connections(request: TenantRequest, short_id: str) -> HttpResponse:
    """Show every account with the state of its sign-in."""
    del short_id
    found = automation.list_connections(tenant_id=request.tenant.tenant_id)
    accounts = [account_of(connection) for connection in found]
    facts = {"accounts": accounts, "troubles": troubles()}
    return render(request, "portal/connections.html", facts)


@tenant_page()
def show_connection(request: TenantRequest, short_id: str, connection_id: UUID) -> HttpResponse:
    """Show one account: state, facts, what to do, and its history."""
    del short_id
    connection = _connection(request, connection_id)
    facts = {
        "account": account_of(connection),
        "history": _history(request, connection),
        "troubles": troubles(),
    }
    return render(request, "portal/connection.html", facts)


@tenant_page(act=Act.MANAGE, methods=["GET", "POST"])
def connect(
    request: TenantRequest, short_id: str, connection_id: UUID | None = None
) -> HttpResponse:
    """Sign an account in, for the first time or again."""
    again = _connection(request, connection_id) if connection_id else None
    form = ConnectForm(request.POST or None, again=again)
    if request.method == "POST" and form.is_valid():
        product, _slash, connector = form.cleaned_data["connector"].partition("/")
        with form.refusing(), transaction.atomic():
            made = services.connect(
                tenant_id=request.tenant.tenant_id,
                product=product,
                connector=connector,
                account=form.cleaned_data["account"],
                password=form.cleaned_data["password"],
                label=form.cleaned_data["label"],
                actor=request.tenant.actor,
                now=clock.now(),
            )
            messages.info(request, _("We are signing in now. This page shows how it went."))
            return redirect("portal:connection", short_id, made.id)
    facts = {"form": form, "again": again and account_of(again)}
    return render(request, "portal/connect.html", facts, status=form.status)


@tenant_page(act=Act.EDIT, methods=["POST"])
def check(request: TenantRequest, short_id: str, connection_id: UUID) -> HttpResponse:
    """Look whether the saved sign-in still counts; posts and changes nothing on the site."""
    services.check_connection(
        tenant_id=request.tenant.tenant_id,
        connection_id=connection_id,
        actor=request.tenant.actor,
        now=clock.now(),
    )
    messages.info(request, _("The test has begun. It only looks; nothing is posted."))
    return redirect("portal:connection", short_id, connection_id)


@tenant_page(act=Act.MANAGE, methods=["POST"])
def disconnect(request: TenantRequest, short_id: str, connection_id: UUID) -> HttpResponse:
    """Forget an account and its saved sign-in."""
    services.disconnect(
        tenant_id=request.tenant.tenant_id,
        connection_id=connection_id,
        actor=request.tenant.actor,
        now=clock.now(),
    )
    messages.success(request, _("The account is disconnected and its saved sign-in destroyed."))
    return redirect("portal:connections", short_id)


def _connection(request: TenantRequest, connection_id: UUID) -> Connection:
    return automation.get_connection(
        tenant_id=request.tenant.tenant_id, connection_id=connection_id
    )


def _history(request: TenantRequest, connection: Connection) -> list[Entry]:
    log = audit.list_for_target("connection", connection.id)[:_HISTORY]
    return entries_of(log, actor=request.tenant.actor)
