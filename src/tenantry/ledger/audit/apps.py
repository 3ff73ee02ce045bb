"""Wiring of this room."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.ledger.audit"
