"""Messages of this room."""

from dataclasses import dataclass

from tenantry.core.queue import Command


@dataclass(frozen=True, kw_only=True)
class ExpireRegistrations(Command):
    """End the registrations whose visitors did not come back."""
