"""What the tenant's people were told."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render

from tenantry.core import clock
from tenantry.customers.notices import queries, services
from tenantry.customers.tenants.roles import Act
from tenantry.faces.portal.access import tenant_page
from tenantry.sdk.portal import TenantRequest

_PER_PAGE = 20


@tenant_page()
def list_notices(request: TenantRequest, short_id: str) -> HttpResponse:
    """Show the notices, the newest first."""
    del short_id
    page = Paginator(queries.list_notices(), _PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/notices.html", {"page": page, "unread": queries.count_unread()})


@tenant_page(act=Act.EDIT, methods=["POST"])
def read_notices(request: TenantRequest, short_id: str) -> HttpResponse:
    """Mark all as read."""
    services.mark_read(tenant_id=request.tenant.tenant_id, now=clock.now())
    return redirect("portal:notices", short_id)
