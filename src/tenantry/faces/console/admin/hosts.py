"""The machines that carry companies: how full each is, and whether it takes more."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.contrib.admin import display
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, ngettext_lazy, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from tenantry.core import clock
from tenantry.core.errors import Text
from tenantry.core.gates import Verdict
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.customers.tenants.models import Tenant
from tenantry.faces.console.acts import Act, Order
from tenantry.faces.console.listing import ReadOnlyAdmin, stacked
from tenantry.faces.console.panels import Facts, Grid, Meter, Meters, Panel
from tenantry.faces.console.site import console
from tenantry.faces.console.words import NOTHING, age, both, chip, code, history, row_link, toned
from tenantry.fleet.hosts import queries
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.hosts.models import Host, Lease
from tenantry.fleet.hosts.placement import GATE_TEXTS, SILENT_AFTER
from tenantry.fleet.hosts.states import HostState, LeaseState

_NEARLY_FULL, _FULL = 80, 95
_GATE_NAMES: dict[str, Text] = {
    "region": _("region"),
    "open": pgettext_lazy("host", "open"),
    "heard": _("heard of"),
    "memory": _("memory"),
    "cpu": _("processor"),
    "disk": _("disk"),
}


def _with_reason(verb: Callable[..., Host]) -> Callable[[Order], Host]:
    def run(order: Order) -> Host:
        return verb(host_id=order.row.id, operator=order.actor, reason=order.reason, now=order.now)

    return run


class HostAdmin(ReadOnlyAdmin):
    """The hosts; they register themselves when their process starts."""

    empty = _(
        "No host yet. A machine registers itself: run `tenantry host --name NAME --region REGION`"
        " on it."
    )
    list_display = ("host", "status", "capacity", "companies", "heard")
    list_filter = ("state",)
    search_fields = ("name", "region", "id")
    ordering = ("region", "name")
    acts: ClassVar = (
        Act(
            name="open",
            label=_("Open"),
            icon="lock_open",
            needs=OperatorAct.MANAGE_HOSTS,
            run=_with_reason(hosts.open_host),
            done=ngettext_lazy(
                "%(count)d host was opened.", "%(count)d hosts were opened.", "count"
            ),
            ask=_("New companies may be placed on it from now on."),
            reason=_("Kept in the audit log."),
            fits=lambda row: row.state != HostState.OPEN,
            tone="main",
        ),
        Act(
            name="drain",
            label=_("Drain"),
            icon="lock",
            needs=OperatorAct.MANAGE_HOSTS,
            run=_with_reason(hosts.drain_host),
            done=ngettext_lazy(
                "%(count)d host takes nobody new.", "%(count)d hosts take nobody new.", "count"
            ),
            ask=_("No new company is placed on it. Those that are there stay and keep running."),
            reason=_("Kept in the audit log."),
            fits=lambda row: row.state != HostState.DRAINING,
            tone="bad",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the hosts, with how many companies hold a share of each."""
        rows: QuerySet[Any] = super().get_queryset(request)
        held = Count("leases", filter=~Q(leases__state=LeaseState.RELEASED))
        counted: QuerySet[Any] = rows.annotate(tenants=held)
        return counted

    @display(description=_("host"), ordering="name")
    def host(self, row: Host) -> str:
        """Return the name, over the region."""
        return stacked(row.name, row.region)

    @display(description=_("state"), ordering="state")
    def status(self, row: Host) -> object:
        """Return whether it takes companies."""
        return chip(row.state, row.get_state_display())

    @display(description=_("capacity in use"))
    def capacity(self, row: Host) -> object:
        """Return memory, processor and disk as bars."""
        meters = {"meters": meters_of(row)}
        return SafeString(render_to_string("console/parts/meter_bars.html", meters))

    @display(description=_("companies"), ordering="tenants")
    def companies(self, row: Any) -> int:  # noqa: ANN401  # annotated
        """Return how many hold a share of it."""
        return int(row.tenants)

    @display(description=_("last heard of"), ordering="beat_at")
    def heard(self, row: Host) -> object:
        """Return when its process gave a sign of life."""
        silent = clock.now() - row.beat_at > SILENT_AFTER
        return stacked(toned("bad", _("silent")), age(row.beat_at)) if silent else age(row.beat_at)

    def headline(self, row: Host) -> Sequence[object]:
        """Return state and region."""
        return self.status(row), code(row.region)

    def panels(self, request: HttpRequest, row: Host) -> Sequence[Panel]:
        """Return how full it is, what it is, and who is on it."""
        return [
            Meters(
                title=_("Capacity"),
                meters=meters_of(row),
                note=_("What leases hold, not what is used at this moment."),
            ),
            Facts(
                title=_("Host"),
                rows=[
                    (_("state"), self.status(row)),
                    (_("region"), row.region),
                    (_("last heard of"), both(row.beat_at)),
                    (_("measured"), both(row.measured_at)),
                    (_("registered"), both(row.created_at)),
                    (_("id"), code(row.id)),
                    (_("history"), history("host", row.id)),
                ],
            ),
            _occupants(request, row),
        ]


