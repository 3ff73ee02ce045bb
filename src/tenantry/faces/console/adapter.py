"""What allauth asks us: who may come in, how often to try, and how its secrets are kept."""

import base64
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenantry.core import clock, crypto, tenancy
from tenantry.core.crypto import keyed_hash
from tenantry.customers.accounts import queries as accounts
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console import limits
from tenantry.faces.console.standing import FACE, FACE_KEY, Standing, standing_of
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action

TOO_MANY = _("Too many tries. Wait an hour, then try again.")
_SYSTEM = "system:web"
_MFA_AAD = b"console.second_factor"


class OperatorAdapter(DefaultAccountAdapter):
    """Accounts are for operators only; customers never meet allauth."""

    error_messages: ClassVar = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("Address and password do not match an operator."),
        "too_many_login_attempts": TOO_MANY,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up: operators are made by operators."""
        del request
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try before any comparing; raises a validation error after too many."""
        email = str(credentials.get("email", ""))
        network = self.get_client_ip(request)
        if not limits.admit_password(email=email, network=network, now=clock.now()):
            record_refusal(email=email, reason="too_many_tries")
            raise self.validation_error("too_many_login_attempts")
        super().pre_authenticate(request, **credentials)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Return the operator with this password; everybody else looks like a wrong password."""
        credentials["email"] = accounts.canonical(str(credentials.get("email", "")))
        user = super().authenticate(request, **credentials)
        if isinstance(user, User) and accounts.operator_may(user, OperatorAct.READ):
            return user
        if user is not None:
            self.authentication_failed(request, **credentials)
        return None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Put the refusal into the audit log."""
        del request
        record_refusal(email=str(credentials.get("email", "")), reason="password")

    def reauthenticate(self, user: User, password: str) -> bool:
        """Compare the password of somebody who is signed in, under the same limits."""
        found = self.authenticate(context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Demand a fresh password for changes of factors, but not right after the first sign-in."""
        del app, kwargs
        return standing_of(context.request, now=clock.now()) is not Standing.BARE

    def get_reauthentication_methods(self, user: AbstractBaseUser) -> list[dict[str, Any]]:
        """Offer the password only: the second factor was given in this session."""
        if not user.is_authenticated:
            return []
        return [{"id": "reauthenticate", "url": reverse("account_reauthenticate")}]

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Make the session one of the console, in the operator's language, and record it."""
        request.session[FACE_KEY] = FACE
        standing = standing_of(request, now=clock.now())
        with tenancy.platform("record an operator's sign-in"):
            audit.append(
                action=Action.ACCOUNTS_OPERATOR_SIGNED_IN,
                tenant_id=None,
                actor=f"operator:{user.id}",
                target=("user", str(user.id)),
                at=clock.now(),
                body={"second_factor": standing is Standing.FULL},
            )
        response: HttpResponse = super().post_login(request, user, **kwargs)
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            response.set_cookie(settings.LANGUAGE_COOKIE_NAME, user.language, samesite="Lax")
        return response

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing beside what our own pages say."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Return the console's first page."""
        del request
        return reverse("console:index")

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Return the console's door."""
        del request
        return reverse("account_login")


class OperatorMfaAdapter(DefaultMFAAdapter):
    """Second factors, with their secrets encrypted at rest."""

    def encrypt(self, text: str) -> str:
        """Return a secret as it is stored."""
        sealed = crypto.keyring().seal(text.encode(), aad=_MFA_AAD)
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return a stored secret; raises `SealBroken`."""
        sealed = base64.b64decode(encrypted_text)
        return crypto.keyring().unseal(sealed, aad=_MFA_AAD).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return whom passkeys are made for."""
        return {**super().get_public_key_credential_rp_entity(), "name": settings.MFA_TOTP_ISSUER}


def record_refusal(*, email: str, reason: str) -> None:
    """Put a refused way in into the audit log; an unknown address only as its keyed hash."""
    user = accounts.find_by_email(email)
    address = keyed_hash("console.address", accounts.canonical(email)).hex()[:16]
    with tenancy.platform("record a refused sign-in"):
        audit.append(
            action=Action.ACCOUNTS_OPERATOR_REFUSED,
            tenant_id=None,
            actor=_SYSTEM,
            target=("user", str(user.id)) if user else ("address", address),
            at=clock.now(),
            reason=reason,
        )
