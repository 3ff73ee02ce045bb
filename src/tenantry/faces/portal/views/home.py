"""The start page of a company."""

from django.http import HttpResponse
from django.shortcuts import render

from tenantry.core import clock
from tenantry.customers.notices import queries as notices
from tenantry.faces.portal import planning
from tenantry.faces.portal.access import tenant_page
from tenantry.faces.portal.instances import card_of
from tenantry.faces.portal.runlog import Run
from tenantry.sdk.portal import TenantRequest
from tenantry.work.schedules import queries
from tenantry.work.schedules.states import Status

_SHOWN = 5
_NOTICES = 3


@tenant_page()
def home(request: TenantRequest, short_id: str) -> HttpResponse:
    """Show what is left to begin, what comes, what was, and what needs somebody."""
    del short_id
    tenant, now = request.tenant, clock.now()
    rows = planning.rows(tenant, now=now)
    coming = planning.coming(rows)
    slots = queries.list_slots(tenant_id=tenant.tenant_id)
    steps = planning.steps(tenant, planned=bool(rows))
    facts = {
        "instance": card_of(tenant_id=tenant.tenant_id, user_id=tenant.user_id),
        "today": planning.today(tenant, now=now),
        "steps": steps,
        "done": sum(step.done for step in steps),
        "rows": rows,
        "ready": sum(row.is_ready for row in rows),
        "next": next((row for row in coming if row.is_ready), None),
        "coming": coming[:_SHOWN],
        "runs": [Run(slot) for slot in slots[:_SHOWN]],
        "succeeded": planning.posted(tenant, status=Status.SUCCESS, now=now),
        "failed": planning.posted(tenant, status=Status.FAILED, now=now),
        "notices": notices.list_notices().filter(read_at__isnull=True)[:_NOTICES],
    }
    return render(request, "portal/home.html", facts)
