"""The built-in mailbox: a Django e-mail backend that keeps mails for the console's page."""

from collections.abc import Sequence

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from tenantry.core.ids import uuid7
from tenantry.customers.notices.models import Captured, Letter


class MailboxBackend(BaseEmailBackend):
    """Takes every mail and sends none: the default where no mail server is configured."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store each mail once per recipient and return how many mails were taken."""
        for message in email_messages:
            letter = Letter(
                subject=str(message.subject), text=str(message.body), html=_html(message)
            )
            for recipient in message.recipients():
                captured = Captured(id=uuid7(), recipient=recipient)
                captured.sealed = letter.seal(aad=captured.aad)
                captured.save(force_insert=True)
        return len(email_messages)


def _html(message: EmailMessage) -> str:
    if not isinstance(message, EmailMultiAlternatives):
        return ""
    return next((str(content) for content, kind in message.alternatives if kind == "text/html"), "")
