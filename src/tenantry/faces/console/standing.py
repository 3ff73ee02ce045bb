"""What a session is worth in the console: the one rule that every page and way in asks."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest
from django.urls import reverse

from tenantry.customers.accounts import queries as accounts
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.roles import OperatorAct

FACE = "console"
FACE_KEY = "face"
# After that an operator proves again who it is, however busy the session was.
LONGEST = timedelta(hours=12)
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class Standing(StrEnum):
    """How far somebody has come."""

    STRANGER = "stranger"  # nobody, a customer, or a session of another face
    BARE = "bare"  # an operator with the password but without any second factor yet
    HALF = "half"  # an operator with the password who has not given the second factor
    FULL = "full"


def standing_of(request: HttpRequest, *, now: datetime) -> Standing:
    """Return what the session of a request is worth in the console.

    Only what allauth recorded in this session counts, and only for `LONGEST`: a code by e-mail, a
    password without its second factor or a role alone open nothing.
    """
    user = request.user
    if not isinstance(user, User) or not accounts.operator_may(user, OperatorAct.READ):
        return Standing.STRANGER
    if request.session.get(FACE_KEY) != FACE:
        return Standing.STRANGER
    fresh = _fresh(get_authentication_records(request, user), now)
    if "password" not in fresh:
        return Standing.STRANGER
    if "mfa" in fresh:
        return Standing.FULL
    return Standing.HALF if has_second_factor(user) else Standing.BARE


def has_second_factor(user: User) -> bool:
    """Return whether an authenticator app or a passkey is set up; recovery codes are neither."""
    return bool(is_mfa_enabled(user, list(FACTORS)))


def door(request: HttpRequest, standing: Standing) -> str:
    """Return where somebody in this standing belongs instead of the page that was asked for."""
    if standing is Standing.FULL:
        return reverse("console:index")
    if standing is Standing.BARE:
        return reverse("mfa_index")
    back = request.get_full_path() if request.method == "GET" else ""
    entrance = reverse("account_login")
    known = back.startswith("/console/") and not back.startswith(entrance)
    return f"{entrance}?{urlencode({'next': back})}" if known else entrance


def _fresh(records: Iterable[Mapping[str, Any]], now: datetime) -> set[str]:
    oldest = (now - LONGEST).timestamp()
    return {str(record["method"]) for record in records if record["at"] >= oldest}
