"""Wiring of this room."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.faces.console"
