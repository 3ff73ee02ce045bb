"""Commands about the audit log."""

import sys

import click
from django.db import transaction

from tenantry.config.cli.output import json_option, print_json
from tenantry.core import db, tenancy
from tenantry.ledger.audit import verify as verifier


@click.group()
def audit() -> None:
    """Prove what happened."""


@audit.command()
@json_option
def verify(*, as_json: bool) -> None:
    """Check every entry, leaf and checkpoint; exit code 1 names the first bad row."""
    with transaction.atomic(), tenancy.platform("verify the audit log"):
        report = verifier.verify(db.raw())
    if as_json:
        print_json(report)
    else:
        click.echo(str(report))
    sys.exit(0 if report.ok else 1)
