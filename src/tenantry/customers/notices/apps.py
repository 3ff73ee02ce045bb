"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NoticesConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.customers.notices"
    verbose_name = _("Notices")
