"""The parts of a company's page: its instance, host, names, conditions, people and history."""

from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tenantry.core import clock
from tenantry.customers.tenants.models import Membership, Tenant
from tenantry.faces.console.admin.audit import lines_of
from tenantry.faces.console.admin.hosts import (
    explanation_of,
    lease_chip,
    mebibytes,
    processors,
)
from tenantry.faces.console.admin.runs import took_of
from tenantry.faces.console.listing import stacked
from tenantry.faces.console.panels import Facts, Grid, Panel, Timeline
from tenantry.faces.console.site import console
from tenantry.faces.console.words import (
    NOTHING,
    age,
    both,
    chip,
    code,
    journey,
    link,
    row_link,
    toned,
)
from tenantry.fleet.domains import queries as domains
from tenantry.fleet.gateway import queries as gateway
from tenantry.fleet.hosts import queries as hosts
from tenantry.fleet.provisioning import queries as provisioning
from tenantry.fleet.provisioning.models import Instance
from tenantry.fleet.provisioning.states import Observed
from tenantry.journeys.onboarding import queries as onboarding
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action

_MOST_ENTRIES = 15
_MOST_RUNS = 8
_SEEN_TONES = {
    Observed.STARTING: "busy",
    Observed.RUNNING: "ok",
    Observed.DEAD: "bad",
    Observed.STOPPED: "warn",
}


def company(row: Tenant, status: object) -> Facts:
    """Return the company itself, and where it came from."""
    registration = onboarding.find_by_tenant(row.id)
    came: object = NOTHING
    if registration is not None:
        came = row_link("onboarding", "registration", registration.id, registration.reference)
    return Facts(
        title=_("Company"),
        rows=[
            (_("state"), status),
            (_("time zone"), row.zone),
            (_("language"), row.language),
            (_("customer since"), both(row.created_at)),
            (_("registration"), came),
            (_("trace of its registration"), journey(getattr(registration, "trace_id", ""))),
            (_("id"), code(row.id)),
        ],
    )


def further(row: Tenant) -> Facts:
    """Return where to look further."""
    return Facts(
        title=_("Look further"),
        rows=[
            (_("schedules"), _filtered("schedules", "schedule", row)),
            (_("slots"), _filtered("schedules", "slot", row)),
            (_("sessions"), _filtered("automation", "connection", row)),
            (_("jobs"), _filtered("automation", "job", row)),
            (_("runs"), _filtered("provisioning", "run", row)),
            (_("mails"), _filtered("notices", "mail", row)),
        ],
    )


def _filtered(app: str, model: str, row: Tenant) -> object:
    address = reverse(f"console:{app}_{model}_changelist")
    return link(f"{address}?tenant_id={row.id}", _("open"))


def conditions(tenant_id: UUID) -> Grid:
    """Return what is known of the instance, with ages."""
    return Grid(
        title=_("Conditions"),
        heads=[_("condition"), _("holds"), _("changed"), _("checked"), _("cause"), _("what helps")],
        rows=[
            [
                one.get_type_display(),
                chip(one.status, one.get_status_display()),
                age(one.last_transition_at),
                age(one.checked_at),
                stacked(one.trouble.message, one.message) if one.trouble else NOTHING,
                one.trouble.remedy if one.trouble else NOTHING,
            ]
            for one in provisioning.conditions_of(tenant_id)
        ],
        empty=_("Nothing was checked yet: the readiness step of a run begins it."),
    )


def instance(tenant_id: UUID) -> Facts:
    """Return its own deployment as it is wanted and as it was seen."""
    found = provisioning.instance_of(tenant_id)
    if found is None:
        return Facts(title=_("Instance"), rows=[(_("instance"), _("none yet"))])
    return Facts(
        title=_("Instance"),
        rows=[
            (_("wanted"), found.get_desired_display() if found.desired else NOTHING),
            (_("seen"), _seen(found)),
            (_("seen at"), both(found.observed_at)),
            (_("recipe"), f"{found.recipe} {found.version}".strip()),
            (_("process"), code(found.pid)),
            (_("starts"), found.starts),
            (_("address on the host"), code(found.upstream)),
            (_("database"), code(found.database)),
            (_("label"), code(found.label)),
            (_("made"), both(found.created_at)),
        ],
    )


