"""The base of every table in the console: read-only, with acts instead of edits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from django.contrib.admin import display
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe
from unfold.admin import ModelAdmin, checkbox

from tenantry.core import clock
from tenantry.core.errors import Forbidden, NotFound, Text
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.customers.tenants import queries as tenants
from tenantry.faces.console import acts
from tenantry.faces.console.acts import Act
from tenantry.faces.console.forms import ReasonForm
from tenantry.faces.console.panels import Panel
from tenantry.faces.console.site import actor_of, may
from tenantry.faces.console.words import NOTHING, journey, row_link

_MOST_NAMED = 12


@dataclass(frozen=True, kw_only=True)
class Link:
    """A way from the page of one row to a page that is no act."""

    address: str
    label: Text
    icon: str
    outside: bool = False


class ReadOnlyAdmin(ModelAdmin):
    """Nobody adds, changes or deletes here; `acts` call services, with a reason where due."""

    acts: ClassVar[tuple[Act, ...]] = ()
    # What an empty list says to somebody who sees it for the first time.
    empty: ClassVar[Text] = ""
    # What the list is called where that is not the plural of its rows.
    heading: ClassVar[Text] = ""
    # Shows the panels of one row, and asks for them again when there is news.
    row_template: ClassVar[str] = "console/row.html"
    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True
    actions_on_top = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        del request, obj
        return False

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the role may read."""
        del obj
        return may(request, OperatorAct.READ)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the role may read."""
        return may(request, OperatorAct.READ)

    def lookup_allowed(self, lookup: str, value: object, request: HttpRequest) -> bool:
        """Return whether an address may ask for it: offered filters and the company, no other.

        A column that is not shown, like a password's hash, could be guessed letter by letter.
        """
        del value, request
        offered = [
            name if isinstance(name, str) else str(getattr(name, "parameter_name", ""))
            for name in self.list_filter
        ]
        known = (lookup == name or lookup.startswith(f"{name}__") for name in offered)
        return lookup == "tenant_id" or any(known)

    def get_urls(self) -> list[URLPattern]:
        """Return the list, the page of one row, and the acts: nothing that writes by itself."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.list_view), name=f"{name}_changelist"),
            path("act/<slug:act>/", wrap(self.act_view), name=f"{name}_act"),
            path("<path:object_id>/", wrap(self.change_view), name=f"{name}_change"),
        ]

    def allowed_acts(self, request: HttpRequest) -> list[Act]:
        """Return what the operator's role may do here."""
        return [act for act in self.acts if may(request, act.needs)]

    def get_actions(self, request: HttpRequest) -> dict[str, tuple[Any, str, str]]:
        """Return the acts as Django's list of actions."""
        return {
            act.name: (_on_selection(act), act.name, str(act.label))
            for act in self.allowed_acts(request)
        }

    @display(description=checkbox.render("action_toggle_all", 1))
    def action_checkbox(self, obj: Model) -> str:
        """Return the box of a row; it carries the version that the list shows."""
        box: str = checkbox.render(ACTION_CHECKBOX_NAME, self.token_of(obj))
        return box

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponseBase | None:
        """Do what was chosen in the list to the chosen rows; raises `NotFound` for no ids."""
        ids, seen = _read_tokens(request.POST.getlist(ACTION_CHECKBOX_NAME))
        given = request.POST.copy()
        given.setlist(ACTION_CHECKBOX_NAME, ids)
        request.__dict__.update(_post=given, seen=seen)
        try:
            for row_id in ids:
                self.opts.pk.to_python(row_id)
        except ValidationError:
            raise NotFound from None
        answer: HttpResponseBase | None = super().response_action(request, queryset)
        return answer

    def list_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the rows; a chosen act on chosen rows comes back here as a POST."""
        view: Callable[..., HttpResponseBase] = require_http_methods(["GET", "HEAD", "POST"])(
            self.changelist_view
        )
        title = self.heading or self.opts.verbose_name_plural
        return view(request, {"title": title, **self.list_context(request)})

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the template before the list needs."""
        del request
        return {}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """Show one row."""
        del form_url, extra_context
        return require_safe(self._show)(request, object_id)

    def _show(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        row = self.get_object(request, object_id)
        if row is None:
            raise NotFound
        context = {**self.admin_site.each_context(request), **self.row_context(request, row)}
        return TemplateResponse(request, self.row_template, context)

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:  # noqa: ANN401  # of the subclass's model
        """Return what the page of one row shows."""
        name = f"console:{self.opts.app_label}_{self.opts.model_name}"
        return {
            "title": self.name_of(row),
            "opts": self.opts,
            "original": row,
            "token": self.token_of(row),
            "heading": self.heading or self.opts.verbose_name_plural,
            "headline": self.headline(row),
            "panels": self.panels(request, row),
            "links": self.links(request, row),
            "acts": [act for act in self.allowed_acts(request) if act.fits(row)],
            "act_name": f"{name}_act",
            "here": reverse(f"{name}_change", args=[row.pk]),
        }

    def links(self, request: HttpRequest, row: Any) -> Sequence[Link]:  # noqa: ANN401  # as above
        """Return where one can go from the page of one row, next to its acts."""
        del request, row
        return ()

    def name_of(self, row: Any) -> str:  # noqa: ANN401  # of the subclass's model
        """Return what the row is called in titles, questions and messages."""
        return str(row)

    def token_of(self, row: Any) -> str:  # noqa: ANN401  # of the subclass's model
        """Return the row's id as acts take it, with the version that is shown where that counts."""
        return str(row.pk)

    def headline(self, row: Any) -> Sequence[object]:  # noqa: ANN401  # of the subclass's model
        """Return what stands under the title: chips, mostly."""
        del row
        return ()

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:  # noqa: ANN401  # as above
        """Return what the page of one row shows."""
        raise NotImplementedError

    def act_view(self, request: HttpRequest, act: str) -> HttpResponseBase:
        """Ask first where that is due (GET, or POST without a reason), then do it (POST)."""
        return require_http_methods(["GET", "HEAD", "POST"])(self._act)(request, act)

    def _act(self, request: HttpRequest, name: str) -> HttpResponseBase:
        act = next((known for known in self.acts if known.name == name), None)
        if act is None:
            raise NotFound
        if not may(request, act.needs):
            raise Forbidden
        given = request.POST if request.method == "POST" else request.GET
        ids, seen = _read_tokens(" ".join(given.getlist("rows")).split())
        rows = self.rows_of(request, ids)
        bound = "reason" in request.POST or "sure" in request.POST
        form = ReasonForm(request.POST if bound else None, help_text=act.reason)
        asks = (act.asks_first and not bound) or _is_blind(act, rows, seen)
        if request.method != "POST" or asks:
            return self.ask(request, act, rows, form, seen=seen)
        if act.reason and not form.is_valid():
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            return self.ask(request, act, rows, form, seen=seen, status=status)
        reason = form.cleaned_data["reason"] if act.reason else ""
        self.do(request, act, rows, seen=seen, reason=reason)
        return redirect(self.way_back(request))

    def rows_of(self, request: HttpRequest, ids: Sequence[str]) -> list[Any]:
        """Return the rows of these ids; `NotFound` when there are none, `TooManyRows` beyond."""
        if len(ids) > acts.MOST_ROWS:
            raise acts.TooManyRows(count=len(ids), limit=acts.MOST_ROWS)
        try:
            rows = list(self.get_queryset(request).filter(pk__in=ids).order_by("pk"))
        except (ValidationError, ValueError):
            rows = []
        if not rows:
            raise NotFound
        return rows

    def ask(
        self,
        request: HttpRequest,
        act: Act,
        rows: Sequence[Any],
        form: ReasonForm,
        *,
        seen: Mapping[str, str],
        status: int = HTTPStatus.OK,
    ) -> HttpResponse:
        """Show what is about to be done to which rows, with the form for the reason.

        The answer is bound to the versions that were `seen`, or else to those shown here.
        """
        name = f"console:{self.opts.app_label}_{self.opts.model_name}"
        context = {
            **self.admin_site.each_context(request),
            "title": act.label,
            "opts": self.opts,
            "act": act,
            "form": form if act.reason else None,
            "ids": " ".join(self._token(act, row, seen) for row in rows),
            "named": [
                (self.name_of(row), self.asked_about(act, row, seen.get(str(row.pk), "")))
                for row in rows[:_MOST_NAMED]
            ],
            "more": max(0, len(rows) - _MOST_NAMED),
            "count": len(rows),
            "action": reverse(f"{name}_act", args=[act.name]),
            "back": self.way_back(request),
        }
        return TemplateResponse(request, "console/ask.html", context, status=status)

    def _token(self, act: Act, row: Any, seen: Mapping[str, str]) -> str:  # noqa: ANN401  # as above
        row_id = str(row.pk)
        if row_id in seen:  # what was shown before stays what was shown
            return f"{row_id}:{seen[row_id]}"
        return self.token_of(row) if act.bound else row_id

    def asked_about(self, act: Act, row: Any, version: str) -> object:  # noqa: ANN401  # as above
        """Return what stands beside a row's name in the question: its company, where it has one."""
        del act, version
        return getattr(row, "company", "")

    def do(
        self,
        request: HttpRequest,
        act: Act,
        rows: Sequence[Any],
        *,
        seen: Mapping[str, str],
        reason: str,
    ) -> None:
        """Do it, and say what came of it."""
        result = acts.perform(
            act,
            rows,
            seen=seen,
            actor=actor_of(request),
            reason=reason,
            now=clock.now(),
        )
        acts.announce(request, act, result, name_of=self.name_of)

    def way_back(self, request: HttpRequest) -> str:
        """Return where the operator came from, on this site; else the list."""
        wanted = request.POST.get("next") or request.GET.get("next") or ""
        if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
            return wanted
        here = reverse(f"console:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return request.get_full_path() if request.path == here else here


def _on_selection(
    act: Act,
) -> Callable[[ReadOnlyAdmin, HttpRequest, QuerySet[Any]], HttpResponseBase | None]:
    def on_selection(
        admin: ReadOnlyAdmin, request: HttpRequest, chosen: QuerySet[Any]
    ) -> HttpResponseBase | None:
        if not may(request, act.needs):
            raise Forbidden
        # One more than is possible, so that too many are noticed without reading them all.
        rows = list(chosen.order_by("pk")[: acts.MOST_ROWS + 1])
        if len(rows) > acts.MOST_ROWS:
            raise acts.TooManyRows(count=chosen.count(), limit=acts.MOST_ROWS)
        seen: Mapping[str, str] = request.__dict__["seen"]
        if act.asks_first or _is_blind(act, rows, seen):
            return admin.ask(request, act, rows, ReasonForm(help_text=act.reason), seen=seen)
        admin.do(request, act, rows, seen=seen, reason="")
        return None

    return on_selection


def _read_tokens(tokens: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    # Each is an id, or `id:version` where a page showed the version.
    parts = [token.partition(":") for token in tokens]
    seen = {row_id: version for row_id, colon, version in parts if colon}
    return [row_id for row_id, _colon, _version in parts], seen


def _is_blind(act: Act, rows: Iterable[Any], seen: Mapping[str, str]) -> bool:
    return act.bound and any(str(row.pk) not in seen for row in rows)


class TracedRows:
    """Rows that carry the trace they were made in: a column leads to all of it."""

    @display(description=_("trace"))
    def trace(self, row: Any) -> object:  # noqa: ANN401  # as above
        """Return the journey it belongs to."""
        return journey(row.trace_id)


class TenantRowsAdmin(ReadOnlyAdmin):
    """Rows that belong to tenants: each knows the name of its company."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows with `company`, the tenant's name."""
        of_row = tenants.list_tenants().filter(id=OuterRef("tenant_id")).order_by()
        rows: QuerySet[Any] = super().get_queryset(request)
        named: QuerySet[Any] = rows.annotate(company=Subquery(of_row.values("name")[:1]))
        return named

    @display(description=_("company"), ordering="company")
    def company(self, row: Any) -> object:  # noqa: ANN401  # any tenant-owned row
        """Return the company, as a link."""
        if not row.company:
            return NOTHING
        return row_link("tenants", "tenant", row.tenant_id, row.company)


def stacked(first: object, second: object) -> str:
    """Return two lines of one cell, the second one quiet."""
    return format_html('<span class="stack">{}<small>{}</small></span>', first, second)
