"""Requests to become a customer, and the operators' dictionary of mail domains."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.contrib.admin import display
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext

from tenantry.core.errors import Text
from tenantry.core.gates import Verdict
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.acts import Act, Order
from tenantry.faces.console.listing import Link, ReadOnlyAdmin, TracedRows, stacked
from tenantry.faces.console.panels import Facts, Grid, Panel
from tenantry.faces.console.site import console, may
from tenantry.faces.console.words import (
    NOTHING,
    age,
    both,
    chip,
    code,
    history,
    journey,
    row_link,
    toned,
)
from tenantry.journeys.onboarding import queries
from tenantry.journeys.onboarding import services as onboarding
from tenantry.journeys.onboarding.explanations import tell
from tenantry.journeys.onboarding.models import Decision, DictionaryEntry, Registration
from tenantry.journeys.onboarding.states import DictionaryRule, RegistrationState
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.funnel import queries as funnel
from tenantry.ledger.funnel.states import Step

_DIGEST_LENGTH = 16
_RULE_TONES = {
    DictionaryRule.ALLOW: "ok",
    DictionaryRule.FREE: "warn",
    DictionaryRule.DENY: "bad",
}
_LISTS: dict[str, Text] = {
    "disposable": _("list of throw-away addresses"),
    "free_mail": _("list of free mail providers"),
    "public_suffix": _("list of public suffixes"),
}
_OUTCOME_TONES = {"accept": "ok", "approval": "warn", "refuse": "bad"}


def version_of(row: Registration) -> str:
    """Return what an operator's word is about: the address, the company, and where it stands."""
    told = [row.state, row.email, row.company, row.region, row.plan, str(row.decision_id)]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:_DIGEST_LENGTH]


def _require_seen(order: Order) -> None:
    if order.seen not in {None, version_of(order.row)}:
        raise Stale


def _approve(order: Order) -> None:
    _require_seen(order)
    onboarding.approve(registration_id=order.row.id, actor=order.actor, now=order.now)


def _reject(order: Order) -> None:
    _require_seen(order)
    onboarding.reject(
        registration_id=order.row.id, reason=order.reason, actor=order.actor, now=order.now
    )


def _waits(row: Registration) -> bool:
    return row.state == RegistrationState.AWAITING_APPROVAL


