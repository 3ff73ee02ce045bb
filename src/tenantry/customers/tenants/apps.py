"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.customers.tenants"
    verbose_name = _("Companies")
