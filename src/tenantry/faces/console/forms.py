"""The forms of the way in, in Unfold's look, and the one that asks for a reason."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from tenantry.core import clock
from tenantry.core.errors import Text
from tenantry.customers.accounts.models import User
from tenantry.faces.console import limits
from tenantry.faces.console.adapter import TOO_MANY, record_refusal

_REASON_LENGTH = 500
Look = tuple[Any, Callable[[], forms.Widget]]


_EMAIL = partial(UnfoldAdminEmailInputWidget, {"autocomplete": "username", "autofocus": True})
_PASSWORD = partial(UnfoldAdminPasswordWidget, {"autocomplete": "current-password"})
_CODE = partial(
    UnfoldAdminTextInputWidget,
    {"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"},
)
_NAME = partial(UnfoldAdminTextInputWidget, {"autocomplete": "off"})


class _Dressed:
    """Gives the fields of one of allauth's forms our words and Unfold's widgets."""

    looks: ClassVar[Mapping[str, Look]] = {}
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (label, make) in self.looks.items():
            field, widget = self.fields[name], make()
            widget.is_required = field.required
            widget.attrs.update(field.widget_attrs(widget))
            field.label, field.widget = label, widget


class SignInForm(_Dressed, LoginForm):
    """Address and password."""

    looks: ClassVar = {"login": (_("E-mail"), _EMAIL), "password": (_("Password"), _PASSWORD)}


class PasswordAgainForm(_Dressed, ReauthenticateForm):
    """The password of somebody who is signed in."""

    looks: ClassVar = {"password": (_("Password"), _PASSWORD)}


class CodeForm(_Dressed, AuthenticateForm):
    """A code of the authenticator app, or a recovery code; tries are counted, each works once."""

    looks: ClassVar = {"code": (_("Code"), _CODE)}
    user: User

    def clean_code(self) -> str:
        """Return the code; raises a validation error for a wrong or used one and after too many."""
        if not limits.admit_code(user=self.user, now=clock.now()):
            record_refusal(email=self.user.email, reason="too_many_tries")
            raise ValidationError(TOO_MANY)
        try:
            code: str = super().clean_code()
            if not limits.spend_code(user=self.user, code=code):
                raise get_adapter().validation_error("incorrect_code")
        except ValidationError:
            record_refusal(email=self.user.email, reason="second_factor")
            raise
        return code


class AppForm(_Dressed, ActivateTOTPForm):
    """The first code of a new authenticator app."""

    looks: ClassVar = {"code": (_("Code shown by the app"), _CODE)}


class PasskeyForm(_Dressed, AddWebAuthnForm):
    """The name of a new passkey."""

    looks: ClassVar = {"name": (_("Name of the key"), _NAME)}


class ReasonForm(forms.Form):
    """Why an operator does something; the audit log keeps it, and often the customer reads it."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=_REASON_LENGTH,
        widget=UnfoldAdminTextareaWidget({"rows": 4, "autofocus": True}),
    )

    def __init__(self, *args: Any, help_text: Text = "", **kwargs: Any) -> None:
        """Say who will read it."""
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = str(help_text)
