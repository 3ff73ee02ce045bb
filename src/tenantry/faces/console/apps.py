"""Wiring of this room."""

from django.apps import AppConfig
from django.core import checks

from tenantry.faces.console.checks import check_settings


class ConsoleConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.faces.console"

    def ready(self) -> None:
        """Look at the door with every start."""
        checks.register(check_settings)
