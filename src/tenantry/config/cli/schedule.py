"""Commands about schedules."""

import sys
from datetime import datetime
from uuid import UUID

import click

from tenantry.config.cli.output import json_option, print_json
from tenantry.core import clock, tenancy
from tenantry.work.schedules import queries


@click.group()
def schedule() -> None:
    """Look into schedules."""


@schedule.command()
@click.argument("schedule_id", type=click.UUID)
@click.option("--at", "moment", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="Default: now.")
@json_option
def simulate(*, schedule_id: UUID, moment: datetime | None, as_json: bool) -> None:
    """Say gate by gate what would be decided, without doing it.

    The exit code is 1 when the schedule would not run.
    """
    now = clock.now()
    with tenancy.platform("simulate a schedule"):
        decision = queries.simulate(schedule_id=schedule_id, at=moment or now, now=now)
    if as_json:
        print_json(decision.as_json())
    else:
        for line in decision.explained():
            click.echo(line)
    sys.exit(0 if decision.dispatched else 1)
