"""Wiring of this room."""

from django.apps import AppConfig


class AutomationConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.work.automation"
