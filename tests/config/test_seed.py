"""The demo's people: made once, and able to sign in as printed."""

from datetime import datetime
from functools import partial

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp

from tenantry.config.seed import DemoPeople, seed_demo, sign_ins
from tenantry.customers.accounts import queries as accounts
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.states import OperatorRole
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants.states import Role
from tests.probes import at_once


def test_demo_people_can_sign_in_as_printed(db: None, now: datetime) -> None:
    demo = seed_demo(now)

    for person, role in (
        (demo.reviewer, OperatorRole.REVIEWER),
        (demo.operator, OperatorRole.OPERATOR),
        (demo.superuser, OperatorRole.SUPERUSER),
    ):
        user = accounts.find_by_email(person.email)
        assert user is not None
        assert user.operator_role == role
        assert user.check_password(person.password)
        counter = next(totp.yield_hotp_counters_from_time())
        code = totp.format_hotp_value(totp.hotp_value(person.totp_secret, counter))
        factor = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
        assert totp.TOTP(factor).validate_code(code) is True
        assert person.password in sign_ins(demo)[role]
        assert person.totp_secret in sign_ins(demo)[role]


def test_demo_customers_own_their_companies(db: None, now: datetime) -> None:
    demo = seed_demo(now)

    for person, short_id in (
        (demo.customer, demo.tenant_short_id),
        (demo.other_customer, demo.other_tenant_short_id),
    ):
        user = accounts.find_by_email(person.email)
        assert user is not None
        (access,) = tenants.list_for_user(user)
        assert (access.tenant.short_id, access.role) == (short_id, Role.OWNER)


@pytest.mark.django_db(transaction=True)
def test_seeding_again_and_at_once_changes_nothing(now: datetime) -> None:
    answers = at_once([partial(seed_demo, now)] * 3)

    assert isinstance(answers[0], DemoPeople)
    assert answers == [seed_demo(now)] * 3
    assert User.objects.count() == 5


def test_changed_password_is_left_alone(db: None, now: datetime) -> None:
    demo = seed_demo(now)
    user = accounts.find_by_email(demo.operator.email)
    assert user is not None
    user.set_password("another long password")
    user.save()
    seed_demo(now)

    user.refresh_from_db()
    assert user.check_password("another long password")
