"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AutomationConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.work.automation"
    verbose_name = _("Automation")
