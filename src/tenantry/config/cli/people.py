"""Commands that let the first people in; everybody else is let in by them."""

import click
from django.conf import settings
from django.db import transaction

from tenantry.core import clock
from tenantry.customers.accounts import queries as accounts
from tenantry.customers.accounts import services as people
from tenantry.customers.accounts.states import OperatorRole
from tenantry.customers.tenants import services as companies

_ACTOR = "system:cli"
_ROLES = [role.value for role in OperatorRole if role.value]


@click.command("add-operator")
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice(_ROLES),
    default="superuser",
    show_default=True,
    help="What they do.",
)
@click.password_option(help="Asked for when left out.")
def add_operator(*, email: str, role: str, password: str) -> None:
    """Make an operator; the second factor is set up at the first sign-in."""
    now = clock.now()
    with transaction.atomic():
        user = people.create_user(email=email, password=password, actor=_ACTOR, now=now)
        people.set_operator_role(
            user=user, role=role, actor=_ACTOR, now=now, reason="made on the command line"
        )
    click.echo(f"{user.email} may sign in as {role} at {settings.BASE_URL}/console/")


@click.command("add-company")
@click.argument("name")
@click.argument("owner_email")
@click.option("--zone", default="UTC", show_default=True, help="IANA time zone of its days.")
@click.option("--language", default="en", show_default=True, help="Language of its mails.")
def add_company(*, name: str, owner_email: str, zone: str, language: str) -> None:
    """Make a customer's company; its owner signs in to the portal by e-mailed code."""
    now = clock.now()
    with transaction.atomic():
        owner = accounts.find_by_email(owner_email) or people.create_user(
            email=owner_email, language=language, actor=_ACTOR, now=now
        )
        company = companies.create_tenant(
            name=name, zone=zone, language=language, owner=owner, actor=_ACTOR, now=now
        )
    click.echo(f"{owner.email} may sign in at {settings.BASE_URL}/t/{company.short_id}/")
