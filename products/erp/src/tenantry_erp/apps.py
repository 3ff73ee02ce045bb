"""Wiring of the product."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ErpConfig(AppConfig):
    """The product as a Django app."""

    name = "tenantry_erp"
    label = "erp"
    verbose_name = _("ERP")
