"""The audit log as a timeline, and how its keeping goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tenantry.core import clock
from tenantry.customers.accounts.models import User
from tenantry.faces.console.listing import TenantRowsAdmin
from tenantry.faces.console.panels import Facts, Panel, Prose
from tenantry.faces.console.site import console
from tenantry.faces.console.targets import kind_of, moved
from tenantry.faces.console.words import NOTHING, actor_link, both, code, journey, row_link, uuid_of
from tenantry.ledger.audit import queries
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import registry

PER_PAGE = 60
# Hashes are shown as ids are, by how they begin.
_LONGEST = 40
# Which page shows a target of this kind.
_PAGES = {
    "connection": ("automation", "connection"),
    "dictionaryentry": ("onboarding", "dictionaryentry"),
    "host": ("hosts", "host"),
    "job": ("automation", "job"),
    "mail": ("notices", "mail"),
    "policy": ("policies", "policy"),
    "registration": ("onboarding", "registration"),
    "run": ("provisioning", "run"),
    "schedule": ("schedules", "schedule"),
    "slot": ("schedules", "slot"),
    "tenant": ("tenants", "tenant"),
    "user": ("accounts", "user"),
}


class FilterForm(forms.Form):
    """What the timeline is narrowed to; everything is optional."""

    tenant = forms.UUIDField(
        label=_("Company's id"), required=False, widget=UnfoldAdminTextInputWidget()
    )
    action = forms.ChoiceField(label=_("Action"), required=False, widget=UnfoldAdminSelectWidget())
    actor = forms.CharField(
        label=_("Who"),
        required=False,
        widget=UnfoldAdminTextInputWidget({"placeholder": _("operator, system:browser, user:…")}),
    )
    target = forms.CharField(
        label=_("What"),
        required=False,
        widget=UnfoldAdminTextInputWidget({"placeholder": _("schedule, or schedule:<id>")}),
    )
    trace = forms.CharField(
        label=_("Trace"), required=False, max_length=32, widget=UnfoldAdminTextInputWidget()
    )
    since = forms.DateField(
        label=_("From day"), required=False, widget=UnfoldAdminTextInputWidget({"type": "date"})
    )
    until = forms.DateField(
        label=_("To day"), required=False, widget=UnfoldAdminTextInputWidget({"type": "date"})
    )

    def __init__(self, data: Any) -> None:  # noqa: ANN401  # a QueryDict
        """Offer every word of the vocabulary."""
        super().__init__(data)
        field = self.fields["action"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("all"))] + [
            (code_, f"{label} ({code_})") for code_, label in vocabulary()
        ]

    def conditions(self) -> dict[str, object]:
        """Return what the entries must meet, as lookups; empty when the form is not valid."""
        given = self.cleaned_data if self.is_valid() else {}
        kind, _colon, target_id = given.get("target", "").partition(":")
        wanted = {
            "tenant_id": given.get("tenant"),
            "action": given.get("action"),
            "actor__startswith": given.get("actor", "").strip(),
            "target_kind": kind.strip(),
            "target_id": target_id.strip(),
            "trace_id": given.get("trace", "").strip(),
            "at__date__gte": given.get("since"),
            "at__date__lte": given.get("until"),
        }
        return {lookup: value for lookup, value in wanted.items() if value}


def vocabulary() -> list[tuple[str, str]]:
    """Return every action there is with its label, the products' own at the end."""
    own = [(action.value, str(action.label)) for action in Action]
    return own + [
        (declared.code, str(declared.label))
        for product in registry.products()
        for declared in product.audit_actions
    ]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry as the timeline shows it."""

    entry: AuditEntry
    tone: str
    moved: str
    who: object
    what: object
    company: object


class AuditAdmin(TenantRowsAdmin):
    """Everything that happened, the newest first."""

    heading = _("Audit log")
    ordering = ("-id",)

    def name_of(self, row: AuditEntry) -> str:
        """Return what happened."""
        return row.label

    def list_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the timeline."""
        return require_safe(self._timeline)(request)

    def _timeline(self, request: HttpRequest) -> HttpResponseBase:
        form = FilterForm(request.GET or None)
        entries = self.get_queryset(request).filter(**form.conditions()).order_by("-id")
        if before := uuid_of(request.GET.get("before", "")):
            entries = entries.filter(id__lt=before)
        found = list(entries[: PER_PAGE + 1])
        page = found[:PER_PAGE]
        older = page[-1].id if len(found) > PER_PAGE else None
        query = request.GET.copy()
        query.pop("before", None)
        context = {
            **self.admin_site.each_context(request),
            "title": self.heading,
            "form": form,
            "narrowed": bool(form.conditions()),
            # Ids of one millisecond have no order among themselves.
            "lines": lines_of(request, sorted(page, key=lambda entry: -entry.seq)),
            "older": older,
            "query": query.urlencode(),
            "health": queries.health(now=clock.now()),
        }
        return TemplateResponse(request, "console/audit.html", context)

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:  # noqa: ANN401  # annotated
        """Return one entry with all it holds."""
        (line,) = lines_of(request, [row])
        return [
            Facts(
                title=_("Entry"),
                rows=[
                    (_("action"), row.label),
                    (_("word"), code(row.action)),
                    (_("when"), both(row.at)),
                    (_("who"), line.who),
                    (_("what"), line.what),
                    (_("company"), self.company(row)),
                    (_("reason"), row.reason or NOTHING),
                    (_("trace"), journey(row.trace_id)),
                    (_("id"), code(row.id)),
                ],
            ),
            Prose(title=_("Facts"), text=row.body),
        ]


def lines_of(request: HttpRequest, entries: Sequence[Any]) -> list[Line]:
    """Return entries with the names of people in them, read at once."""
    ids = {found for entry in entries if (found := uuid_of(entry.actor))}
    people = {user.id: user.email for user in console.rows(request, User).filter(id__in=ids)}
    return [
        Line(
            entry=entry,
            tone=_tone_of(entry.action),
            moved=moved(entry.target_kind, entry.facts),
            who=actor_link(entry.actor, people),
            what=_what(entry),
            company=row_link("tenants", "tenant", entry.tenant_id, entry.company)
            if getattr(entry, "company", None)
            else "",
        )
        for entry in entries
    ]


def _what(entry: AuditEntry) -> object:
    page = _PAGES.get(entry.target_kind)
    is_long = uuid_of(entry.target_id) or len(entry.target_id) > _LONGEST
    short = entry.target_id[:13] if is_long else entry.target_id
    shown = f"{kind_of(entry.target_kind)} {short}"
    return row_link(*page, entry.target_id, shown) if page and entry.target_id else shown


_BAD = ("refused", "rejected", "banned", "suspended", "failed", "lost", "removed", "destroyed")
_GOOD = ("approved", "created", "sent", "signed_in", "connected")


def _tone_of(action: str) -> str:
    verb = action.rpartition(".")[2]
    if verb in _BAD:
        return "bad"
    return "ok" if verb in _GOOD else "idle"


console.register(AuditEntry, AuditAdmin)
