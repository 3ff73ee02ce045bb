"""Refusals of this room."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError


class MailNotFailed(DomainError):
    """Only a mail that was given up can be tried again by hand."""

    code = "mail_not_failed"
    message = _("This mail was not given up.")
    remedy = _("Reload the list: it may have been sent meanwhile.")
