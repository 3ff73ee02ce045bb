"""Schedules and the decisions about their slots."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from django.contrib.admin import display
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy, pgettext

from tenantry.core.errors import Text
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.acts import Act, Order
from tenantry.faces.console.filters import ProductFilter, ReasonFilter
from tenantry.faces.console.listing import TenantRowsAdmin, TracedRows, stacked
from tenantry.faces.console.panels import Facts, Grid, Panel
from tenantry.faces.console.site import console
from tenantry.faces.console.words import (
    NOTHING,
    age,
    both,
    chip,
    code,
    exact,
    history,
    link,
    row_link,
    toned,
)
from tenantry.work.schedules import explanations
from tenantry.work.schedules import services as schedules
from tenantry.work.schedules.models import Schedule, Slot
from tenantry.work.schedules.rule import EVERY_DAY
from tenantry.work.schedules.states import AdminStatus


def _approve(order: Order) -> None:
    schedules.approve(
        schedule_id=order.row.id, actor=order.actor, now=order.now, seen_digest=order.seen
    )


def _unsuspend(order: Order) -> None:
    schedules.unsuspend(
        schedule_id=order.row.id, actor=order.actor, now=order.now, seen_digest=order.seen
    )


def _with_reason(verb: Callable[..., Schedule]) -> Callable[[Order], Schedule]:
    def run(order: Order) -> Schedule:
        return verb(schedule_id=order.row.id, reason=order.reason, actor=order.actor, now=order.now)

    return run


_CUSTOMER_READS = _("The customer reads it, so say the cause and what to do.")

_ACTS = (
    Act(
        name="approve",
        label=_("Approve"),
        icon="check",
        needs=OperatorAct.REVIEW_SCHEDULES,
        run=_approve,
        done=ngettext_lazy(
            "%(count)d schedule was approved.", "%(count)d schedules were approved.", "count"
        ),
        fits=lambda row: row.admin_status == AdminStatus.NEEDS_REVIEW,
        tone="main",
        bound=True,
    ),
    Act(
        name="reject",
        label=_("Reject"),
        icon="close",
        needs=OperatorAct.REVIEW_SCHEDULES,
        run=_with_reason(schedules.reject),
        done=ngettext_lazy(
            "%(count)d schedule was rejected.", "%(count)d schedules were rejected.", "count"
        ),
        ask=_("It will not run. The customer is told, and may change it and ask again."),
        reason=_CUSTOMER_READS,
        fits=lambda row: row.admin_status == AdminStatus.NEEDS_REVIEW,
        tone="bad",
    ),
    Act(
        name="unsuspend",
        label=_("Resume"),
        icon="play_arrow",
        needs=OperatorAct.SUSPEND_SCHEDULES,
        run=_unsuspend,
        done=ngettext_lazy(
            "%(count)d schedule was resumed.", "%(count)d schedules were resumed.", "count"
        ),
        fits=lambda row: row.admin_status == AdminStatus.SUSPENDED,
        tone="main",
        bound=True,
    ),
    Act(
        name="suspend",
        label=_("Suspend"),
        icon="pause",
        needs=OperatorAct.SUSPEND_SCHEDULES,
        run=_with_reason(schedules.suspend),
        done=ngettext_lazy(
            "%(count)d schedule was suspended.", "%(count)d schedules were suspended.", "count"
        ),
        ask=_("It stops at once; what has not been submitted yet will not be."),
        reason=_CUSTOMER_READS,
        fits=lambda row: row.admin_status == AdminStatus.APPROVED,
        tone="bad",
    ),
    Act(
        name="ban",
        label=_("Ban"),
        icon="block",
        needs=OperatorAct.SUSPEND_SCHEDULES,
        run=_with_reason(schedules.ban),
        done=ngettext_lazy(
            "%(count)d schedule was banned.", "%(count)d schedules were banned.", "count"
        ),
        ask=_("It stops for good. Only an appeal that is granted leads back, to a new review."),
        reason=_CUSTOMER_READS,
        fits=lambda row: row.admin_status != AdminStatus.BANNED,
        tone="bad",
    ),
    Act(
        name="appeal",
        label=_("Grant appeal"),
        icon="undo",
        needs=OperatorAct.SUSPEND_SCHEDULES,
        run=_with_reason(schedules.grant_appeal),
        done=ngettext_lazy("%(count)d ban was lifted.", "%(count)d bans were lifted.", "count"),
        ask=_("The ban is lifted; the schedule then waits for a review."),
        reason=_("Kept in the audit log."),
        fits=lambda row: row.admin_status == AdminStatus.BANNED,
    ),
)
_DAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))


class ScheduleAdmin(TenantRowsAdmin):
    """What customers want published, and the operators' word on it."""

    empty = _("No customer has made a schedule yet.")
    list_display = ("title", "company", "status", "switch", "session", "due")
    list_filter = ("admin_status", "user_enabled", "connection__session_state", ProductFilter)
    list_select_related = ("connection",)
    search_fields = ("name", "id", "admin_reason")
    ordering = ("-created_at",)
    acts: ClassVar = _ACTS

    @display(description=_("schedule"), ordering="name")
    def title(self, row: Schedule) -> str:
        """Return the name, over its times."""
        return stacked(row.name, " ".join(row.times[:6]) + (" …" if len(row.times) > 6 else ""))  # noqa: PLR2004  # fits a line

    @display(description=_("approval"), ordering="admin_status")
    def status(self, row: Schedule) -> object:
        """Return the operators' word, over the failures in a row."""
        word = chip(row.admin_status, row.get_admin_status_display())
        failures = row.consecutive_failures
        if not failures:
            return word
        text = ngettext("%(count)d failure in a row", "%(count)d failures in a row", failures)
        return stacked(word, text % {"count": failures})

    @display(description=_("switch"), ordering="user_enabled")
    def switch(self, row: Schedule) -> object:
        """Return the customer's word."""
        return toned("ok", _("on")) if row.user_enabled else toned("idle", _("off"))

    @display(description=_("session"), ordering="connection__session_state")
    def session(self, row: Schedule) -> object:
        """Return the state of the account's login."""
        return chip(row.connection.session_state, row.connection.get_session_state_display())

    @display(description=_("next run"), ordering="next_due_at")
    def due(self, row: Schedule) -> object:
        """Return when it falls due next."""
        return age(row.next_due_at)

    def token_of(self, row: Schedule) -> str:
        """Return the id with the content's digest: an approval is of what was shown."""
        return f"{row.pk}:{row.content_digest}"

    def headline(self, row: Schedule) -> Sequence[object]:
        """Return the operators' word and the company."""
        return chip(row.admin_status, row.get_admin_status_display()), self.company(row)

    def panels(self, request: HttpRequest, row: Schedule) -> Sequence[Panel]:
        """Return the two words on it, its rule, its post and its last slots."""
        slots = console.rows(request, Slot).filter(schedule=row).select_related("job")
        words: list[tuple[Text, object]] = [
            (_("approval"), chip(row.admin_status, row.get_admin_status_display())),
            (_("reason"), row.reason_text or NOTHING),
            (_("suspended"), both(row.suspended_at)),
            (_("customer's switch"), self.switch(row)),
            (_("session"), self.session(row)),
            (_("failures in a row"), row.consecutive_failures),
            (_("history"), history("schedule", row.id)),
        ]
        return [
            Facts(title=_("May it run?"), rows=words),
            Facts(title=_("When and where"), rows=self._rule(row)),
            Grid(
                title=_("Last slots"),
                heads=[_("due"), _("outcome"), _("reason"), _("gates"), _("job")],
                rows=[
                    [
                        row_link("schedules", "slot", slot.id, age(slot.nominal_at)),
                        chip(slot.outcome, slot.get_outcome_display()),
                        code(slot.code),
                        gate_dots(slot),
                        row_link("automation", "job", slot.job_id, job_chip(slot))
                        if slot.job_id
                        else NOTHING,
                    ]
                    for slot in slots.order_by("-nominal_at")[:10]
                ],
                empty=_("No slot has fallen due yet."),
            ),
        ]

    def _rule(self, row: Schedule) -> list[tuple[Text, object]]:
        return [
            (_("next run"), both(row.next_due_at)),
            (_("times"), ", ".join(row.times)),
            (_("days"), days_of(row)),
            (_("time zone"), row.zone),
            (_("daily limit"), row.daily_limit),
            (
                _("connection"),
                row_link("automation", "connection", row.connection_id, row.connection),
            ),
            (_("product"), row.product),
            (_("made"), both(row.created_at)),
            (_("edits"), row.version - 1),
            (_("id"), code(row.id)),
        ]


