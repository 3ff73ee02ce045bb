"""Forms of the portal. They parse; what may be done is decided by services."""

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.core.forms import RefusingForm
from tenantry.sdk import registry
from tenantry.sdk.product import Capability
from tenantry.work.automation.models import Connection


class SignInForm(RefusingForm):
    """The address that a code is sent to; the service judges it."""

    email = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "inputmode": "email"}
        ),
    )


class CodeForm(RefusingForm):
    """The code from the mail, however it was copied."""

    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        widget=forms.TextInput(
            attrs={
                "class": "code",
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


class ConnectForm(RefusingForm):
    """An account on an outside site and its password; both are judged by the service."""

    connector = forms.ChoiceField(label=_("Where"))
    account = forms.CharField(
        label=_("Account name"),
        max_length=120,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Used once to sign in, kept encrypted until then, and destroyed right after."),
    )
    label = forms.CharField(
        label=_("Name in Tenantry"),
        max_length=80,
        required=False,
        help_text=_("How you tell your accounts apart, for example “Main account”."),
    )
    consent = forms.BooleanField(
        label=_("I may use this account, and I let Tenantry post with it as my schedules say."),
        error_messages={"required": _("Without this we may not sign in for you.")},
    )

    def __init__(self, data: QueryDict | None = None, *, again: Connection | None = None) -> None:
        """Offer the connectors; with `again`, sign the same account in once more."""
        super().__init__(data)
        self.again = again
        choices = connector_choices()
        field = self.fields["connector"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        if len(choices) == 1 or again:
            field.widget = forms.HiddenInput()
            field.initial = choices[0][0] if choices else ""
        if again:
            self.initial = {
                "connector": f"{again.product}/{again.connector}",
                "account": again.account,
                "label": again.label,
            }
            self.fields["account"].disabled = True
            field.disabled = True


def connector_choices() -> list[tuple[str, Text]]:
    """Return every connector that can sign an account in, as `product/connector` and its name."""
    return [
        (f"{product.slug}/{connector.slug}", connector.label)
        for product in registry.products()
        for connector in product.connectors
        if Capability.SIGN_IN in connector.capabilities
    ]
