"""Refusals of this room."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError


class SecretMissing(DomainError):
    """No such secret of this tenant for this purpose, or it was destroyed."""

    code = "secret_missing"
    http_status = 404
    message = _("What is stored for this is no longer there.")
    remedy = _("Connect the account again.")
