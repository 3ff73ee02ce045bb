"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SchedulesConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.work.schedules"
    verbose_name = _("Schedules")
