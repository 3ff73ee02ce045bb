"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GatewayConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.fleet.gateway"
    verbose_name = _("Gateway")
