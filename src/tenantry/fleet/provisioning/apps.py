"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProvisioningConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.fleet.provisioning"
    verbose_name = _("Provisioning")
