"""The first page: what needs an operator now, and how everything goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from tenantry.core import clock
from tenantry.core.errors import Text
from tenantry.faces.console import readings
from tenantry.faces.console.chart import chart_of
from tenantry.faces.console.menu import mailbox_is_used
from tenantry.faces.console.site import console
from tenantry.faces.console.words import TONES, age, span_of
from tenantry.ledger.audit import queries as audit
from tenantry.work.automation import queries as automation
from tenantry.work.automation.states import JobState, SessionState
from tenantry.work.schedules.states import AdminStatus

# An entry without a seal after this many seconds means that the sealer has stopped.
_SEAL_LAG_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One number, what it means, and where it leads."""

    name: str
    icon: str
    label: Text
    number: object
    note: object
    address: str
    tone: str = "idle"


@dataclass(frozen=True, kw_only=True)
class Share:
    """One state of many, with its part of the whole in percent."""

    state: str
    label: Text
    count: int
    percent: float
    tone: str
    address: str


@require_safe
def pulse(request: HttpRequest) -> HttpResponse:
    """Show the numbers alone: what an open page asks for again."""
    return TemplateResponse(request, "console/parts/pulse.html", readings_of(clock.now()))


def readings_of(now: datetime) -> dict[str, Any]:
    """Return everything the page counts."""
    schedules = readings.count_schedules()
    hours = readings.count_jobs(now=now)
    processes = automation.list_processes(now=now)
    return {
        "tiles": [
            _approvals(schedules.get(AdminStatus.NEEDS_REVIEW)),
            _trials(),
            _runs(),
            _unsure(hours),
            _audit(now),
            _mails(),
            _queue(now),
        ],
        "chart": chart_of(hours),
        "sessions": _sessions(readings.count_sessions()),
        "processes": [(beat, alive, age(beat.beat_at)) for beat, alive in processes],
        "now": now,
    }


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of the first page; Unfold calls it."""
    del request
    return {
        **context,
        **readings_of(clock.now()),
        "live_url": f"{settings.LIVE_URL.rstrip('/')}/console/events",
    }


def _list(app: str, model: str, query: str = "") -> str:
    address = reverse(f"console:{app}_{model}_changelist")
    return f"{address}?{query}" if query else address


def _approvals(waiting: tuple[int, datetime] | None) -> Tile:
    count, oldest = waiting or (0, None)
    return Tile(
        name="approvals",
        icon="fact_check",
        label=_("awaiting approval"),
        number=count,
        note=format_html(str(_("the oldest from {}")), age(oldest))
        if oldest
        else _("nothing waits"),
        address=reverse("console:approvals"),
        tone="warn" if count else "idle",
    )


def _trials() -> Tile:
    count, oldest = readings.count_trials()
    return Tile(
        name="trials",
        icon="how_to_reg",
        label=_("registrations awaiting approval"),
        number=count,
        note=format_html(str(_("the oldest from {}")), age(oldest))
        if oldest
        else _("nothing waits"),
        address=_list("onboarding", "registration", "state__exact=awaiting_approval"),
        tone="warn" if count else "idle",
    )


def _runs() -> Tile:
    failed = readings.count_failed_runs()
    return Tile(
        name="runs",
        icon="account_tree",
        label=_("failed runs"),
        number=failed,
        note=_("companies whose latest run failed"),
        address=_list("provisioning", "run", "state__exact=failed"),
        tone="bad" if failed else "idle",
    )


def _unsure(hours: Sequence[readings.Hour]) -> Tile:
    failed = sum(hour.counts.get(JobState.FAILED, 0) for hour in hours)
    total = sum(sum(hour.counts.values()) for hour in hours)
    note = ngettext("of %(total)d job in 24 h", "of %(total)d jobs in 24 h", total)
    return Tile(
        name="failed",
        icon="error",
        label=_("failed jobs"),
        number=failed,
        note=note % {"total": total},
        address=_list("automation", "job", "state__exact=FAILED"),
        tone="bad" if failed else "idle",
    )


def _audit(now: datetime) -> Tile:
    health = audit.health(now=now)
    lag = health.oldest_unsealed_seconds or 0.0
    late = lag > _SEAL_LAG_SECONDS or not health.holder
    note: object = _("everything is sealed")
    if not health.holder:
        note = _("nobody seals right now")
    elif health.unsealed:
        note = _("the oldest for %(span)s") % {"span": span_of(lag)}
    return Tile(
        name="audit",
        icon="verified_user",
        label=_("unsealed audit entries"),
        number=health.unsealed,
        note=note,
        address=_list("audit", "auditentry"),
        tone="bad" if late else "idle",
    )


def _mails() -> Tile:
    captured, failed, waiting = readings.count_mails()
    note = ngettext("%(count)d waits to be sent", "%(count)d wait to be sent", waiting)
    boxed = mailbox_is_used()
    return Tile(
        name="mails",
        icon="mail",
        label=_("mails in the mailbox") if boxed else _("mails given up"),
        number=captured if boxed else failed,
        note=note % {"count": waiting},
        address=_list("notices", "captured")
        if boxed
        else _list("notices", "mail", "state__exact=FAILED"),
        tone="bad" if failed and not boxed else "idle",
    )


def _queue(now: datetime) -> Tile:
    lines = readings.list_queue(now=now)
    failed, stalled = sum(line.failed for line in lines), sum(line.stalled for line in lines)
    note = ngettext("%(count)d stalled", "%(count)d stalled", stalled) % {"count": stalled}
    return Tile(
        name="queue",
        icon="stacks",
        label=_("failed messages"),
        number=failed,
        note=note,
        address=reverse("console:queue"),
        tone="bad" if failed else "warn" if stalled else "idle",
    )


def _sessions(counts: dict[str, int]) -> list[Share]:
    total = sum(counts.values())
    return [
        Share(
            state=state,
            label=state.label,
            count=counts[state],
            percent=100 * counts[state] / total,
            tone=TONES[state],
            address=_list("automation", "connection", f"session_state__exact={state}"),
        )
        for state in SessionState
        if counts.get(state)
    ]


console.page(path("pulse/", console.admin_view(pulse), name="pulse"))
