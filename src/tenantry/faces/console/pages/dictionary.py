"""Adding a domain to the dictionary, and changing what it says."""

from http import HTTPStatus
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from tenantry.core import clock
from tenantry.core.errors import DomainError, Forbidden, Text
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.site import actor_of, console, may
from tenantry.journeys.onboarding import queries
from tenantry.journeys.onboarding import services as onboarding
from tenantry.journeys.onboarding.models import DictionaryEntry
from tenantry.journeys.onboarding.states import DictionaryRule

_LONGEST_NOTE = 300
_LONGEST_DOMAIN = 255
_LIST = "console:onboarding_dictionaryentry_changelist"


class ChangeForm(forms.Form):
    """How a domain is treated, and why."""

    rule = forms.ChoiceField(
        label=_("Rule"), choices=DictionaryRule.choices, widget=UnfoldAdminRadioSelectWidget()
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=_LONGEST_NOTE,
        help_text=_("Why it is treated like this; other operators read it."),
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )


class LineForm(ChangeForm):
    """The same for a domain that is not there yet."""

    field_order = ("domain", "rule", "note")

    domain = forms.CharField(
        label=_("Domain"),
        max_length=_LONGEST_DOMAIN,
        help_text=_("What stands after the @. It counts for everything below it, too."),
        widget=UnfoldAdminTextInputWidget(
            {"autofocus": True, "autocomplete": "off", "placeholder": "company.com"}
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Add a line."""
    _require(request)
    initial = {"domain": request.GET.get("domain", "")[:_LONGEST_DOMAIN]}
    form = LineForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            onboarding.add_domain(**form.cleaned_data, actor=actor_of(request), now=clock.now())
        except DomainError as error:
            form.add_error("domain", f"{error.text()} {error.remedy_text()}")
        else:
            messages.success(request, _("The dictionary says so from now on."))
            return redirect(_LIST)
    return _page(request, form, _("Add a domain"))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Change a line. Refuses: `NotFound`, `Forbidden`."""
    _require(request)
    entry = queries.get_dictionary_entry(entry_id)
    form = ChangeForm(request.POST or None, initial={"rule": entry.rule, "note": entry.note})
    if request.method == "POST" and form.is_valid():
        onboarding.change_domain(
            entry_id=entry.id, **form.cleaned_data, actor=actor_of(request), now=clock.now()
        )
        messages.success(request, _("The dictionary says so from now on."))
        return redirect("console:onboarding_dictionaryentry_change", entry.id)
    return _page(request, form, entry.domain, entry=entry)


def _require(request: HttpRequest) -> None:
    if not may(request, OperatorAct.SET_DICTIONARY):
        raise Forbidden


def _page(
    request: HttpRequest,
    form: forms.Form,
    title: Text,
    entry: DictionaryEntry | None = None,
) -> HttpResponse:
    context = {**console.each_context(request), "title": title, "form": form, "entry": entry}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "console/dictionary.html", context, status=status)


console.page(path("dictionary/new/", console.admin_view(new), name="dictionary_new"))
console.page(path("dictionary/<uuid:entry_id>/", console.admin_view(edit), name="dictionary_edit"))
