"""The way in: password, second factor, and setting one up. allauth does the work."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

# Public in effect: allauth offers no other way to say that a factor was just proven.
from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import LoginView, ReauthenticateView
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.views import AddWebAuthnView
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenantry.core import clock, tenancy
from tenantry.customers.accounts.models import User
from tenantry.faces.console import forms
from tenantry.faces.console.site import console
from tenantry.faces.console.standing import Standing, door, standing_of
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action

View = Callable[..., HttpResponseBase]


def only(*allowed: Standing) -> Callable[[View], View]:
    """Let a view be seen in these standings only; everybody else is led to where he belongs."""

    def wrap(view: View) -> View:
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            standing = standing_of(request, now=clock.now())
            if standing in allowed:
                return view(request, *args, **kwargs)
            return redirect(door(request, standing))

        return guarded

    return wrap


class Framed:
    """Gives allauth's pages the frame of the console's door."""

    title: str | Promise = ""
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the page's context, with everything Unfold's layout reads."""
        page: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]  # a mixin
        return {
            **console.each_context(self.request),
            **page,
            "title": self.title,
            "passkeys": passkeys_work(self.request),
        }


class SignIn(Framed, LoginView):
    """Address and password of an operator."""

    title = _("Sign in")
    form_class = forms.SignInForm
    template_name = "console/entrance/sign_in.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the form; trying it ends whatever else this browser was signed in to."""
        standing = standing_of(request, now=clock.now())
        if standing in {Standing.FULL, Standing.BARE}:
            return redirect(door(request, standing))
        # allauth gives its second step only to sessions of nobody.
        if request.method == "POST" and request.user.is_authenticated:
            logout(request)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


class Code(Framed, AuthenticateView):
    """The second factor: a code, or a passkey."""

    title = _("Confirm that it is you")
    form_class = forms.CodeForm
    template_name = "console/entrance/code.html"


class PasswordAgain(Framed, ReauthenticateView):
    """The password again, before something about the sign-in itself changes."""

    title = _("Enter your password again")
    form_class = forms.PasswordAgainForm
    template_name = "console/entrance/password_again.html"


class SecondFactor(Framed, IndexView):
    """What is set up, and what can be added."""

    title = _("Your second factor")
    template_name = "console/entrance/second_factor.html"


class AddApp(Framed, ActivateTOTPView):
    """Setting up an authenticator app."""

    title = _("Set up an authenticator app")
    form_class = forms.AppForm
    template_name = "console/entrance/add_app.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Offer it to those who have none yet."""
        if is_mfa_enabled(request.user, [Authenticator.Type.TOTP]):
            return redirect("mfa_index")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: forms.AppForm) -> HttpResponse:
        """Switch it on; the code that was just typed counts as given."""
        response: HttpResponse = super().form_valid(form)
        note_factor(self.request, Authenticator.Type.TOTP)
        return response


class AddPasskey(Framed, AddWebAuthnView):
    """Adding a passkey or security key."""

    title = _("Add a passkey")
    form_class = forms.PasskeyForm
    template_name = "console/entrance/add_passkey.html"

    def form_valid(self, form: forms.PasskeyForm) -> HttpResponse:
        """Add it; the ceremony that just ended counts as given."""
        response: HttpResponse = super().form_valid(form)
        note_factor(self.request, Authenticator.Type.WEBAUTHN)
        return response


class RecoveryCodes(Framed, ViewRecoveryCodesView):
    """The codes for the day the phone is lost."""

    title = _("Your recovery codes")
    template_name = "console/entrance/recovery_codes.html"


class NewRecoveryCodes(Framed, GenerateRecoveryCodesView):
    """Making new codes, which ends the old ones."""

    title = _("Make new recovery codes")
    template_name = "console/entrance/new_recovery_codes.html"


def passkeys_work(request: HttpRequest) -> bool:
    """Return whether browsers offer passkeys at this address: never under a bare IP address."""
    host = request.get_host().rpartition(":")[0] or request.get_host()
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return True
    return False


def note_factor(request: HttpRequest, kind: str) -> None:
    """Count a factor that was just set up as given in this session, and record it."""
    user = request.user
    assert isinstance(user, User)
    record_authentication(request, user, "mfa", type=kind, reauthenticated=True)
    with tenancy.platform("record a new second factor"):
        audit.append(
            action=Action.ACCOUNTS_SECOND_FACTOR_ADDED,
            tenant_id=None,
            actor=f"operator:{user.id}",
            target=("user", str(user.id)),
            at=clock.now(),
            body={"kind": str(kind)},
        )
