"""Refusals of this room."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError


class ResendTooSoon(DomainError):
    """The code before is still on its way."""

    code = "resend_too_soon"
    http_status = 429
    message = _("A code was sent a moment ago.")
    remedy = _("Look into your mail; in %(seconds)s seconds you can ask for another one.")