def _occupants(request: HttpRequest, row: Host) -> Grid:
    leases = list(queries.list_leases(host_id=row.id))
    ids = {lease.tenant_id for lease in leases}
    names = {found.id: found.name for found in console.rows(request, Tenant).filter(id__in=ids)}
    return Grid(
        title=_("Who is on it"),
        heads=[_("company"), _("lease"), _("memory"), _("processor"), _("disk"), _("since")],
        rows=[
            [
                row_link("tenants", "tenant", lease.tenant_id, names.get(lease.tenant_id, NOTHING)),
                lease_chip(lease),
                mebibytes(lease.memory_mb),
                processors(lease.cpu_milli),
                mebibytes(lease.disk_mb),
                age(lease.created_at),
            ]
            for lease in leases
        ],
        empty=_("Nobody holds a share of this host."),
    )


def meters_of(row: Host) -> list[Meter]:
    """Return what is taken of each kind of capacity."""
    return [
        _meter(_("memory"), row.memory_used, row.memory_mb, mebibytes),
        _meter(_("processor"), row.cpu_used, row.cpu_milli, _cores),
        _meter(_("disk"), row.disk_used, row.disk_mb, mebibytes),
    ]


def _meter(label: Text, used: int, total: int, shown: Callable[[int], str]) -> Meter:
    percent = round(100 * used / total, 2)
    tone = "bad" if percent >= _FULL else "warn" if percent >= _NEARLY_FULL else "busy"
    text = gettext("%(used)s of %(total)s") % {"used": shown(used), "total": shown(total)}
    return Meter(label=label, percent=percent, shown=text, tone=tone)


def mebibytes(amount: int) -> str:
    """Return an amount of memory or disk in a unit that is read at once."""
    return f"{amount / 1024:.1f} GiB" if amount >= 1024 else f"{amount} MiB"  # noqa: PLR2004  # MiB in a GiB


def processors(milli: int) -> str:
    """Return thousandths of a processor as processors."""
    count = milli / 1000
    return ngettext("%(count)s processor", "%(count)s processors", 1 if milli == 1000 else 2) % {  # noqa: PLR2004  # one processor
        "count": f"{count:g}"
    }


def _cores(milli: int) -> str:
    return f"{milli / 1000:.3g}"


def lease_chip(lease: Lease) -> object:
    """Return whether a share is held or in use, and until when it is held."""
    shown = chip(lease.state, lease.get_state_display())
    held = lease.state == LeaseState.HELD
    return stacked(shown, age(lease.expires_at)) if held else shown


def explanation_of(lease: Lease) -> Grid:
    """Return why this host was chosen: what each one said."""
    return Grid(
        title=_("Why this host"),
        heads=[_("host"), _("chosen"), _("what its gates answered")],
        rows=[
            [
                code(said["host"]),
                toned("ok", _("yes")) if said["chosen"] else toned("idle", _("no")),
                _answers([Verdict.from_json(stored) for stored in said["verdicts"]]),
            ]
            for said in lease.explanation
        ],
        empty=_("Nothing was recorded."),
    )


def _answers(verdicts: Sequence[Verdict]) -> object:
    closed = [verdict for verdict in verdicts if not verdict.open]
    dots = format_html_join(
        "",
        '<span class="gate gate-{}" title="{}: {}">{}</span>',
        (
            (
                "open" if one.open else "closed",
                _GATE_NAMES.get(one.gate, one.gate),
                one.code,
                "●" if one.open else "○",
            )
            for one in verdicts
        ),
    )
    texts = [str(GATE_TEXTS[one.code].message) % one.facts for one in closed]
    return format_html('<span class="gates">{}</span> {}', dots, " ".join(texts))


console.register(Host, HostAdmin)
