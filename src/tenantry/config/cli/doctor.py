"""The command that looks at everything the platform stands on."""

import sys
from dataclasses import asdict

import click

from tenantry.config import doctor as looks
from tenantry.config.cli.output import json_option, print_json


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Look at all the platform stands on, and say how to mend it.

    The exit code is 3 when something needed is missing.
    """
    findings = list(looks.examine())
    well = all(finding.well for finding in findings if finding.needed)
    if as_json:
        print_json({"well": well, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            mark = click.style("ok ", fg="green") if finding.well else click.style("bad", fg="red")
            click.echo(f"{mark}  {finding.name:<16} {finding.seen}")
            if not finding.well and finding.remedy:
                click.echo(f"     → {finding.remedy}")
    sys.exit(0 if well else 3)
