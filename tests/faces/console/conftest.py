"""Operators of every role, and how they come in."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client

from tenantry.core import clock
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.states import OperatorRole
from tenantry.fleet.provisioning import drivers
from tenantry.sdk import registry
from tenantry.sdk.product import Product
from tests.faces.console.fleet import Fleet, make_fleet
from tests.journeys.onboarding.name_server import names, served

__all__ = ["names", "served"]

PASSWORD = "correct horse battery staple"
ACTOR = "system:test"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """Let no test meet the tries that another one made; allauth counts them in its cache."""
    cache.clear()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def fleet(owner: User, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A pretended place for instances, beside the real products."""

    def install(product: Product) -> None:
        found = (product, *registry.products())
        monkeypatch.setattr(registry, "products", lambda: found)

    made = make_fleet(owner, clock.now(), install)
    monkeypatch.setattr(drivers, "current", lambda: made.driver)
    return made


def totp_code(secret: str, *, steps: int = 0) -> str:
    """Return what an authenticator app shows now, or some half minutes away."""
    step = int(clock.now().timestamp()) // 30 + steps
    return str(format_hotp_value(hotp_value(secret, step)))


@pytest.fixture
def make_operator(db: None, now: datetime) -> Callable[..., User]:
    def make(role: str = OperatorRole.OPERATOR, *, email: str = "") -> User:
        user = accounts.create_user(
            email=email or f"{role}@tenantry.example",
            name=role.title(),
            password=PASSWORD,
            actor=ACTOR,
            now=now,
        )
        accounts.set_operator_role(user=user, role=role, actor=ACTOR, now=now)
        return user

    return make


def enter_password(client: Client, user: User, password: str = PASSWORD) -> str:
    """Send the sign-in form; return where it leads, or nothing when it is shown again."""
    data = {"login": user.email, "password": password}
    return client.post("/console/sign-in/", data).headers.get("Location", "")


def enrol(client: Client) -> str:
    """Set up an authenticator app in a session that has the password; return its secret."""
    client.get("/console/second-factor/app/")
    secret: str = client.session["mfa.totp.secret"]
    _prove(client, secret)
    return secret


def bring_in(client: Client, user: User) -> None:
    """Take an operator all the way in, without drawing a picture of the secret."""
    enter_password(client, user)
    session = client.session
    secret = session["mfa.totp.secret"] = generate_totp_secret()
    session.save()
    _prove(client, secret)


def _prove(client: Client, secret: str) -> None:
    answer = client.post("/console/second-factor/app/", {"code": totp_code(secret)})
    assert answer.headers["Location"] == "/console/second-factor/recovery-codes/"


@pytest.fixture
def sign_in(client: Client, make_operator: Callable[..., User]) -> Callable[..., Client]:
    """Bring an operator of a role all the way in."""

    def bring(role: str = OperatorRole.OPERATOR) -> Client:
        bring_in(client, make_operator(role))
        return client

    return bring


@pytest.fixture
def crew(make_operator: Callable[..., User]) -> dict[str, Client]:
    """Browsers of all operator roles, each all the way in."""
    browsers = {}
    for role in (OperatorRole.REVIEWER, OperatorRole.OPERATOR, OperatorRole.SUPERUSER):
        browsers[str(role)] = client = Client()
        bring_in(client, make_operator(role))
    return browsers


def messages_of(answer: Any) -> list[str]:  # noqa: ANN401  # of the test client
    """Return what a page that was led to says on its top."""
    return [str(message) for message in answer.context["messages"]]
