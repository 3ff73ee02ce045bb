"""The operators' numbers and rules: what holds, since when and why, and changing it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
)

from tenantry.core import clock
from tenantry.core.errors import DomainError, Forbidden, Text
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.listing import ReadOnlyAdmin
from tenantry.faces.console.site import actor_of, console, may
from tenantry.faces.console.words import actor_link, uuid_of
from tenantry.governance.policies import queries
from tenantry.governance.policies import services as policies
from tenantry.governance.policies.models import Policy
from tenantry.governance.policies.registry import RULES, Rule, Value, rule_of

_GROUPS: dict[str, Text] = {
    "schedules": _("Schedules"),
    "connections": _("Connections"),
    "sessions": _("Sessions"),
    "automation": _("Automation"),
    "codes": _("Sign-in codes"),
    "onboarding": _("Trials"),
    "provisioning": _("Instances"),
    "hosts": _("Hosts"),
}
_MOST_VERSIONS = 50


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One policy as the list shows it."""

    rule: Rule
    group: Text
    shown: Text
    is_default: bool
    last: Policy | None


class ValueForm(forms.Form):
    """A new value and why."""

    value = forms.CharField(label=_("Value"))
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Everybody with access to the console can read it."),
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        max_length=500,
    )

    def __init__(self, rule: Rule, *args: Any, **kwargs: Any) -> None:
        """Offer what the rule allows."""
        super().__init__(*args, **kwargs)
        self.rule = rule
        self.fields["value"] = _field_of(rule)

    def clean_value(self) -> Value:
        """Return the typed value; what the rule refuses becomes the field's error."""
        try:
            return self.rule.parse(str(self.cleaned_data["value"]))
        except DomainError as error:
            raise forms.ValidationError(f"{error.text()} {error.remedy_text()}") from error


def _field_of(rule: Rule) -> forms.Field:
    if rule.kind == "number":
        widget = UnfoldAdminIntegerFieldWidget({"min": rule.least, "max": rule.most})
        return forms.IntegerField(
            label=_("Value"),
            widget=widget,
            help_text=_("From %(least)s to %(most)s.") % {"least": rule.least, "most": rule.most},
        )
    choices = list(rule.choices.items()) or [("true", _("yes")), ("false", _("no"))]
    return forms.ChoiceField(
        label=_("Value"), choices=choices, widget=UnfoldAdminRadioSelectWidget()
    )


class PolicyAdmin(ReadOnlyAdmin):
    """What holds now; a change is a new version, never an edit."""

    acts: ClassVar = ()

    def list_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show every policy there is."""
        return require_safe(self._list)(request)

    def _list(self, request: HttpRequest) -> HttpResponseBase:
        last: dict[str, Policy] = {}
        for version in console.rows(request, Policy).order_by("version"):
            last[version.key] = version
        context = {
            **self.admin_site.each_context(request),
            "title": _("Policies"),
            "standings": [
                _standing(rule, last.get(rule.key))
                for rule in sorted(RULES.values(), key=lambda rule: _group_of(rule)[0])
            ],
            "may_set": may(request, OperatorAct.SET_POLICIES),
        }
        return TemplateResponse(request, "console/policies.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """Show one policy with its history; a superuser sets it here."""
        del form_url, extra_context
        return require_http_methods(["GET", "HEAD", "POST"])(self._one)(request, object_id)

    def _one(self, request: HttpRequest, key: str) -> HttpResponseBase:
        rule = rule_of(key)
        may_set = may(request, OperatorAct.SET_POLICIES)
        if request.method == "POST" and not may_set:
            raise Forbidden
        form = ValueForm(
            rule, request.POST or None, initial={"value": _as_text(queries.value(key))}
        )
        if request.method == "POST" and form.is_valid():
            policies.set_policy(
                key=key,
                value=form.cleaned_data["value"],
                reason=form.cleaned_data["reason"],
                actor=actor_of(request),
                now=clock.now(),
            )
            messages.success(request, _("The policy holds from now on, in every process."))
            return redirect("console:policies_policy_change", key)
        versions = list(queries.list_versions(key)[:_MOST_VERSIONS])
        ids = {found for version in versions if (found := uuid_of(version.set_by))}
        people = {user.id: user.email for user in console.rows(request, User).filter(id__in=ids)}
        context = {
            **self.admin_site.each_context(request),
            "title": rule.label,
            "rule": rule,
            "form": form if may_set else None,
            "shown": shown(rule, queries.value(key)),
            "default": shown(rule, rule.default),
            "versions": [
                (version, shown(rule, version.value), actor_link(version.set_by, people))
                for version in versions
            ],
        }
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
        return TemplateResponse(request, "console/policy.html", context, status=status)


def _standing(rule: Rule, last: Policy | None) -> Standing:
    value = queries.value(rule.key)
    return Standing(
        rule=rule,
        group=_group_of(rule)[1],
        shown=shown(rule, value),
        is_default=value == rule.default,
        last=last,
    )


def _group_of(rule: Rule) -> tuple[int, Text]:
    key = rule.key.partition(".")[0]
    known = list(_GROUPS)
    return (known.index(key), _GROUPS[key]) if key in _GROUPS else (len(known), key)


def shown(rule: Rule, value: object) -> Text:
    """Return a value as a person reads it."""
    if rule.kind == "flag":
        return _("yes") if value else _("no")
    return rule.choices.get(str(value), str(value)) if rule.kind == "choice" else str(value)


def _as_text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


console.register(Policy, PolicyAdmin)
