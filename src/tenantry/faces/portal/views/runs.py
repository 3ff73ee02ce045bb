"""The log of runs, and one run with everything that is known of it."""

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render

from tenantry.core import clock
from tenantry.faces.portal import runlog
from tenantry.faces.portal.access import tenant_page
from tenantry.faces.portal.filters import Filters
from tenantry.sdk.portal import TenantRequest
from tenantry.work.automation import queries as automation
from tenantry.work.schedules import queries

_PER_PAGE = 25


@tenant_page()
def list_runs(request: TenantRequest, short_id: str) -> HttpResponse:
    """Show what came of every slot, the newest first, as far as the filters let through."""
    del short_id
    tenant_id = request.tenant.tenant_id
    now = clock.now()
    standings = queries.list_for_tenant(tenant_id=tenant_id, now=now)
    schedules = [(standing.schedule.id, standing.schedule.name) for standing in standings]
    filters = Filters.read(request.GET, schedules=schedules, now=now)
    slots = queries.list_slots(tenant_id=tenant_id, **filters.wanted())
    page = Paginator(slots, _PER_PAGE).get_page(request.GET.get("page"))
    runs = [runlog.Run(slot) for slot in page]
    return render(request, "portal/runs.html", {"page": page, "runs": runs, "filters": filters})


@tenant_page()
def show_run(request: TenantRequest, short_id: str, slot_id: UUID) -> HttpResponse:
    """Show one slot: cause and remedy, the four answers, what happened, and the evidence."""
    del short_id
    tenant_id = request.tenant.tenant_id
    run = runlog.Run(queries.get_slot(tenant_id=tenant_id, slot_id=slot_id))
    job_id = run.slot.job_id
    attempts = automation.list_attempts(tenant_id=tenant_id, job_id=job_id) if job_id else ()
    evidence = automation.list_evidence(tenant_id=tenant_id, job_id=job_id) if job_id else ()
    facts = {
        "run": run,
        "timeline": runlog.story_of(run, list(attempts)),
        "evidence": runlog.shown(list(evidence)),
        "proof": runlog.proof_of(run.slot.job),
    }
    return render(request, "portal/run.html", facts)
