"""Refusals of the console's own."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError


class JobTooLate(DomainError):
    """The job has ended, or is submitting at this moment."""

    code = "job_too_late"
    message = _("This job can no longer be stopped: it has ended or is submitting right now.")
    remedy = _("Reload the page to see what became of it.")


class JobNotHeld(DomainError):
    """Only held jobs can be released."""

    code = "job_not_held"
    message = _("This job is not held.")
    remedy = _("Reload the page to see its present state.")


class MailboxOff(DomainError):
    """Mails leave through a mail server; none is captured."""

    code = "mailbox_off"
    http_status = 404
    message = _("The mailbox is not in use: mails leave through a mail server.")
    remedy = _("Look into the mail outbox instead.")
