"""Links that sign in: one person, one use, one day."""

import base64
from datetime import datetime
from functools import partial

import pytest
from django.db import connection

from tenantry.core import tenancy
from tenantry.customers.accounts import services
from tenantry.customers.accounts.errors import LinkRefused
from tenantry.customers.accounts.models import SignInCode, User
from tests.probes import at_once, database_text

pytestmark = pytest.mark.django_db
ACTOR = "system:test"


def made(user: User, now: datetime) -> str:
    return services.issue_link(user=user, actor=ACTOR, now=now)


def age(minutes: int) -> None:
    with tenancy.platform("let time pass"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_signincode SET expires_at = expires_at - make_interval(mins => %s)",
            [minutes],
        )


def test_a_link_signs_its_person_in_once(owner: User, now: datetime) -> None:
    token = made(owner, now)
    assert services.find_link(token) == owner
    assert services.redeem_link(token=token, now=now) == owner
    assert services.find_link(token) is None
    with pytest.raises(LinkRefused):
        services.redeem_link(token=token, now=now)


def test_a_new_link_leaves_the_others_alone(owner: User, now: datetime) -> None:
    first, second = made(owner, now), made(owner, now)
    assert services.redeem_link(token=second, now=now) == owner
    assert services.redeem_link(token=first, now=now) == owner


def test_a_link_lives_for_a_day(owner: User, now: datetime) -> None:
    token = made(owner, now)
    age(24 * 60 - 1)
    assert services.find_link(token) == owner
    age(1)
    with pytest.raises(LinkRefused):
        services.redeem_link(token=token, now=now)


def test_another_person_cannot_be_put_into_a_link(
    owner: User, stranger: User, now: datetime
) -> None:
    whole = base64.urlsafe_b64decode(made(owner, now))
    forged = base64.urlsafe_b64encode(stranger.id.bytes + whole[16:]).decode()
    with pytest.raises(LinkRefused):
        services.redeem_link(token=forged, now=now)


@pytest.mark.parametrize("token", ["", "a", "ä", "A" * 64, "A" * 63, "A" * 200, "-_-_"])
def test_what_is_no_link_is_refused(db: None, token: str, now: datetime) -> None:
    assert services.find_link(token) is None
    with pytest.raises(LinkRefused):
        services.redeem_link(token=token, now=now)


def test_who_may_not_sign_in_any_more_cannot_use_a_link(owner: User, now: datetime) -> None:
    token = made(owner, now)
    User.objects.filter(id=owner.id).update(is_active=False)
    with pytest.raises(LinkRefused):
        services.redeem_link(token=token, now=now)
    # Nothing was spent.
    assert SignInCode.objects.get().state == "live"


def test_the_table_cannot_be_read_back(owner: User, now: datetime) -> None:
    token = made(owner, now)
    secret = base64.urlsafe_b64decode(token)[32:]
    kept = SignInCode.objects.get()
    assert secret not in bytes(kept.code_hash)
    assert token not in database_text()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_open_a_link_at_once_one_gets_in(owner: User, now: datetime) -> None:
    token = made(owner, now)

    answers = at_once([partial(services.redeem_link, token=token, now=now)] * 64)
    assert [answer for answer in answers if not isinstance(answer, LinkRefused)] == [owner]
