"""Schedules: the list, one schedule with its gates, the form, and the switch."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from tenantry.core import clock
from tenantry.customers.tenants.roles import Act
from tenantry.faces.portal import planning
from tenantry.faces.portal.access import tenant_page
from tenantry.faces.portal.runlog import Run
from tenantry.faces.portal.schedule_forms import ScheduleForm, days_of, zone_names
from tenantry.sdk.portal import TenantRequest
from tenantry.work.schedules import queries, rule, services
from tenantry.work.schedules.models import Schedule

_UPCOMING = 5
_LATEST = 8
_FIRST_LIMIT = 3


@tenant_page()
def list_schedules(request: TenantRequest, short_id: str) -> HttpResponse:
    """Show every schedule with its states side by side."""
    del short_id
    rows = planning.rows(request.tenant, now=clock.now())
    missing = [] if rows else planning.missing(request.tenant)
    return render(request, "portal/schedules.html", {"rows": rows, "missing": missing})


@tenant_page()
def show_schedule(request: TenantRequest, short_id: str, schedule_id: UUID) -> HttpResponse:
    """Show one schedule: what has to be open for a post, what comes, what was."""
    del short_id
    now = clock.now()
    row = planning.row(request.tenant, schedule_id, now=now)
    slots = queries.list_slots(tenant_id=request.tenant.tenant_id, schedule_id=schedule_id)
    facts = {
        "row": row,
        "gates": planning.stations(row),
        "upcoming": queries.upcoming(row.schedule, now=now, count=_UPCOMING),
        "slots": [Run(slot) for slot in slots[:_LATEST]],
    }
    return render(request, "portal/schedule.html", facts)


@tenant_page(act=Act.EDIT, methods=["GET", "POST"])
def create_schedule(request: TenantRequest, short_id: str) -> HttpResponse:
    """Make a schedule."""
    everyday = {"weekdays": days_of(rule.EVERY_DAY), "daily_limit": _FIRST_LIMIT}
    form = _form(request, {"zone": request.tenant.zone, **everyday})
    if request.method == "POST" and form.is_valid():
        with form.refusing(), transaction.atomic():
            made = services.create_schedule(
                tenant_id=request.tenant.tenant_id,
                actor=request.tenant.actor,
                now=clock.now(),
                wanted=form.wanted(),
            )
            messages.success(request, _("The schedule was created."))
            return redirect("portal:schedule", short_id, made.id)
    return _form_page(request, form)


@tenant_page(act=Act.EDIT, methods=["GET", "POST"])
def edit_schedule(request: TenantRequest, short_id: str, schedule_id: UUID) -> HttpResponse:
    """Change a schedule."""
    schedule = queries.get_for_tenant(tenant_id=request.tenant.tenant_id, schedule_id=schedule_id)
    form = _form(request, _as_it_is(schedule))
    if request.method == "POST" and form.is_valid():
        with form.refusing(), transaction.atomic():
            services.edit_schedule(
                tenant_id=request.tenant.tenant_id,
                schedule_id=schedule_id,
                seen_version=form.cleaned_data["version"],
                actor=request.tenant.actor,
                now=clock.now(),
                wanted=form.wanted(),
            )
            messages.success(request, _("The schedule was saved."))
            return redirect("portal:schedule", short_id, schedule_id)
    return _form_page(request, form, schedule)


@tenant_page(act=Act.EDIT, methods=["POST"])
def switch_schedule(request: TenantRequest, short_id: str, schedule_id: UUID) -> HttpResponse:
    """Turn a schedule on or off."""
    act = services.enable if request.POST.get("enabled") == "yes" else services.disable
    act(
        tenant_id=request.tenant.tenant_id,
        schedule_id=schedule_id,
        actor=request.tenant.actor,
        now=clock.now(),
    )
    return redirect("portal:schedule", short_id, schedule_id)


@tenant_page(act=Act.EDIT, methods=["POST"])
def run_schedule(request: TenantRequest, short_id: str, schedule_id: UUID) -> HttpResponse:
    """Post now, through the same gates and limits as by the clock; shows what came of it."""
    slot = services.run_now(
        tenant_id=request.tenant.tenant_id,
        schedule_id=schedule_id,
        actor=request.tenant.actor,
        now=clock.now(),
    )
    return redirect("portal:run", short_id, slot.id)


@tenant_page(act=Act.EDIT, methods=["POST"])
def review_schedule(request: TenantRequest, short_id: str, schedule_id: UUID) -> HttpResponse:
    """Ask an operator to look again at a suspended schedule."""
    services.request_review(
        tenant_id=request.tenant.tenant_id,
        schedule_id=schedule_id,
        actor=request.tenant.actor,
        now=clock.now(),
    )
    messages.info(request, _("An operator looks at it again."))
    return redirect("portal:schedule", short_id, schedule_id)


def _form(request: TenantRequest, initial: Mapping[str, Any]) -> ScheduleForm:
    return ScheduleForm(
        request.POST or None,
        accounts=planning.account_choices(request.tenant),
        contents=planning.content_choices(request.tenant),
        initial=initial,
    )


def _form_page(
    request: TenantRequest, form: ScheduleForm, schedule: Schedule | None = None
) -> HttpResponse:
    facts = {
        "form": form,
        "schedule": schedule,
        "zones": zone_names(),
        "missing": planning.missing(request.tenant),
    }
    return render(request, "portal/schedule_form.html", facts, status=form.status)


def _as_it_is(schedule: Schedule) -> dict[str, object]:
    return {
        "name": schedule.name,
        "connection": str(schedule.connection_id),
        "content": str(schedule.content_id),
        "weekdays": days_of(schedule.weekdays),
        "times": schedule.times,
        "zone": schedule.zone,
        "daily_limit": schedule.daily_limit,
        "version": schedule.version,
    }