class SlotAdmin(TracedRows, TenantRowsAdmin):
    """Every due instant, what was decided about it, and why."""

    empty = _("No slot has fallen due yet.")
    list_display = (
        "due",
        "schedule_name",
        "company",
        "status",
        "reason",
        "gates",
        "trace",
    )
    list_filter = ("outcome", ReasonFilter, "origin", "job_outcome")
    list_select_related = ("schedule", "job")
    search_fields = ("id", "trace_id", "schedule__name", "schedule__id")
    ordering = ("-nominal_at", "-id")

    def name_of(self, row: Slot) -> str:
        """Return the schedule and the moment."""
        return f"{row.schedule.name}, {exact(row.nominal_at)}"

    @display(description=_("due"), ordering="nominal_at")
    def due(self, row: Slot) -> object:
        """Return its nominal instant."""
        return age(row.nominal_at)

    @display(description=_("schedule"), ordering="schedule__name")
    def schedule_name(self, row: Slot) -> object:
        """Return the schedule, as a link."""
        return row_link("schedules", "schedule", row.schedule_id, row.schedule.name)

    @display(description=_("outcome"), ordering="outcome")
    def status(self, row: Slot) -> object:
        """Return what was decided, or how its job ended."""
        if row.job_outcome:
            return chip(row.job_outcome, row.get_job_outcome_display())
        return chip(row.outcome, row.get_outcome_display())

    @display(description=_("reason"), ordering="code")
    def reason(self, row: Slot) -> object:
        """Return the code of the first closed gate."""
        return code(row.code)

    @display(description=_("gates"))
    def gates(self, row: Slot) -> object:
        """Return all four answers."""
        return gate_dots(row)

    @display(description=_("job"))
    def job_link(self, row: Slot) -> object:
        """Return the job that was made, if one was."""
        return row_link("automation", "job", row.job_id, _("open")) if row.job_id else NOTHING

    def headline(self, row: Slot) -> Sequence[object]:
        """Return what was decided, and the company."""
        return self.status(row), self.company(row)

    def panels(self, request: HttpRequest, row: Slot) -> Sequence[Panel]:
        """Return the decision with every gate's answer."""
        del request
        told = [explanations.tell(verdict) for verdict in row.gate_verdicts]
        return [
            Facts(
                title=_("Slot"),
                rows=[
                    (_("due"), both(row.nominal_at)),
                    (_("decided"), both(row.decided_at)),
                    (_("origin"), row.get_origin_display()),
                    (_("schedule"), self.schedule_name(row)),
                    (_("job"), self.job_link(row)),
                    (_("local day"), row.local_day),
                    (_("policy version"), self._policies(row)),
                    (_("trace"), self.trace(row)),
                    (_("id"), code(row.id)),
                ],
            ),
            Grid(
                title=_("What the gates answered"),
                heads=[_("gate"), _("answer"), _("cause"), _("what opens it")],
                rows=[
                    [
                        one.name,
                        toned("ok", pgettext("gate", "open"))
                        if one.open
                        else toned("bad", pgettext("gate", "closed")),
                        one.message,
                        NOTHING if one.open else one.remedy,
                    ]
                    for one in told
                ],
                empty=_("Nothing was recorded."),
            ),
        ]

    def _policies(self, row: Slot) -> object:
        return link(reverse("console:policies_policy_changelist"), row.policy_version)


def job_chip(slot: Slot) -> object:
    """Return what became of a slot's job so far."""
    assert slot.job is not None
    return chip(slot.job.state, slot.job.get_state_display())


def days_of(row: Schedule) -> Text:
    """Return the weekdays of a schedule in words."""
    if row.weekdays == EVERY_DAY:
        return _("every day")
    return ", ".join(str(day) for bit, day in enumerate(_DAYS) if row.weekdays >> bit & 1)


def gate_dots(row: Slot) -> object:
    """Return the four answers as dots; each says its name and answer."""
    dots = format_html_join(
        "",
        '<span class="gate gate-{}" title="{}: {}">{}</span>',
        (
            (
                "open" if verdict.open else "closed",
                explanations.GATE_NAMES[verdict.gate],
                verdict.code,
                "●" if verdict.open else "○",
            )
            for verdict in row.gate_verdicts
        ),
    )
    return format_html('<span class="gates">{}</span>', dots)


console.register(Schedule, ScheduleAdmin)
console.register(Slot, SlotAdmin)
