"""One journey: everything that carries a trace id, in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, register_converter
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from tenantry.core.errors import Text
from tenantry.customers.notices.models import Mail
from tenantry.faces.console.admin.audit import lines_of
from tenantry.faces.console.admin.runs import step_name
from tenantry.faces.console.site import console
from tenantry.faces.console.words import TONES, kind_label, row_link, tenths_of
from tenantry.fleet.provisioning import queries as provisioning
from tenantry.fleet.provisioning.models import Run
from tenantry.journeys.onboarding.models import Registration
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tenantry.ledger.funnel import queries as funnel
from tenantry.ledger.funnel.states import Step as FunnelStep
from tenantry.work.automation.models import Attempt, Job
from tenantry.work.schedules.models import Slot

_MOST = 500


class TraceConverter:
    """A W3C trace id in an address."""

    regex = "[0-9a-f]{32}"

    def to_python(self, value: str) -> str:
        """Return it as it is."""
        return value

    to_url = to_python


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happened on the journey."""

    at: datetime
    tone: str
    title: object
    about: object
    who: object
    text: str = ""


@require_safe
def trace(request: HttpRequest, trace_id: str) -> HttpResponse:
    """Show the journey; one that nothing carries is an empty page, not a refusal."""
    found = chain(_steps(request, trace_id), _first_steps(request, trace_id))
    steps = sorted(found, key=lambda step: step.at)
    context = {
        **console.each_context(request),
        "title": _("Trace"),
        "trace_id": trace_id,
        "steps": steps,
        "took": tenths_of((steps[-1].at - steps[0].at).total_seconds()) if steps else "",
    }
    return TemplateResponse(request, "console/trace.html", context)


def _steps(request: HttpRequest, trace_id: str) -> Iterator[Step]:
    entries = console.rows(request, AuditEntry).filter(trace_id=trace_id).order_by("at", "seq")
    # The steps themselves say when they began and ended, and why.
    entries = entries.exclude(action=Action.PROVISIONING_STEP_CHANGED)
    for line in lines_of(request, list(entries[:_MOST])):
        yield Step(
            at=line.entry.at,
            tone=line.tone,
            title=row_link("audit", "auditentry", line.entry.id, line.entry.label),
            about=line.what,
            who=line.who,
            text=" · ".join(filter(None, (line.moved, line.entry.reason))),
        )
    slots = console.rows(request, Slot).filter(trace_id=trace_id).select_related("schedule")
    for slot in slots[:_MOST]:
        yield Step(
            at=slot.decided_at,
            tone=TONES.get(slot.outcome, "idle"),
            title=row_link("schedules", "slot", slot.id, _("Slot decided")),
            about=slot.schedule,
            who="",
            text=f"{slot.get_outcome_display()} ({slot.code})",
        )
    jobs = console.rows(request, Job).filter(trace_id=trace_id).prefetch_related("tries")
    for job in jobs[:_MOST]:
        yield from _of_job(job)


def _first_steps(request: HttpRequest, trace_id: str) -> Iterator[Step]:
    """Yield how somebody became a customer: the registration, its funnel, runs and mails."""
    registrations = console.rows(request, Registration).filter(trace_id=trace_id)
    for registration in registrations.order_by("created_at")[:_MOST]:
        yield Step(
            at=registration.created_at,
            tone="idle",
            title=row_link("onboarding", "registration", registration.id, _("Registration begins")),
            about=registration.reference,
            who="",
        )
    for event in funnel.list_for_trace(trace_id)[:_MOST]:
        yield Step(
            at=event.at,
            tone="busy",
            title=FunnelStep(event.step).label,
            about=_("step of the funnel"),
            who="",
        )
    for run in provisioning.runs_of_trace(trace_id)[:_MOST]:
        yield from _of_run(run)
    for mail in console.rows(request, Mail).filter(trace_id=trace_id)[:_MOST]:
        yield from _of_mail(mail)


def _of_run(run: Run) -> Iterator[Step]:
    about = run.get_kind_display()
    moments: list[tuple[datetime | None, str, Text]] = [
        (run.created_at, "idle", _("Run asked for")),
        (run.ended_at, TONES.get(run.state, "idle"), _("Run ended")),
    ]
    for at, tone, title in moments:
        if at is not None:
            yield Step(
                at=at,
                tone=tone,
                title=row_link("provisioning", "run", run.id, title),
                about=about,
                who="",
                text=run.reason if at == run.created_at else str(run.get_state_display()),
            )
    for step in provisioning.steps_of(run):
        if step.started_at is not None:
            yield Step(
                at=step.started_at,
                tone="idle",
                title=row_link("provisioning", "run", run.id, step_name(step.name)),
                about=_("step of a run begins"),
                who="",
            )
        if step.ended_at is not None:
            yield Step(
                at=step.ended_at,
                tone=TONES.get(step.state, "idle"),
                title=row_link("provisioning", "run", run.id, step_name(step.name)),
                about=_("step of a run ends"),
                who="",
                text=" ".join(filter(None, (str(step.get_state_display()), step.error_code))),
            )


def _of_mail(mail: Mail) -> Iterator[Step]:
    moments: list[tuple[datetime | None, str, Text]] = [
        (mail.created_at, "idle", _("Mail written")),
        (mail.sent_at, "ok", _("Mail sent")),
    ]
    for at, tone, title in moments:
        if at is not None:
            yield Step(
                at=at,
                tone=tone,
                title=row_link("notices", "mail", mail.id, title),
                about=mail.template,
                who=mail.recipient,
                text=mail.last_error,
            )


def _of_job(job: Any) -> Iterator[Step]:  # noqa: ANN401  # with its attempts
    moments: list[tuple[datetime | None, str, Text]] = [
        (job.created_at, "idle", _("Job made")),
        (job.submitted_at, "busy", _("Job submits")),
        (job.ended_at, TONES.get(job.state, "idle"), _("Job ended")),
    ]
    for at, tone, title in moments:
        if at is not None:
            yield Step(
                at=at,
                tone=tone,
                title=row_link("automation", "job", job.id, title),
                about=kind_label(job.kind),
                who="",
                text=job.get_state_display() if at == job.ended_at else "",
            )
    for attempt in job.tries.all():
        yield from _of_attempt(job, attempt)


def _of_attempt(job: Job, attempt: Attempt) -> Iterator[Step]:
    title = _("Attempt %(number)s begins") % {"number": attempt.number}
    link = row_link("automation", "job", job.id, title)
    about = attempt.get_mode_display()
    yield Step(at=attempt.started_at, tone="idle", title=link, about=about, who="")
    if attempt.ended_at:
        ended = _("Attempt %(number)s ends") % {"number": attempt.number}
        yield Step(
            at=attempt.ended_at,
            tone="bad" if attempt.error_code else "ok",
            title=row_link("automation", "job", job.id, ended),
            about=attempt.error_code,
            who="",
            text=attempt.message,
        )


register_converter(TraceConverter, "trace")
console.page(path("trace/<trace:trace_id>/", console.admin_view(trace), name="trace"))
