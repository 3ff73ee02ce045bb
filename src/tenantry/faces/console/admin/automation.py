"""Sessions, jobs and processes."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy

from tenantry.core import clock
from tenantry.core.errors import NotFound, Text
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.acts import Act, Order
from tenantry.faces.console.errors import JobNotHeld, JobTooLate
from tenantry.faces.console.listing import ReadOnlyAdmin, TenantRowsAdmin, stacked
from tenantry.faces.console.panels import Facts, Grid, Panel
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
from tenantry.work.automation import kinds, queries
from tenantry.work.automation import services as automation
from tenantry.work.automation.models import Connection, Evidence, Job, ProcessBeat
from tenantry.work.automation.states import STOPPABLE, JobState, SessionState


def _check(order: Order) -> None:
    automation.check_connection(
        tenant_id=order.row.tenant_id,
        connection_id=order.row.id,
        actor=order.actor,
        now=order.now,
    )


def _disconnect(order: Order) -> None:
    automation.disconnect(
        tenant_id=order.row.tenant_id,
        connection_id=order.row.id,
        actor=order.actor,
        now=order.now,
        reason=order.reason,
    )


def _cancel(order: Order) -> None:
    stopped = automation.cancel(
        job_ids=[order.row.id], actor=order.actor, now=order.now, reason=order.reason
    )
    if not stopped.stopped:
        raise JobTooLate


def _release(order: Order) -> None:
    if not automation.release(job_ids=[order.row.id], actor=order.actor, now=order.now):
        raise JobNotHeld


class ConnectionAdmin(TenantRowsAdmin):
    """The living logins of all customers."""

    empty = _("No customer has connected an account yet.")
    list_display = ("name", "company", "session", "expires", "checked", "trouble")
    list_filter = ("session_state", "product", "connector")
    search_fields = ("label", "account", "id")
    ordering = ("-created_at",)
    acts: ClassVar = (
        Act(
            name="check",
            label=_("Check session"),
            icon="network_check",
            needs=OperatorAct.MANAGE_JOBS,
            run=_check,
            done=ngettext_lazy(
                "%(count)d session is being checked.",
                "%(count)d sessions are being checked.",
                "count",
            ),
            fits=lambda row: row.session_state != SessionState.PENDING and row.session_secret_id,
        ),
        Act(
            name="disconnect",
            label=_("Disconnect"),
            icon="link_off",
            needs=OperatorAct.DISCONNECT,
            run=_disconnect,
            done=ngettext_lazy(
                "%(count)d account was disconnected.",
                "%(count)d accounts were disconnected.",
                "count",
            ),
            ask=_(
                "The saved login is destroyed and waiting jobs are cancelled. The customer has to"
                " connect the account again."
            ),
            reason=_("Kept in the audit log."),
            tone="bad",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the live connections: removed ones are history, in the audit log."""
        return super().get_queryset(request).filter(removed_at__isnull=True)

    @display(description=_("account"), ordering="label")
    def name(self, row: Connection) -> str:
        """Return the label, over the masked account."""
        return stacked(row.label or row.connector, row.masked_account)

    @display(description=_("session"), ordering="session_state")
    def session(self, row: Connection) -> object:
        """Return the session's state."""
        return chip(row.session_state, row.get_session_state_display())

    @display(description=_("expires"), ordering="session_expires_at")
    def expires(self, row: Connection) -> object:
        """Return when the session ends by itself."""
        return age(row.session_expires_at)

    @display(description=_("last check"), ordering="session_checked_at")
    def checked(self, row: Connection) -> object:
        """Return when somebody looked last."""
        return age(row.session_checked_at)

    @display(description=_("cause"))
    def trouble(self, row: Connection) -> object:
        """Return why it was lost."""
        return stacked(row.session_code, row.error.cause) if row.error else NOTHING

    def headline(self, row: Connection) -> Sequence[object]:
        """Return state and company."""
        return self.session(row), self.company(row)

    def panels(self, request: HttpRequest, row: Connection) -> Sequence[Panel]:
        """Return the session, why it is as it is, and the last jobs."""
        del request
        jobs = queries.list_jobs(tenant_id=row.tenant_id).filter(connection_id=row.id)[:10]
        cause: list[tuple[Text, object]] = []
        if row.error:
            cause = [
                (_("cause"), row.error.cause),
                (_("for the customer"), row.error.remedy),
                (_("for operators"), row.error.hint),
                (_("detail"), row.session_reason or NOTHING),
            ]
        return [
            Facts(
                title=_("Session"),
                rows=[
                    (_("state"), self.session(row)),
                    (_("expires"), both(row.session_expires_at)),
                    (_("last check"), both(row.session_checked_at)),
                    (_("sign-in must end by"), both(row.session_deadline)),
                    (_("error code"), code(row.session_code)),
                    *cause,
                ],
            ),
            Facts(
                title=_("Connection"),
                rows=[
                    (_("account"), row.masked_account),
                    (_("product"), row.product),
                    (_("connector"), row.connector),
                    (_("connected"), both(row.created_at)),
                    (_("id"), code(row.id)),
                    (_("history"), history("connection", row.id)),
                ],
            ),
            Grid(
                title=_("Last jobs"),
                heads=[_("job"), _("state"), _("cause"), _("made")],
                rows=[
                    [
                        row_link("automation", "job", job.id, kind_label(job.kind)),
                        chip(job.state, job.get_state_display()),
                        job.error_code or NOTHING,
                        age(job.created_at),
                    ]
                    for job in jobs
                ],
                empty=_("No job has run on this connection yet."),
            ),
        ]


