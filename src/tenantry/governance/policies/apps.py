"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PoliciesConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.governance.policies"
    verbose_name = _("Policies")
