"""Mail servers that are not there, or say no."""

import smtplib
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class Busy(BaseEmailBackend):
    """Refuses for now."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:  # noqa: ARG002  # Django's
        raise smtplib.SMTPServerDisconnected("come back later")


class Gone(BaseEmailBackend):
    """Cannot be reached."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:  # noqa: ARG002  # Django's
        raise ConnectionRefusedError(111, "Connection refused")


class Strict(BaseEmailBackend):
    """Knows no such mailbox, and never will."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        to = email_messages[0].to[0]
        raise smtplib.SMTPRecipientsRefused({to: (550, b"no such user")})


class Recording(BaseEmailBackend):
    """Keeps what it was given."""

    seen: list[EmailMessage] = []

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.seen.extend(email_messages)
        return len(email_messages)
