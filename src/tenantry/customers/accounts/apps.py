"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.customers.accounts"
    verbose_name = _("People")
