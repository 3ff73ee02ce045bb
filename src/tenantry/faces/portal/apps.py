"""Wiring of this room."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.faces.portal"
