"""Customers' companies, and what operators do to their instances."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.admin import display
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from tenantry.customers.accounts.roles import OperatorAct
from tenantry.customers.tenants.models import Tenant
from tenantry.faces.console.acts import Act, Order
from tenantry.faces.console.admin import deployments
from tenantry.faces.console.admin.runs import course_of, step_name
from tenantry.faces.console.listing import Link, ReadOnlyAdmin, stacked
from tenantry.faces.console.panels import Panel
from tenantry.faces.console.site import console, may
from tenantry.faces.console.words import NOTHING, age, chip, code
from tenantry.fleet.domains import queries as domains
from tenantry.fleet.provisioning import queries as provisioning
from tenantry.fleet.provisioning import services as runs
from tenantry.fleet.provisioning.models import Step
from tenantry.fleet.provisioning.states import LIVE_RUNS, RunKind, RunState, StepState
from tenantry.fleet.provisioning.steps import BEGIN_FROM, CANCELLABLE
from tenantry.ledger.audit.errors import Stale

# Stands in a version where a company has had no run yet.
_NO_RUN = "none"


def _seen_run(row: Any) -> str:  # noqa: ANN401  # annotated
    return str(row.run_id or _NO_RUN)


def _require_seen(order: Order) -> str:
    """Refuse what was ordered on a page that showed another run; return the step, if one was named.

    The version is the latest run that was shown, and after a slash a step of it.
    """
    if order.seen is None:
        return ""
    run_id, _slash, step = order.seen.partition("/")
    if run_id != _seen_run(order.row):
        raise Stale
    return step


def _begin(kind: RunKind) -> Callable[[Order], object]:
    def run(order: Order) -> object:
        _require_seen(order)
        return runs.start_run(
            tenant_id=order.row.id,
            kind=kind,
            actor=order.actor,
            reason=order.reason,
            now=order.now,
        )

    return run


def _retry(order: Order) -> None:
    step = _require_seen(order)
    runs.retry_run(
        run_id=_run_id(order),
        from_step=step,
        actor=order.actor,
        reason=order.reason,
        now=order.now,
    )


def _cancel(order: Order) -> None:
    _require_seen(order)
    runs.cancel_run(run_id=_run_id(order), actor=order.actor, reason=order.reason, now=order.now)


def _run_id(order: Order) -> UUID:
    run_id: UUID | None = order.row.run_id
    if run_id is None:
        raise Stale
    return run_id


def _may_begin(kind: RunKind) -> Callable[[Any], bool]:
    return lambda row: row.state in BEGIN_FROM[kind] and row.run_state not in LIVE_RUNS


def _may_cancel(row: Any) -> bool:  # noqa: ANN401  # annotated
    unfinished = row.run_state in LIVE_RUNS or row.run_state == RunState.FAILED
    return bool(unfinished and row.run_kind in CANCELLABLE)


_KEPT = _("Kept in the audit log, and shown with the run.")
_ACTS = (
    Act(
        name="retry",
        label=_("Retry"),
        icon="replay",
        needs=OperatorAct.MANAGE_TENANTS,
        run=_retry,
        done=ngettext_lazy("%(count)d run goes on.", "%(count)d runs go on.", "count"),
        ask=_("The run goes on from the step that failed, or from the one named here."),
        reason=_KEPT,
        fits=lambda row: row.run_state == RunState.FAILED,
        tone="main",
    ),
    Act(
        name="resume",
        label=_("Resume"),
        icon="play_arrow",
        needs=OperatorAct.MANAGE_TENANTS,
        run=_begin(RunKind.RESUME),
        done=ngettext_lazy(
            "%(count)d company is being resumed.", "%(count)d companies are being resumed.", "count"
        ),
        ask=_("Its application is started again and proven before its host name opens."),
        reason=_KEPT,
        fits=_may_begin(RunKind.RESUME),
        tone="main",
    ),
    Act(
        name="suspend",
        label=_("Suspend"),
        icon="pause",
        needs=OperatorAct.MANAGE_TENANTS,
        run=_begin(RunKind.SUSPEND),
        done=ngettext_lazy(
            "%(count)d company is being suspended.",
            "%(count)d companies are being suspended.",
            "count",
        ),
        ask=_("Its host name closes and its application stops. Its data stays as it is."),
        reason=_KEPT,
        fits=_may_begin(RunKind.SUSPEND),
        tone="bad",
    ),
    Act(
        name="archive",
        label=_("Archive"),
        icon="archive",
        needs=OperatorAct.MANAGE_TENANTS,
        run=_begin(RunKind.ARCHIVE),
        done=ngettext_lazy(
            "%(count)d company is being archived.",
            "%(count)d companies are being archived.",
            "count",
        ),
        ask=_(
            "Its application, host name and room on the host are given back. Its database is locked"
            " and kept, so that it can come back."
        ),
        reason=_KEPT,
        fits=_may_begin(RunKind.ARCHIVE),
        tone="bad",
    ),
    Act(
        name="cancel",
        label=_("Cancel run"),
        icon="cancel",
        needs=OperatorAct.MANAGE_TENANTS,
        run=_cancel,
        done=ngettext_lazy(
            "%(count)d run is being undone.", "%(count)d runs are being undone.", "count"
        ),
        ask=_("What the run has made so far is undone, the last step first."),
        reason=_KEPT,
        fits=_may_cancel,
        tone="bad",
    ),
)


class TenantAdmin(ReadOnlyAdmin):
    """The customers' companies."""

    heading = _("Companies")
    empty = _("No company yet. The first one comes from /trial, or from `tenantry add-company`.")
    row_template = "console/live_row.html"
    list_display = ("company", "status", "run", "people", "zone", "language", "since")
    list_filter = ("state", "language")
    search_fields = ("name", "short_id", "id")
    ordering = ("name", "id")
    acts: ClassVar = _ACTS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the companies, with how many people each has and with its latest run."""
        latest = provisioning.list_runs().filter(tenant_id=OuterRef("id"))
        rows: QuerySet[Any] = super().get_queryset(request)
        annotated: QuerySet[Any] = rows.annotate(
            people=Count("memberships"),
            run_id=Subquery(latest.values("id")[:1]),
            run_kind=Subquery(latest.values("kind")[:1]),
            run_state=Subquery(latest.values("state")[:1]),
        )
        return annotated

    @display(description=_("company"), ordering="name")
    def company(self, row: Tenant) -> str:
        """Return the name, over the short id."""
        return stacked(row.name, row.short_id)

    @display(description=_("state"), ordering="state")
    def status(self, row: Tenant) -> object:
        """Return its state."""
        return chip(row.state, row.get_state_display())

    @display(description=_("latest run"), ordering="run_state")
    def run(self, row: Any) -> object:  # noqa: ANN401  # annotated
        """Return what was done to its instance last, and what came of it."""
        if not row.run_id:
            return NOTHING
        return stacked(
            chip(row.run_state, RunState(row.run_state).label), RunKind(row.run_kind).label
        )

    @display(description=_("people"), ordering="people")
    def people(self, row: Any) -> int:  # noqa: ANN401  # annotated
        """Return how many people belong to it."""
        return int(row.people)

    @display(description=_("since"), ordering="created_at")
    def since(self, row: Tenant) -> object:
        """Return since when it is a customer."""
        return age(row.created_at)

    def token_of(self, row: Any) -> str:  # noqa: ANN401  # annotated
        """Return the id with the latest run: what is ordered is meant after that run."""
        return f"{row.pk}:{_seen_run(row)}"

    def asked_about(self, act: Act, row: Any, version: str) -> object:  # noqa: ANN401  # annotated
        """Return the step that a run is tried again from, or the short id."""
        step = version.partition("/")[2]
        return step_name(step) if act.name == "retry" and step else row.short_id

    def headline(self, row: Tenant) -> Sequence[object]:
        """Return state and short id."""
        return self.status(row), code(row.short_id)

    def links(self, request: HttpRequest, row: Tenant) -> Sequence[Link]:
        """Return the way to its instance."""
        del request
        found = domains.find_canonical(row.id)
        if found is None:
            return ()
        address = domains.public_url(found.host)
        label = _("Open its host name")
        return [Link(address=address, label=label, icon="open_in_new", outside=True)]

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:  # noqa: ANN401  # annotated
        """Return the page with where its news comes from."""
        live = settings.LIVE_URL.rstrip("/")
        return {
            **super().row_context(request, row),
            "now_url": reverse("console:tenant_now", args=[row.pk]),
            "live_url": f"{live}/console/tenants/{row.pk}/events",
        }

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:  # noqa: ANN401  # annotated
        """Return where it stands, what is being done, and all that belongs to it."""
        run = provisioning.run_of(row.id)
        may_retry = may(request, OperatorAct.MANAGE_TENANTS) and row.run_state == RunState.FAILED
        return [
            course_of(run, again=_again(row) if may_retry else lambda _step: ""),
            deployments.conditions(row.id),
            deployments.instance(row.id),
            deployments.host(row.id),
            deployments.names(row.id),
            deployments.company(row, self.status(row)),
            deployments.further(row),
            deployments.people(row),
            deployments.earlier_runs(row.id),
            *deployments.placement(row.id),
            deployments.history_of(request, row.id),
        ]


def _again(row: Any) -> Callable[[Step], str]:  # noqa: ANN401  # annotated
    page = reverse("console:tenants_tenant_change", args=[row.pk])
    act = reverse("console:tenants_tenant_act", args=["retry"])

    def address(step: Step) -> str:
        if step.state not in {StepState.SUCCEEDED, StepState.FAILED}:
            return ""
        return f"{act}?{urlencode({'rows': f'{row.pk}:{row.run_id}/{step.name}', 'next': page})}"

    return address


console.register(Tenant, TenantAdmin)
