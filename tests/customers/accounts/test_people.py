"""People: one per address, with a language, and operators with roles."""

from datetime import datetime

import pytest

from tenantry.core import tenancy
from tenantry.core.errors import LanguageUnknown, NotFound
from tenantry.customers.accounts import queries, services
from tenantry.customers.accounts.errors import (
    AddressInvalid,
    AddressTaken,
    PasswordWeak,
    RoleUnknown,
)
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.roles import OperatorAct, may
from tenantry.customers.accounts.states import OperatorRole
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tests.probes import at_once

ACTOR = "operator:0"
READ_AND_REVIEW = {
    OperatorAct.READ,
    OperatorAct.REVIEW_SCHEDULES,
    OperatorAct.REVIEW_REGISTRATIONS,
}


def make(now: datetime, **given: str) -> User:
    asked = {"email": "New@Hanbit.example", **given}
    return services.create_user(actor=ACTOR, now=now, **asked)


def test_address_is_kept_in_one_form(db: None, now: datetime) -> None:
    user = make(now)

    assert user.email == "new@hanbit.example"
    assert queries.find_by_email(" NEW@hanbit.EXAMPLE ") == user
    assert user.has_usable_password() is False


def test_address_is_one_person(db: None, now: datetime) -> None:
    make(now)

    with pytest.raises(AddressTaken):
        make(now, email="new@HANBIT.example")


@pytest.mark.django_db(transaction=True)
def test_parallel_sign_ups_make_one_person(now: datetime) -> None:
    answers = at_once([lambda: make(now)] * 16)

    assert sum(isinstance(answer, User) for answer in answers) == 1
    assert sum(isinstance(answer, AddressTaken) for answer in answers) == 15


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"email": "hello"}, AddressInvalid),
        ({"language": "tlh"}, LanguageUnknown),
        ({"password": "short"}, PasswordWeak),
        ({"password": "password1234"}, PasswordWeak),
    ],
)
def test_create_user_refuses(
    db: None, now: datetime, given: dict[str, str], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        make(now, **given)

    assert User.objects.count() == 0


def test_changes_are_in_the_books(db: None, now: datetime) -> None:
    user = make(now)
    services.set_language(user=user, language="ko", actor=ACTOR, now=now)
    services.set_operator_role(
        user=user, role=OperatorRole.REVIEWER, actor=ACTOR, now=now, reason="hired"
    )
    services.set_password(user=user, password="correct horse battery", actor=ACTOR, now=now)

    user.refresh_from_db()
    assert (user.language, user.operator_role) == ("ko", OperatorRole.REVIEWER)
    assert user.check_password("correct horse battery")
    with tenancy.platform("look"):
        entries = AuditEntry.objects.filter(target_id=str(user.id)).order_by("seq")
        told = [(entry.action, entry.reason, entry.facts) for entry in entries]
    assert told == [
        (Action.ACCOUNTS_USER_CREATED, "", {}),
        (Action.ACCOUNTS_USER_CHANGED, "", {"language": "ko"}),
        (Action.ACCOUNTS_OPERATOR_ROLE_CHANGED, "hired", {"from": "", "to": "reviewer"}),
        (Action.ACCOUNTS_USER_CHANGED, "", {}),
    ]


def test_unknown_role_and_language_are_refused(owner: User, now: datetime) -> None:
    with pytest.raises(RoleUnknown):
        services.set_operator_role(user=owner, role="king", actor=ACTOR, now=now)
    with pytest.raises(LanguageUnknown):
        services.set_language(user=owner, language="xx", actor=ACTOR, now=now)

    owner.refresh_from_db()
    assert (owner.operator_role, owner.language, owner.is_staff) == ("", "en", False)


def test_get_user_finds_active_people_only(owner: User) -> None:
    assert queries.get_user(owner.id) == owner
    User.objects.filter(id=owner.id).update(is_active=False)

    with pytest.raises(NotFound):
        queries.get_user(owner.id)
    assert queries.find_by_email(owner.email) is None


@pytest.mark.parametrize(
    ("role", "acts"),
    [
        ("", set()),
        ("king", set()),
        (OperatorRole.REVIEWER, READ_AND_REVIEW),
        (
            OperatorRole.OPERATOR,
            READ_AND_REVIEW
            | {
                OperatorAct.SUSPEND_SCHEDULES,
                OperatorAct.MANAGE_JOBS,
                OperatorAct.DISCONNECT,
                OperatorAct.RETRY_MAIL,
                OperatorAct.SET_DICTIONARY,
                OperatorAct.MANAGE_TENANTS,
                OperatorAct.MANAGE_HOSTS,
            },
        ),
        (OperatorRole.SUPERUSER, set(OperatorAct)),
    ],
)
def test_operator_role_allows_exactly(role: str, acts: set[OperatorAct]) -> None:
    assert {act for act in OperatorAct if may(role, act)} == acts


def test_deactivated_operator_may_do_nothing(operator: User, owner: User) -> None:
    assert queries.operator_may(operator, OperatorAct.MANAGE_JOBS) is True
    assert queries.operator_may(owner, OperatorAct.READ) is False
    assert list(queries.list_operators()) == [operator]

    operator.is_active = False
    assert queries.operator_may(operator, OperatorAct.READ) is False
    assert (operator.is_staff, operator.is_superuser) == (False, False)
