"""Wiring of this room."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.customers.tenants"
