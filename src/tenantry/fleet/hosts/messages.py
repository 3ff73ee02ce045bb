"""Commands of this room."""

from dataclasses import dataclass

from tenantry.core.queue import Command


@dataclass(frozen=True, kw_only=True)
class WatchHosts(Command):
    """Call silent hosts lost, and give back what held leases left behind."""
