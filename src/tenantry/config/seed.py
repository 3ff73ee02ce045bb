"""The demo's people: two small companies with an owner each, and an operator of every role.

Passwords and TOTP secrets come from the installation's own pepper: the same each time, and known
to nobody else.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection
from django.utils.translation import gettext as _

from tenantry.core import tenancy
from tenantry.core.crypto import keyed_hash
from tenantry.customers.accounts import queries as accounts
from tenantry.customers.accounts import services as people
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.states import OperatorRole
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants import services as companies
from tenantry.journeys.onboarding import queries as onboarding
from tenantry.journeys.onboarding import services as registrations
from tenantry.journeys.onboarding.states import DictionaryRule
from tenantry.sdk.story import Person

_ACTOR = "system:seed"
_ZONE = "Asia/Seoul"
_DOMAIN = "hanbit.example"
# 24 letters carry 120 bits.
_PASSWORD_LETTERS = 24
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('tenantry.seed_demo', 0))"


@dataclass(frozen=True, kw_only=True)
class DemoPeople:
    """Who can sign in, and where they belong."""

    tenant_short_id: str
    customer: Person
    other_tenant_short_id: str
    other_customer: Person
    reviewer: Person
    operator: Person
    superuser: Person


def seed_demo(now: datetime) -> DemoPeople:
    """Make the demo's people and companies where they are missing, and return how they sign in.

    What is there is left as it is, also when somebody changed a password since.
    """
    with tenancy.platform("make the demo's people"):
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        _allow_demo_domain(now)
        return DemoPeople(
            tenant_short_id=_company("Hanbit Phones", f"owner@{_DOMAIN}", "en", now),
            customer=Person(email=f"owner@{_DOMAIN}"),
            other_tenant_short_id=_company("Daon Coffee", "owner@daon.example", "ko", now),
            other_customer=Person(email="owner@daon.example"),
            reviewer=_operator(OperatorRole.REVIEWER, now),
            operator=_operator(OperatorRole.OPERATOR, now),
            superuser=_operator(OperatorRole.SUPERUSER, now),
        )


def _allow_demo_domain(now: datetime) -> None:
    """Let the demo's company sign up also where no name server knows its domain."""
    if onboarding.find_rule((_DOMAIN,)) is None:
        registrations.add_domain(
            domain=_DOMAIN,
            rule=DictionaryRule.ALLOW,
            note="the demo's own company",
            actor=_ACTOR,
            now=now,
        )


def seed_story(now: datetime) -> DemoPeople:
    """Return the demo's people with a new company for one story, so that it begins from nothing."""
    demo = seed_demo(now)
    email = f"story-{now:%m%d-%H%M%S}@{_DOMAIN}"
    with tenancy.platform("make the story's company"):
        short_id = _company(f"Hanbit Story {now:%H:%M:%S}", email, "en", now)
    return replace(demo, tenant_short_id=short_id, customer=Person(email=email))


def sign_ins(demo: DemoPeople) -> Mapping[str, str]:
    """Return one line per person that says how to sign in."""
    by_mail = _("%(email)s, code by e-mail: the console's mailbox shows it")
    by_password = _("%(email)s, password %(password)s, TOTP secret %(secret)s")
    customers = {"customer": demo.customer, "another": demo.other_customer}
    operators = {
        "reviewer": demo.reviewer,
        "operator": demo.operator,
        "superuser": demo.superuser,
    }
    lines = {name: by_mail % {"email": person.email} for name, person in customers.items()}
    for name, person in operators.items():
        facts = {"password": person.password, "secret": person.totp_secret}
        lines[name] = by_password % {"email": person.email, **facts}
    return lines


def _company(name: str, email: str, language: str, now: datetime) -> str:
    owner = accounts.find_by_email(email)
    if owner is None:
        owner = people.create_user(email=email, language=language, actor=_ACTOR, now=now)
    if owned := tenants.list_for_user(owner):
        return owned[0].tenant.short_id
    return companies.create_tenant(
        name=name, zone=_ZONE, language=language, owner=owner, actor=_ACTOR, now=now
    ).short_id


def _operator(role: OperatorRole, now: datetime) -> Person:
    email = f"{role.value}@tenantry.example"
    password = _secret("password", email)[:_PASSWORD_LETTERS].lower()
    secret = _secret("totp", email)
    user = accounts.find_by_email(email)
    if user is None:
        user = people.create_user(email=email, password=password, actor=_ACTOR, now=now)
        people.set_operator_role(
            user=user, role=role, actor=_ACTOR, now=now, reason="operator of the demo"
        )
    _give_second_factor(user, secret)
    return Person(email=email, password=password, totp_secret=secret)


def _give_second_factor(user: User, secret: str) -> None:
    owned = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP)
    if not owned.exists():
        TOTP.activate(user, secret)


def _secret(purpose: str, email: str) -> str:
    # 20 bytes: 32 letters without padding, what RFC 4226 asks of a TOTP secret.
    digest = keyed_hash(f"seed_demo.{purpose}", email)[:20]
    return base64.b32encode(digest).decode()
