"""The command that measures."""

import sys

import click

from tenantry.config import bench as cases
from tenantry.config.cli.output import print_json


@click.command(epilog=f"Cases: {', '.join(sorted(cases.CASES))}.")
@click.argument("names", nargs=-1, metavar="[CASE]...", type=click.Choice(sorted(cases.CASES)))
@click.option("--all", "run_all", is_flag=True, help="Every case.")
@click.option("--quick", is_flag=True, help="Small amounts: a check that it works, not a figure.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def bench(*, names: tuple[str, ...], run_all: bool, quick: bool, as_json: bool) -> None:
    """Measure against limits and peers in the same run.

    A missed target is printed. The exit code is 1 only when a correctness check failed.
    """
    chosen = sorted(cases.CASES) if run_all else list(names)
    if not chosen:
        raise click.UsageError("Name a case, or give --all.")
    sound = True
    for name in chosen:
        report = cases.run(name, quick=quick)
        sound = sound and all(report["checks"].values())
        if as_json:
            print_json(report)
        else:
            click.echo(cases.as_text(report))
    sys.exit(0 if sound else 1)
