"""Commands about the funnel."""

import csv
import json
import sys
from dataclasses import asdict, fields
from datetime import UTC, datetime

import click

from tenantry.ledger.funnel import queries

_DAY_OR_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"])


@click.group()
def funnel() -> None:
    """Follow visitors from the first page to the first use."""


@funnel.command()
@click.option("--since", type=_DAY_OR_MOMENT, help="First day or moment; a day is in UTC.")
@click.option("--until", type=_DAY_OR_MOMENT, help="Day or moment after the last one.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="One row, or one JSON object, per event.",
)
def export(*, since: datetime | None, until: datetime | None, form: str) -> None:
    """Write every event to standard output, the oldest first."""
    events = queries.export(since=_aware(since), until=_aware(until))
    if form == "jsonl":
        for event in events:
            click.echo(json.dumps(asdict(event), default=_plain, ensure_ascii=False))
        return
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(field.name for field in fields(queries.Exported))
    for event in events:
        row = asdict(event)
        facts = json.dumps(row.pop("facts"), ensure_ascii=False, sort_keys=True)
        out.writerow([*map(_plain, row.values()), facts])


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo:
        return moment
    return moment.replace(tzinfo=UTC)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)
