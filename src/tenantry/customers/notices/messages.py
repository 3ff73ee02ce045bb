"""Messages and values of this room."""

from dataclasses import dataclass
from uuid import UUID

from tenantry.core.queue import Command


@dataclass(frozen=True, kw_only=True)
class SendMail(Command):
    """Hand one mail of the outbox to the mail server."""

    mail_id: UUID


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """A person's address and the language to write in."""

    address: str
    language: str