class JobAdmin(TenantRowsAdmin):
    """All work on all connections."""

    empty = _("No job yet. A due schedule whose gates are open makes one.")
    list_display = ("what", "company", "status", "cause", "made", "trace")
    list_filter = ("state", "error_code", "kind", "debug")
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

    @display(description=_("trace"))
    def trace(self, row: Job) -> object:
        """Return the journey it belongs to."""
        return journey(row.trace_id)

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
        if row.error:
            rows += [
                (_("error code"), code(row.error_code)),
                (_("cause"), row.error.cause),
                (_("for the customer"), row.error.remedy),
                (_("for operators"), row.error.hint),
                (_("detail"), row.error_message or NOTHING),
            ]
        return rows


def _attempts(row: Job) -> Grid:
    attempts = queries.list_attempts(tenant_id=row.tenant_id, job_id=row.id)
    return Grid(
        title=_("Attempts"),
        heads=[_("no."), _("mode"), _("phase"), _("outcome"), _("detail"), _("started"), _("took")],
        rows=[
            [
                attempt.number,
                attempt.get_mode_display(),
                attempt.phase or NOTHING,
                _outcome_of(attempt.error_code, ended=attempt.ended_at is not None),
                attempt.message or NOTHING,
                age(attempt.started_at),
                f"{(attempt.ended_at - attempt.started_at).total_seconds():.1f} s"
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


class ProcessAdmin(ReadOnlyAdmin):
    """The processes of the platform and their signs of life."""

    empty = _("No process has given a sign of life: start them with `tenantry up`.")
    list_display = ("process", "life", "beat", "started", "where", "version", "note")
    list_display_links = None
    list_filter = ("kind",)
    ordering = ("kind", "host", "pid")

    @display(description=_("process"), ordering="kind")
    def process(self, row: ProcessBeat) -> str:
        """Return what it does."""
        return row.kind

    @display(description=_("alive"))
    def life(self, row: ProcessBeat) -> object:
        """Return whether it still lives."""
        is_alive = clock.now() - row.beat_at < queries.ALIVE_WITHIN
        return toned("ok", _("alive")) if is_alive else toned("bad", _("silent"))

    @display(description=_("last sign of life"), ordering="beat_at")
    def beat(self, row: ProcessBeat) -> object:
        """Return when it was heard last."""
        return age(row.beat_at)

    @display(description=_("started"), ordering="started_at")
    def started(self, row: ProcessBeat) -> object:
        """Return since when it runs."""
        return age(row.started_at)

    @display(description=_("where"), ordering="host")
    def where(self, row: ProcessBeat) -> object:
        """Return host and process id."""
        return code(f"{row.host}:{row.pid}")

    def panels(self, request: HttpRequest, row: ProcessBeat) -> Sequence[Panel]:
        """Return the little there is."""
        del request
        return [
            Facts(
                title=_("Process"),
                rows=[
                    (_("alive"), self.life(row)),
                    (_("last sign of life"), both(row.beat_at)),
                    (_("started"), both(row.started_at)),
                    (_("where"), self.where(row)),
                    (_("version"), row.version or NOTHING),
                    (_("note"), row.note or NOTHING),
                ],
            )
        ]


def kind_label(name: str) -> Text:
    """Return how a kind of job reads; its name where its product is gone."""
    try:
        return kinds.get(name).label
    except NotFound:
        return name


def history(kind: str, row_id: object) -> object:
    """Return the link to what the audit log says about one thing."""
    address = f"{reverse('console:audit_auditentry_changelist')}?target={kind}:{row_id}"
    return link(address, _("in the audit log"))


console.register(Connection, ConnectionAdmin)
console.register(Job, JobAdmin)
console.register(ProcessBeat, ProcessAdmin)
