"""A company's page as it is now: what an open page asks for again."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_safe

from tenantry.core.errors import NotFound
from tenantry.customers.tenants.models import Tenant
from tenantry.faces.console.admin.tenants import TenantAdmin
from tenantry.faces.console.site import console


@require_safe
def now(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    """Show the panels and the acts alone."""
    row = console.rows(request, Tenant).filter(id=tenant_id).first()
    if row is None:
        raise NotFound
    context = TenantAdmin(Tenant, console).row_context(request, row)
    return TemplateResponse(request, "console/parts/live_row.html", context)


console.page(path("companies/<uuid:tenant_id>/now/", console.admin_view(now), name="tenant_now"))
