"""Messages of this room."""

from dataclasses import dataclass

from tenantry.core.queue import Command


@dataclass(frozen=True, kw_only=True)
class PruneCounters(Command):
    """Delete counters that nobody asks for any more."""
