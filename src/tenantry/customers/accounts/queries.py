"""Who people are."""

from uuid import UUID

import idna
from django.db.models import QuerySet

from tenantry.core.errors import NotFound
from tenantry.customers.accounts import roles
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.states import OperatorRole


def canonical(email: str) -> str:
    """Return the form in which an address is stored and compared: small letters, ASCII domain.

    What is no address comes back as it is, but for case and blanks.
    """
    cleaned = email.strip().lower()
    local, at, domain = cleaned.rpartition("@")
    if not at or domain.isascii():
        return cleaned
    try:
        # UTS #46, as browsers do: 한빛.kr is xn--xx3br43b.kr.
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return cleaned


def find_by_email(email: str) -> User | None:
    """Return the active person with this address, however it is capitalised."""
    return User.objects.filter(email=canonical(email), is_active=True).first()


def get_user(user_id: UUID) -> User:
    """Return an active person; raises `NotFound`."""
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise NotFound
    return user


def list_operators() -> QuerySet[User]:
    """Return everybody with an operator role."""
    return User.objects.exclude(operator_role=OperatorRole.NONE).order_by("email")


def operator_may(user: User, act: roles.OperatorAct) -> bool:
    """Return whether this person may do it in the console."""
    return user.is_active and roles.may(user.operator_role, act)
