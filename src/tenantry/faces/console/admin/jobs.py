"""All work on all connections, with its attempts and evidence."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from django.contrib.admin import display
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy

from tenantry.core.errors import Text
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.acts import Act, Order
from tenantry.faces.console.errors import JobNotHeld, JobTooLate
from tenantry.faces.console.filters import ErrorCodeFilter, KindFilter
from tenantry.faces.console.listing import TenantRowsAdmin, TracedRows, stacked
from tenantry.faces.console.panels import Facts, Grid, Panel, told
from tenantry.faces.console.site import console
from tenantry.faces.console.words import (
    NOTHING,
    age,
    both,
    chip,
    code,
    history,
    journey,
    kind_label,
    link,
    row_link,
    tenths_of,
    toned,
)
from tenantry.work.automation import queries
from tenantry.work.automation import services as automation
from tenantry.work.automation.models import Evidence, Job
from tenantry.work.automation.retry import Phase
from tenantry.work.automation.states import STOPPABLE, JobState

_PHASES: Mapping[str, Text] = {
    Phase.BEFORE_SUBMIT: _("before submitting"),
    Phase.SUBMITTED: _("submitted"),
    Phase.PROVEN_ABSENT: _("shown to be absent"),
}


def _cancel(order: Order) -> None:
    stopped = automation.cancel(
        job_ids=[order.row.id], actor=order.actor, now=order.now, reason=order.reason
    )
    if not stopped.stopped:
        raise JobTooLate


def _release(order: Order) -> None:
    if not automation.release(job_ids=[order.row.id], actor=order.actor, now=order.now):
        raise JobNotHeld


class JobAdmin(TracedRows, TenantRowsAdmin):
    """All work on all connections."""

    empty = _("No job yet. A due schedule whose gates are open makes one.")
    list_display = ("what", "company", "status", "cause", "made", "trace")
    list_filter = ("state", ErrorCodeFilter, KindFilter, "debug")
    list_select_related = ("connection",)
    search_fields = ("id", "trace_id", "error_message", "connection__label")
    ordering = ("-created_at",)
    acts: ClassVar = (
        Act(
            name="release",
            label=_("Release"),
            icon="play_arrow",
            needs=OperatorAct.MANAGE_JOBS,
            run=_release,
            done=ngettext_lazy(
                "%(count)d job was released.", "%(count)d jobs were released.", "count"
            ),
            fits=lambda row: row.state == JobState.HELD,
            tone="main",
        ),
        Act(
            name="cancel",
            label=_("Cancel"),
            icon="cancel",
            needs=OperatorAct.MANAGE_JOBS,
            run=_cancel,
            done=ngettext_lazy(
                "%(count)d job was cancelled.", "%(count)d jobs were cancelled.", "count"
            ),
            ask=_("What has not been submitted yet will not be. A cancelled job stays so."),
            reason=_("The customer reads it in the run's log."),
            fits=lambda row: row.state in STOPPABLE,
            tone="bad",
        ),
    )

    def name_of(self, row: Job) -> str:
        """Return the kind and the connection."""
        return f"{kind_label(row.kind)}, {row.connection}"

    @display(description=_("job"), ordering="kind")
    def what(self, row: Job) -> str:
        """Return the kind, over the connection."""
        return stacked(kind_label(row.kind), row.connection)

    @display(description=_("state"), ordering="state")
    def status(self, row: Job) -> object:
        """Return the state, over the attempts and whether it runs in debug mode."""
        notes: list[Text] = [_("debug mode")] if row.debug else []
        if row.attempts > 1:
            text = ngettext("%(count)d attempt", "%(count)d attempts", row.attempts)
            notes.append(text % {"count": row.attempts})
        shown = chip(row.state, row.get_state_display())
        return stacked(shown, ", ".join(map(str, notes))) if notes else shown

    @display(description=_("cause"), ordering="error_code")
    def cause(self, row: Job) -> object:
        """Return the error code, over the operators' hint."""
        return stacked(row.error_code, row.error.hint) if row.error else NOTHING

    @display(description=_("made"), ordering="created_at")
    def made(self, row: Job) -> object:
        """Return when it was made."""
        return age(row.created_at)

    def headline(self, row: Job) -> Sequence[object]:
        """Return state, mode and company."""
        mode = [toned("busy", _("debug mode"))] if row.debug else []
        return chip(row.state, row.get_state_display()), *mode, self.company(row)

    def panels(self, request: HttpRequest, row: Job) -> Sequence[Panel]:
        """Return what became of it, its attempts and its evidence."""
        del request
        facts: list[tuple[Text, object]] = [
            (_("made"), both(row.created_at)),
            (_("not before"), both(row.run_after)),
            (_("started"), both(row.started_at)),
            (_("submitted"), both(row.submitted_at)),
            (_("ended"), both(row.ended_at)),
            (_("trace"), journey(row.trace_id)),
            (_("id"), code(row.id)),
            (_("history"), history("job", row.id)),
        ]
        return [
            Facts(title=_("Outcome"), rows=self._outcome(row)),
            Facts(title=_("Course"), rows=facts),
            _attempts(row),
            _evidence(row),
        ]

    def _outcome(self, row: Job) -> list[tuple[Text, object]]:
        rows: list[tuple[Text, object]] = [
            (_("state"), chip(row.state, row.get_state_display())),
            (_("attempts"), row.attempts),
            (_("kind"), kind_label(row.kind)),
            (
                _("connection"),
                row_link("automation", "connection", row.connection_id, row.connection),
            ),
        ]
        if row.article_url:
            rows.append((_("published at"), link(row.article_url, row.article_url)))
        return rows + told(row.error, row.error_message)


def _attempts(row: Job) -> Grid:
    attempts = queries.list_attempts(tenant_id=row.tenant_id, job_id=row.id)
    return Grid(
        title=_("Attempts"),
        heads=[_("no."), _("mode"), _("phase"), _("outcome"), _("detail"), _("started"), _("took")],
        rows=[
            [
                attempt.number,
                attempt.get_mode_display(),
                _PHASES.get(attempt.phase, attempt.phase) or NOTHING,
                _outcome_of(attempt.error_code, ended=attempt.ended_at is not None),
                attempt.message or NOTHING,
                age(attempt.started_at),
                tenths_of((attempt.ended_at - attempt.started_at).total_seconds())
                if attempt.ended_at
                else NOTHING,
            ]
            for attempt in attempts
        ],
        empty=_("It was not tried yet."),
    )


def _outcome_of(error_code: str, *, ended: bool) -> object:
    if error_code:
        return toned("bad", error_code)
    return toned("ok", _("done")) if ended else toned("busy", _("running"))


def _evidence(row: Job) -> Grid:
    evidence = queries.list_evidence(tenant_id=row.tenant_id, job_id=row.id)
    return Grid(
        title=_("Evidence"),
        heads=[_("what"), _("attempt"), _("size"), _("SHA-256"), _("stored")],
        rows=[
            [
                _look_at(piece),
                piece.attempt_number,
                f"{piece.size:,} B",
                code(f"{piece.sha256[:16]}…") if piece.sha256 else NOTHING,
                age(piece.created_at),
            ]
            for piece in evidence
        ],
        empty=_("There is no evidence: it is kept for failures and for published posts."),
    )


def _look_at(piece: Evidence) -> object:
    if piece.lost:
        return stacked(piece.get_kind_display(), piece.lost)
    return link(
        reverse("console:evidence", args=[piece.tenant_id, piece.id]), piece.get_kind_display()
    )


console.register(Job, JobAdmin)
