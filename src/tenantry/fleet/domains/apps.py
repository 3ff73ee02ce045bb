"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DomainsConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.fleet.domains"
    verbose_name = _("Domains")
