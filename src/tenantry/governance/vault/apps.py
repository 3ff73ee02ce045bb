"""Wiring of this room."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.governance.vault"
