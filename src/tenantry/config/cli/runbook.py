"""Commands that play the runbooks of `docs/runbooks`."""

from collections.abc import Iterable
from dataclasses import asdict

import click

from tenantry.config.cli.output import json_option, print_json
from tenantry.config.runbooks import free_mail_review as review
from tenantry.config.runbooks import tenant_archive as archive
from tenantry.config.runbooks import tenant_stuck as stuck
from tenantry.config.runbooks.finding import Finding
from tenantry.core import clock

_dry_run = click.option("--dry-run", is_flag=True, help="Look, and change nothing.")
_reason = click.option(
    "--reason", default="by runbook", show_default=True, help="Kept in the audit log."
)


@click.group()
def runbook() -> None:
    """Play a runbook: look, say what is found, and mend what may be mended."""


@runbook.command("tenant-stuck")
@click.option("--tenant", "short_id", default="", help="Its short id; without it, all stuck ones.")
@_reason
@_dry_run
@json_option
def tenant_stuck(*, short_id: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Find out why a tenant does not become ready, and let its run go on."""
    found = stuck.play(short_id=short_id, reason=reason, dry_run=dry_run, now=clock.now())
    _tell(found, as_json=as_json)


@runbook.command("tenant-archive")
@click.option("--tenant", "short_id", required=True, help="Its short id.")
@_reason
@_dry_run
@json_option
def tenant_archive(*, short_id: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Stop and archive a tenant's instance, and prove that nothing of it runs on."""
    found = archive.play(short_id=short_id, reason=reason, dry_run=dry_run, now=clock.now())
    _tell(found, as_json=as_json)


@runbook.command("free-mail-review")
@click.option("--reference", default="", help="One registration; without it, all that wait.")
@click.option("--approve", "verdict", flag_value="approve", default="", help="Let it in.")
@click.option("--reject", "verdict", flag_value="reject", help="Turn it down, with a reason.")
@click.option("--reason", default="", help="Kept in the audit log; a rejection mails it.")
@_dry_run
@json_option
def free_mail_review(
    *, reference: str, verdict: str, reason: str, dry_run: bool, as_json: bool
) -> None:
    """List the registrations that wait for an operator, or decide on one."""
    if verdict and not reference:
        message = "say which registration: --reference"
        raise click.UsageError(message)
    found = review.play(
        reference=reference, verdict=verdict, reason=reason, dry_run=dry_run, now=clock.now()
    )
    _tell(found, as_json=as_json)


def _tell(findings: Iterable[Finding], *, as_json: bool) -> None:
    told = []
    for finding in findings:
        told.append(asdict(finding))
        if not as_json:
            click.echo(f"{finding.step}: {finding.seen}")
            if finding.act:
                click.echo(f"  {'done' if finding.done else 'to do'}: {finding.act}")
    if as_json:
        print_json({"findings": told})
    elif not told:
        click.echo("Nothing waits.")
