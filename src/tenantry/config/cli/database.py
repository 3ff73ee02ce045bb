"""Commands about the database: migrations, Django's own checks, and the demo's people."""

from importlib import import_module

import click
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from tenantry.config import migrating, seed
from tenantry.config.cli.output import json_option, print_facts, print_json
from tenantry.core import clock


@click.command()
@click.option(
    "--statement-timeout",
    default=migrating.STATEMENT_SECONDS,
    show_default=True,
    help="Seconds per statement.",
)
@click.option("--check", "only_check", is_flag=True, help="Exit code 1 if any is missing.")
def migrate(*, statement_timeout: int, only_check: bool) -> None:
    """Bring the database to this release."""
    if only_check:
        call_command("migrate", check_unapplied=True, verbosity=0)
    else:
        migrating.migrate(statement_seconds=statement_timeout)


@click.command()
def check() -> None:
    """Run the system checks, and see that models and migrations agree."""
    # The console's tables are registered with its addresses; they are checked as well.
    import_module(settings.ROOT_URLCONF)
    try:
        call_command("check", fail_level="WARNING")
        call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)
    except SystemCheckError as error:
        raise click.ClickException(str(error)) from error


@click.command("seed-demo")
@json_option
def seed_demo(*, as_json: bool) -> None:
    """Create the demo's tenant, customers and operators; again is the same."""
    people = seed.seed_demo(now=clock.now())
    if as_json:
        print_json(people)
    else:
        print_facts(seed.sign_ins(people))
