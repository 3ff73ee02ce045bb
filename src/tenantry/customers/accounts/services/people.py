"""People: who they are, and what operators may do."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from tenantry.core import tenancy
from tenantry.core.errors import LanguageUnknown
from tenantry.customers.accounts.errors import (
    AddressInvalid,
    AddressTaken,
    PasswordWeak,
    RoleUnknown,
)
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.queries import canonical, get_user
from tenantry.customers.accounts.states import OperatorRole
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action

# RFC 3696, erratum 1690: a path of 256 characters less its brackets.
_LONGEST_ADDRESS = 254


def create_user(
    *,
    email: str,
    actor: str,
    now: datetime,
    name: str = "",
    language: str = "en",
    password: str = "",
) -> User:
    """Make a person; only operators have a password.

    Refuses: `AddressInvalid`, `AddressTaken`, `LanguageUnknown`, `PasswordWeak`.
    """
    address = require_address(email)
    _require_language(language)
    user = User(email=address, name=name.strip(), language=language, created_at=now)
    _give_password(user, password)
    with tenancy.platform("add a person"):
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError:
            raise AddressTaken from None
        record(Action.ACCOUNTS_USER_CREATED, user, actor, now)
    return user


def admit(*, user_id: UUID, now: datetime) -> User:
    """Note that a person whose address was proven elsewhere signs in. Refuses: `NotFound`."""
    user = get_user(user_id)
    with tenancy.platform("sign a person in"):
        record(Action.ACCOUNTS_USER_SIGNED_IN, user, f"user:{user.id}", now)
    return user


def set_password(*, user: User, password: str, actor: str, now: datetime) -> None:
    """Give an operator a password. Refuses: `PasswordWeak`."""
    _give_password(user, password)
    with tenancy.platform("change a person"):
        user.save(update_fields=["password"])
        record(Action.ACCOUNTS_USER_CHANGED, user, actor, now)


def set_language(*, user: User, language: str, actor: str, now: datetime) -> None:
    """Speak another language to a person. Refuses: `LanguageUnknown`."""
    _require_language(language)
    user.language = language
    with tenancy.platform("change a person"):
        user.save(update_fields=["language"])
        record(Action.ACCOUNTS_USER_CHANGED, user, actor, now, language=language)


def set_operator_role(
    *, user: User, role: str, actor: str, now: datetime, reason: str = ""
) -> None:
    """Make a person an operator of a role, or none with an empty role. Refuses: `RoleUnknown`."""
    if role not in OperatorRole.values:
        raise RoleUnknown(role=role)
    before, user.operator_role = user.operator_role, role
    with tenancy.platform("change a person"):
        user.save(update_fields=["operator_role"])
        change = {"from": before, "to": role}
        record(Action.ACCOUNTS_OPERATOR_ROLE_CHANGED, user, actor, now, reason=reason, **change)


def _require_language(language: str) -> None:
    if language not in dict(settings.LANGUAGES):
        raise LanguageUnknown(field="language", language=language)


def _give_password(user: User, password: str) -> None:
    if not password:
        user.set_unusable_password()
        return
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PasswordWeak(reason=" ".join(error.messages)) from None
    user.set_password(password)


def record(
    action: Action, user: User, actor: str, now: datetime, *, reason: str = "", **body: str
) -> None:
    """Write into the books what happened to a person."""
    audit.append(
        action=action,
        tenant_id=None,
        actor=actor,
        target=("user", str(user.id)),
        at=now,
        reason=reason,
        body=body,
    )


def require_address(email: str) -> str:
    """Return an address in its one form. Refuses: `AddressInvalid`."""
    address = canonical(email)
    try:
        validate_email(address)
    except ValidationError:
        raise AddressInvalid from None
    if len(address) > _LONGEST_ADDRESS:
        raise AddressInvalid
    return address
