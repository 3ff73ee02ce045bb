"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HostsConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.fleet.hosts"
    verbose_name = _("Hosts")
