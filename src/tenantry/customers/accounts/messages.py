"""Messages of this room."""

from dataclasses import dataclass
from uuid import UUID

from tenantry.core.queue import Command


@dataclass(frozen=True, kw_only=True)
class SendSignInCode(Command):
    """Make a code and mail it; the code itself never travels in a message."""

    request_id: UUID
    email: str
    browser_hash: str
    language: str
    purpose: str = "sign_in"


@dataclass(frozen=True, kw_only=True)
class ForgetOldCodes(Command):
    """Delete the codes of past days."""
