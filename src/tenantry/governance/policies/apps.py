"""Wiring of this room."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.governance.policies"
