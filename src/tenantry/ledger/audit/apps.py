"""Wiring of this room."""

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _

from tenantry.ledger.audit.checks import check_keys
from tenantry.ledger.audit.services import append
from tenantry.sdk import audit


class AuditConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.ledger.audit"
    verbose_name = _("Audit log")

    def ready(self) -> None:
        """Open the products' way in, and look at the keys with every start."""
        audit.install(append)
        checks.register(check_keys)
