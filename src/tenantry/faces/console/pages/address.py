"""Testing an address: every stage of its verdict, as a registration would be judged now."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminTextInputWidget

from tenantry.core import tenancy
from tenantry.core.errors import Forbidden
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.admin.trials import outcome_chip, stages_of, versions_of
from tenantry.faces.console.panels import Facts, Panel
from tenantry.faces.console.site import console, may
from tenantry.faces.console.words import NOTHING, chip, code
from tenantry.journeys.onboarding import services as onboarding
from tenantry.journeys.onboarding.explanations import EXPLANATIONS
from tenantry.journeys.onboarding.queries import Explained

# Longer than any address may be: that, too, is a verdict.
_LONGEST = 1000


class AddressForm(forms.Form):
    """An address as a visitor would type it."""

    address = forms.CharField(
        label=_("E-mail address"),
        max_length=_LONGEST,
        strip=False,
        widget=UnfoldAdminTextInputWidget(
            {
                "autofocus": True,
                "autocomplete": "off",
                "inputmode": "email",
                "spellcheck": "false",
                "placeholder": "kim@hanbit.example",
            }
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def address(request: HttpRequest) -> HttpResponse:
    """Show the form, and what an address that was sent is. Nothing is stored.

    Name servers are asked, so this is no page of `admin_view`: there is no transaction meanwhile.
    """
    if not may(request, OperatorAct.READ):
        raise Forbidden
    form = AddressForm(request.POST or None)
    told: Explained | None = None
    if request.method == "POST" and form.is_valid():
        told = onboarding.explain(form.cleaned_data["address"])
    with tenancy.platform("the operators' console"):
        context: dict[str, Any] = {
            **console.each_context(request),
            "title": _("Test an address"),
            "form": form,
            "told": told,
            "panels": _panels(told) if told else [],
            "domain": told.normal.rpartition("@")[2] if told else "",
            "may_add": may(request, OperatorAct.SET_DICTIONARY),
        }
        return TemplateResponse(request, "console/address.html", context).render()


def _panels(told: Explained) -> list[Panel]:
    verdict = told.verdict
    meaning = EXPLANATIONS[verdict.code]
    total = sum(told.latencies.values())
    return [
        Facts(
            title=_("Verdict"),
            rows=[
                (_("verdict"), chip(verdict.kind, verdict.kind.label)),
                (_("what becomes of it"), outcome_chip(verdict.outcome, verdict.outcome.label)),
                (_("cause"), meaning.message),
                (_("what helps"), meaning.remedy),
                (_("reason"), code(verdict.code)),
            ],
        ),
        Facts(
            title=_("What was judged"),
            rows=[
                (_("typed"), code(told.typed)),
                (_("read as"), code(told.normal) if told.normal else NOTHING),
                (_("took"), f"{total:.1f} ms"),
                *versions_of(verdict.list_versions),
            ],
        ),
        stages_of(verdict.verdicts, told.latencies),
    ]


console.page(path("address/", console.guarded(address), name="address"))
