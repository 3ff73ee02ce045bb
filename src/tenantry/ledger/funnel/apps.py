"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FunnelConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.ledger.funnel"
    verbose_name = _("Funnel")