class RegistrationAdmin(TracedRows, ReadOnlyAdmin):
    """Who asked for a trial, what their address is, and what became of it."""

    heading = _("Registrations")
    empty = _("Nobody has asked for a trial yet. The page is /trial; each visit begins one here.")
    list_display = ("who", "wanted", "status", "verdict", "asked", "trace")
    list_filter = ("state", "decision__kind", "language")
    list_select_related = ("decision",)
    search_fields = ("email", "reference", "company", "id", "trace_id")
    ordering = ("-created_at", "-id")
    acts: ClassVar = (
        Act(
            name="approve",
            label=_("Approve"),
            icon="check",
            needs=OperatorAct.REVIEW_REGISTRATIONS,
            run=_approve,
            done=ngettext_lazy(
                "%(count)d registration was approved.",
                "%(count)d registrations were approved.",
                "count",
            ),
            ask=_(
                "Each gets a company of its own, which is set up at once, and a mail when it is."
            ),
            fits=_waits,
            tone="main",
        ),
        Act(
            name="reject",
            label=_("Reject"),
            icon="close",
            needs=OperatorAct.REVIEW_REGISTRATIONS,
            run=_reject,
            done=ngettext_lazy(
                "%(count)d registration was rejected.",
                "%(count)d registrations were rejected.",
                "count",
            ),
            ask=_("No company is made. Another registration with another address stays possible."),
            reason=_("It is mailed to the visitor, so say what would help."),
            fits=_waits,
            tone="bad",
        ),
    )

    def name_of(self, row: Registration) -> str:
        """Return the address where it is still kept, and the reference."""
        return f"{row.email} ({row.reference})" if row.email else row.reference

    def token_of(self, row: Registration) -> str:
        """Return the id with what was shown of it."""
        return f"{row.pk}:{version_of(row)}"

    def asked_about(self, act: Act, row: Registration, version: str) -> object:
        """Return the company it would become."""
        del act, version
        return row.company

    @display(description=_("who"), ordering="email")
    def who(self, row: Registration) -> str:
        """Return the address, over the reference."""
        return stacked(row.email or NOTHING, row.reference)

    @display(description=_("wants"), ordering="company")
    def wanted(self, row: Registration) -> str:
        """Return the company's name, over plan and region."""
        return stacked(row.company or NOTHING, " · ".join(filter(None, (row.plan, row.region))))

    @display(description=_("state"), ordering="state")
    def status(self, row: Registration) -> object:
        """Return where it stands."""
        return chip(row.state, row.get_state_display())

    @display(description=_("verdict"), ordering="decision__kind")
    def verdict(self, row: Registration) -> object:
        """Return what its address is, over the reason."""
        decision = row.decision
        if decision is None:
            return NOTHING
        return stacked(chip(decision.kind, decision.get_kind_display()), decision.code)

    @display(description=_("begun"), ordering="created_at")
    def asked(self, row: Registration) -> object:
        """Return when it began."""
        return age(row.created_at)

    def headline(self, row: Registration) -> Sequence[object]:
        """Return where it stands, and what its address is."""
        decision = row.decision
        known = [chip(decision.kind, decision.get_kind_display())] if decision else []
        return self.status(row), *known

    def panels(self, request: HttpRequest, row: Registration) -> Sequence[Panel]:
        """Return the request, the verdict stage by stage, and the way it went."""
        del request
        decisions = list(queries.list_decisions(registration_id=row.id))
        last = decisions[-1] if decisions else None
        panels: list[Panel] = [Facts(title=_("Registration"), rows=self._facts(row))]
        if last:
            panels += [_verdict(last), stages_of(last.stages, last.latencies)]
        if decisions[:-1]:
            panels.append(_earlier(decisions[:-1]))
        return [*panels, _reached(row)]

    def _facts(self, row: Registration) -> list[tuple[Text, object]]:
        company: object = row.company or NOTHING
        if row.tenant_id:
            company = row_link("tenants", "tenant", row.tenant_id, row.company)
        return [
            (_("state"), self.status(row)),
            (_("e-mail"), row.email or NOTHING),
            (_("company"), company),
            (_("plan"), row.plan or NOTHING),
            (_("region"), row.region or NOTHING),
            (_("language"), row.language),
            (_("time zone"), row.zone or NOTHING),
            (_("begun"), both(row.created_at)),
            (_("address proven"), both(row.verified_at)),
            (_("expires"), both(row.expires_at)),
            (_("reviewed"), both(row.reviewed_at)),
            (_("reason"), row.reason or NOTHING),
            (_("trace"), journey(row.trace_id)),
            (_("id"), code(row.id)),
            (_("history"), history("registration", row.id)),
        ]


def _reached(row: Registration) -> Grid:
    events = list(funnel.list_for_subject(row.id))
    return Grid(
        title=_("Steps of the funnel"),
        heads=[_("step"), _("when"), _("trace")],
        rows=[
            [Step(event.step).label, both(event.at), journey(event.trace_id)] for event in events
        ],
        empty=_("No step was written down."),
    )


def _verdict(decision: Decision) -> Facts:
    return Facts(
        title=_("Verdict on the address"),
        rows=[
            (_("verdict"), chip(decision.kind, decision.get_kind_display())),
            (
                _("what becomes of it"),
                outcome_chip(decision.outcome, decision.get_outcome_display()),
            ),
            (_("reason"), code(decision.code)),
            (_("domain"), decision.domain or NOTHING),
            (_("decided"), both(decision.at)),
            (_("policy version"), decision.policy_version),
            *versions_of(decision.list_versions),
        ],
    )


def versions_of(versions: Mapping[str, str]) -> list[tuple[Text, object]]:
    """Return which lists decided, by name."""
    return [(_LISTS.get(name, name), code(version)) for name, version in sorted(versions.items())]


def outcome_chip(outcome: str, label: Text) -> object:
    """Return what becomes of an address, in its colour."""
    return toned(_OUTCOME_TONES[outcome], label)


