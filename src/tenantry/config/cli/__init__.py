"""The `tenantry` command: every process and every operator's tool.

Exit codes: 0 all well, 1 the question was answered with no (a check failed, a row is bad),
2 the call's words are wrong, 3 something the platform stands on is missing.
"""

import os
import sys
from importlib import import_module
from typing import Any

import click
import django
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, ProgrammingError
from psycopg.errors import UndefinedTable

from tenantry.config.postgres import PostgresUnavailable
from tenantry.core.errors import DomainError, Unavailable

# Command -> module of this package that holds a function of that name (dashes as underscores).
_MODULES = {
    "up": "up",
    "web": "processes",
    "live": "processes",
    "scheduler": "processes",
    "gateway": "processes",
    "host": "processes",
    "worker": "processes",
    "browser": "processes",
    "migrate": "database",
    "seed-demo": "database",
    "add-operator": "people",
    "add-company": "people",
    "check": "database",
    "doctor": "doctor",
    "audit": "audit",
    "schedule": "schedule",
    "recipe": "recipe",
    "funnel": "funnel",
    "runbook": "runbook",
    "bench": "bench",
}


class _Commands(click.Group):
    """Commands that are imported, and Django set up, only when one is wanted."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
        """Run a command; what is refused or missing is said in a line, without a traceback."""
        try:
            return super().main(*args, **kwargs)
        except DomainError as refusal:
            click.echo(f"tenantry: {refusal.text()} {refusal.remedy_text()}", err=True)
            sys.exit(3 if isinstance(refusal, Unavailable) else 1)
        except ProgrammingError as error:
            if not isinstance(error.__cause__, UndefinedTable):
                raise
            click.echo(
                "tenantry: The database has no tables yet: run `tenantry migrate`.", err=True
            )
            sys.exit(3)
        except (OperationalError, ImproperlyConfigured, PostgresUnavailable) as error:
            click.echo(f"tenantry: {str(error).strip()}", err=True)
            click.echo("tenantry: `tenantry doctor` says what is missing.", err=True)
            sys.exit(3)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command."""
        del ctx
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in _MODULES:
            return None
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenantry.config.settings")
        django.setup()
        module = import_module(f"{__name__}.{_MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tenantry")
def main() -> None:
    """Run and operate Tenantry."""
