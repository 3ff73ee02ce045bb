"""Commands about the audit log."""

import os
import sys
from contextlib import suppress

import click
from django.db import transaction

from tenantry.config.cli.output import json_option, print_json
from tenantry.core import db, tenancy
from tenantry.core.errors import DomainError
from tenantry.ledger.audit import sealer
from tenantry.ledger.audit import verify as verifier
from tenantry.ledger.audit.lease import LeaseLost


@click.group()
def audit() -> None:
    """Prove what happened."""


@audit.command()
@json_option
def verify(*, as_json: bool) -> None:
    """Check every entry, leaf and checkpoint; exit code 1 names the first bad row."""
    with suppress(DomainError, LeaseLost):  # what keeps it from sealing is found by the look
        if sealer.seal_now(holder=f"verify:{os.getpid()}"):
            click.echo("No scheduler was sealing; what waited was sealed first.", err=True)
    with transaction.atomic(), tenancy.platform("verify the audit log"):
        report = verifier.verify(db.raw())
    if as_json:
        print_json(report)
    else:
        click.echo(str(report))
    sys.exit(0 if report.ok else 1)
