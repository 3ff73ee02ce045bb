"""Wiring of this room."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.faces.site"
