"""Wiring of this room."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.customers.notices"