def stages_of(verdicts: Sequence[Verdict], latencies: Mapping[str, float]) -> Grid:
    """Return every stage of a verdict: its answer, what decided it, and how long it took."""
    rows: list[list[object]] = []
    for verdict in verdicts:
        told = tell(verdict)
        facts = ", ".join(f"{name}: {value}" for name, value in verdict.facts.items())
        spent = latencies.get(verdict.gate)
        rows.append(
            [
                told.name,
                toned("ok", pgettext("gate", "open"))
                if told.open
                else toned("bad", pgettext("gate", "closed")),
                stacked(told.message, told.code),
                NOTHING if told.open else told.remedy,
                code(facts),
                NOTHING if spent is None else f"{spent:.2f}\u00a0ms",
            ]
        )
    return Grid(
        title=_("Stage by stage"),
        heads=[_("stage"), _("answer"), _("cause"), _("what opens it"), _("facts"), _("took")],
        rows=rows,
        empty=_("Nothing was recorded."),
    )


def _earlier(decisions: Sequence[Decision]) -> Grid:
    return Grid(
        title=_("Addresses that were tried before"),
        heads=[_("domain"), _("verdict"), _("reason"), _("decided")],
        rows=[
            [
                one.domain or NOTHING,
                chip(one.kind, one.get_kind_display()),
                code(one.code),
                both(one.at),
            ]
            for one in decisions
        ],
        empty=NOTHING,
    )


def _remove(order: Order) -> None:
    onboarding.remove_domain(
        entry_id=order.row.id, note=order.reason, actor=order.actor, now=order.now
    )


class DictionaryAdmin(ReadOnlyAdmin):
    """What operators say about domains; it stands above every list."""

    heading = _("Dictionary")
    empty = _("The dictionary is empty: the lists alone decide. Add a domain where they are wrong.")
    list_display = ("name", "verdict", "note", "changed")
    list_filter = ("rule",)
    list_before_template = "console/parts/dictionary_ways.html"
    search_fields = ("domain", "note")
    ordering = ("domain",)
    acts: ClassVar = (
        Act(
            name="remove",
            label=_("Remove"),
            icon="delete",
            needs=OperatorAct.SET_DICTIONARY,
            run=_remove,
            done=ngettext_lazy(
                "%(count)d domain was removed.", "%(count)d domains were removed.", "count"
            ),
            ask=_("The lists alone decide about it again."),
            reason=_("Kept in the audit log."),
            tone="bad",
        ),
    )

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return whether the operator may add a line."""
        return {"may_add": may(request, OperatorAct.SET_DICTIONARY)}

    @display(description=_("domain"), ordering="domain")
    def name(self, row: DictionaryEntry) -> str:
        """Return the domain."""
        return row.domain

    @display(description=_("rule"), ordering="rule")
    def verdict(self, row: DictionaryEntry) -> object:
        """Return how it is treated."""
        return toned(_RULE_TONES[DictionaryRule(row.rule)], row.get_rule_display())

    @display(description=_("changed"), ordering="at")
    def changed(self, row: DictionaryEntry) -> object:
        """Return when it was changed last."""
        return age(row.at)

    def headline(self, row: DictionaryEntry) -> Sequence[object]:
        """Return how it is treated."""
        return (self.verdict(row),)

    def links(self, request: HttpRequest, row: DictionaryEntry) -> Sequence[Link]:
        """Return the way to the form, for those who may change it."""
        if not may(request, OperatorAct.SET_DICTIONARY):
            return ()
        address = reverse("console:dictionary_edit", args=[row.pk])
        return [Link(address=address, label=_("Change"), icon="edit")]

    def panels(self, request: HttpRequest, row: DictionaryEntry) -> Sequence[Panel]:
        """Return the line."""
        del request
        return [
            Facts(
                title=_("Line of the dictionary"),
                rows=[
                    (_("domain"), row.domain),
                    (_("rule"), self.verdict(row)),
                    (_("note"), row.note),
                    (_("changed"), both(row.at)),
                    (_("id"), code(row.id)),
                    (_("history"), history("dictionaryentry", row.id)),
                ],
            )
        ]


console.register(Registration, RegistrationAdmin)
console.register(DictionaryEntry, DictionaryAdmin)
