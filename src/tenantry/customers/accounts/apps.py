"""Wiring of this room."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.customers.accounts"
