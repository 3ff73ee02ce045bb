"""Messages of this room."""

from dataclasses import dataclass

from tenantry.core.queue import Command


@dataclass(frozen=True, kw_only=True)
class ForgetOldTickets(Command):
    """Clear the tickets of past days."""
