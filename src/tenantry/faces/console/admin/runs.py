"""Runs: what is done to companies' instances, step by step, with what each step said."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from tenantry.core import clock
from tenantry.core.errors import Text
from tenantry.faces.console.listing import TenantRowsAdmin, TracedRows, stacked
from tenantry.faces.console.panels import Course, Facts, LogEntry, Panel, Stage
from tenantry.faces.console.site import console
from tenantry.faces.console.words import (
    NOTHING,
    TONES,
    age,
    both,
    chip,
    code,
    history,
    journey,
    tenths_of,
    toned,
)
from tenantry.fleet.provisioning import queries
from tenantry.fleet.provisioning.models import LogLine, Run, Step
from tenantry.fleet.provisioning.states import Level, StepState

_STEP_NAMES: dict[str, Text] = {
    "place": _("Choose a host"),
    "database": _("Copy the database"),
    "instance": _("Start the application"),
    "domain": _("Claim the host name"),
    "route": _("Open the gateway's route"),
    "readiness": _("Prove that it is ready"),
    "activate": _("Let the owner in"),
    "route_closed": _("Close the gateway's route"),
    "instance_stopped": _("Stop the application"),
    "suspended": _("Mark as suspended"),
    "instance_started": _("Start the application again"),
    "route_open": _("Open the gateway's route again"),
    "resumed": _("Mark as active"),
    "route_removed": _("Remove the gateway's route"),
    "instance_removed": _("Remove the application"),
    "database_locked": _("Lock the database"),
    "database_unlocked": _("Unlock the database"),
    "domain_released": _("Give the host name back"),
    "capacity_released": _("Give the host's room back"),
    "archived": _("Mark as archived"),
}
_MOST_LINES = 400
_LOG_TONES = {Level.WARNING: "warn", Level.ERROR: "bad"}
# Their logs are read most: they stand open.
_OPEN = frozenset({StepState.RUNNING, StepState.WAITING, StepState.FAILED})


class RunAdmin(TracedRows, TenantRowsAdmin):
    """Everything that was done to instances, the newest first."""

    heading = pgettext_lazy("of instances", "Runs")
    empty = _("Nothing was done to an instance yet. A trial that is accepted begins the first run.")
    list_display = ("what", "company", "status", "cause", "made", "took", "trace")
    list_filter = ("state", "kind")
    search_fields = ("id", "trace_id", "reason", "tenant_id")
    ordering = ("-created_at", "-id")

    def name_of(self, row: Run) -> str:
        """Return what it does."""
        return str(row.get_kind_display()).capitalize()

    @display(description=_("run"), ordering="kind")
    def what(self, row: Run) -> str:
        """Return the kind, over the reason."""
        return stacked(row.get_kind_display(), row.reason or NOTHING)

    @display(description=_("state"), ordering="state")
    def status(self, row: Run) -> object:
        """Return the state, over the tries."""
        shown = chip(row.state, row.get_state_display())
        if row.attempts < 2:  # noqa: PLR2004  # tried again
            return shown
        text = ngettext("%(count)d attempt", "%(count)d attempts", row.attempts)
        return stacked(shown, text % {"count": row.attempts})

    @display(description=_("cause"), ordering="error_code")
    def cause(self, row: Run) -> object:
        """Return the error code, over what it says."""
        return stacked(row.error_code, row.trouble.message) if row.trouble else NOTHING

    @display(description=_("asked for"), ordering="created_at")
    def made(self, row: Run) -> object:
        """Return when it was asked for."""
        return age(row.created_at)

    @display(description=_("took"))
    def took(self, row: Run) -> str:
        """Return how long it took, or how long it runs."""
        return took_of(row.created_at, row.ended_at or clock.now())

    def headline(self, row: Run) -> Sequence[object]:
        """Return state and company."""
        return chip(row.state, row.get_state_display()), self.company(row)

    def panels(self, request: HttpRequest, row: Run) -> Sequence[Panel]:
        """Return the steps with their logs, and what is known of the run."""
        del request
        return [course_of(row), _facts(row, self)]


def _facts(row: Run, table: RunAdmin) -> Facts:
    trouble: list[tuple[Text, object]] = []
    if row.trouble:
        trouble = [
            (_("error code"), code(row.error_code)),
            (_("cause"), row.trouble.message),
            (_("what helps"), row.trouble.remedy),
        ]
    return Facts(
        title=pgettext_lazy("of an instance", "Run"),
        rows=[
            (_("company"), table.company(row)),
            *trouble,
            (_("reason"), row.reason or NOTHING),
            (_("region"), row.region or NOTHING),
            (_("recipe"), row.recipe),
            (_("asked for"), both(row.created_at)),
            (_("started"), both(row.started_at)),
            (_("ended"), both(row.ended_at)),
            (_("trace"), journey(row.trace_id)),
            (_("id"), code(row.id)),
            (_("history"), history("run", row.id)),
        ],
    )


def step_name(name: str) -> Text:
    """Return what a step does, in words."""
    return _STEP_NAMES.get(name, name)


def course_of(run: Run | None, *, again: Callable[[Step], str] = lambda _step: "") -> Course:
    """Return a run with its steps and their logs; `again` is where one may retry from a step."""
    empty = _("Nothing was done to this company's instance yet.")
    if run is None:
        return Course(title=pgettext_lazy("of an instance", "Run"), lead=(), stages=(), empty=empty)
    lines: dict[object, list[LogLine]] = {}
    for line in queries.lines_of(run)[-_MOST_LINES:]:
        lines.setdefault(line.step_id, []).append(line)
    stages = [_stage(step, lines.get(step.id, []), again) for step in queries.steps_of(run)]
    asked = [toned("warn", _("cancel was asked for"))] if run.cancel_asked and run.is_live else []
    return Course(
        title=_("Run: %(kind)s") % {"kind": run.get_kind_display()},
        lead=[
            chip(run.state, run.get_state_display()),
            *asked,
            took_of(run.created_at, run.ended_at or clock.now()),
            journey(run.trace_id),
            run.reason,
        ],
        stages=stages,
        empty=empty,
    )


def _stage(step: Step, lines: Sequence[LogLine], again: Callable[[Step], str]) -> Stage:
    end = step.ended_at or (clock.now() if step.started_at else None)
    return Stage(
        name=step_name(step.name),
        key=str(step.id),
        tone=TONES.get(step.state, "idle"),
        state=step.get_state_display(),
        took=took_of(step.started_at, end),
        cause=step.trouble.message if step.trouble else "",
        remedy=step.trouble.remedy if step.trouble else "",
        detail=step.message,
        again=again(step),
        is_open=step.state in _OPEN,
        lines=[
            LogEntry(at=line.at, tone=_LOG_TONES.get(Level(line.level), "idle"), text=line.text)
            for line in lines
        ],
    )


def took_of(start: datetime | None, end: datetime | None) -> str:
    """Return how long something took, to the tenth of a second where that matters."""
    if start is None or end is None:
        return ""
    return tenths_of(max(0.0, (end - start).total_seconds()))


console.register(Run, RunAdmin)