def _seen(found: Instance) -> object:
    tone = _SEEN_TONES.get(Observed(found.observed), "idle")
    return toned(tone, found.get_observed_display())


def host(tenant_id: UUID) -> Facts:
    """Return its host, with what it holds there."""
    lease = hosts.find_lease(tenant_id)
    if lease is None:
        return Facts(title=_("Host"), rows=[(_("host"), _("holds no room on any host"))])
    return Facts(
        title=_("Host"),
        rows=[
            (_("host"), row_link("hosts", "host", lease.host_id, lease.host.name)),
            (_("region"), lease.host.region),
            (_("lease"), lease_chip(lease)),
            (_("memory"), mebibytes(lease.memory_mb)),
            (_("processor"), processors(lease.cpu_milli)),
            (_("disk"), mebibytes(lease.disk_mb)),
            (_("since"), both(lease.created_at)),
        ],
    )


def placement(tenant_id: UUID) -> list[Panel]:
    """Return why it was this host, where it has one."""
    lease = hosts.find_lease(tenant_id)
    return [explanation_of(lease)] if lease else []


def names(tenant_id: UUID) -> Grid:
    """Return its host names, and where the gateway leads them."""
    routes = {route.host: route for route in gateway.list_routes(tenant_id)}
    rows: list[list[object]] = []
    for domain in domains.list_domains(tenant_id):
        route = routes.pop(domain.host, None)
        rows.append(
            [
                link(domains.public_url(domain.host), domain.host),
                domain.get_kind_display(),
                chip(domain.state, domain.get_state_display()),
                age(domain.checked_at),
                chip(route.state, route.get_state_display()) if route else NOTHING,
                code(route.upstream) if route else NOTHING,
                domain.reason or NOTHING,
            ]
        )
    return Grid(
        title=_("Host names"),
        heads=[
            _("host name"),
            _("kind"),
            _("state"),
            _("checked"),
            _("route"),
            _("leads to"),
            _("reason"),
        ],
        rows=rows,
        empty=_("It has no host name now."),
    )


def people(row: Tenant) -> Grid:
    """Return who belongs to it."""
    found = row.memberships.select_related("user").order_by("user__email")
    members: list[Membership] = list(found)
    return Grid(
        title=_("People"),
        heads=[_("person"), _("role"), _("since")],
        rows=[
            [
                row_link("accounts", "user", member.user_id, member.user.email),
                member.get_role_display(),
                age(member.created_at),
            ]
            for member in members
        ],
        empty=_("Nobody belongs to this company."),
    )


def earlier_runs(tenant_id: UUID) -> Grid:
    """Return what was done to its instance, the newest first."""
    found = provisioning.runs_of(tenant_id)[:_MOST_RUNS]
    return Grid(
        title=pgettext_lazy("of instances", "Runs"),
        heads=[_("run"), _("state"), _("cause"), _("reason"), _("asked for"), _("took")],
        rows=[
            [
                row_link("provisioning", "run", run.id, run.get_kind_display()),
                chip(run.state, run.get_state_display()),
                code(run.error_code),
                run.reason or NOTHING,
                age(run.created_at),
                took_of(run.created_at, run.ended_at or clock.now()),
            ]
            for run in found
        ],
        empty=_("Nothing was done to this company's instance yet."),
    )


def history_of(request: HttpRequest, tenant_id: UUID) -> Timeline:
    """Return what happened at it last; what its run did step by step stands there already."""
    rows = console.rows(request, AuditEntry).filter(tenant_id=tenant_id).order_by("-id")
    rows = rows.exclude(action=Action.PROVISIONING_STEP_CHANGED)
    entries = sorted(rows[:_MOST_ENTRIES], key=lambda entry: -entry.seq)
    address = f"{reverse('console:audit_auditentry_changelist')}?tenant={tenant_id}"
    return Timeline(
        title=_("What happened last"),
        lines=lines_of(request, entries),
        more=link(address, _("everything")),
        empty=_("The audit log has nothing about this company."),
    )
