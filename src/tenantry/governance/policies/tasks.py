"""Handlers of this room's messages."""

from tenantry.core import clock, tenancy
from tenantry.core.queue import handles
from tenantry.governance.policies import services
from tenantry.governance.policies.messages import PruneCounters


@handles(PruneCounters, every="17 3 * * * 0")
def prune_counters(_command: PruneCounters) -> None:
    """Clear the counters of past windows, once a night."""
    with tenancy.platform("delete counters of past windows"):
        services.prune_counters(now=clock.now())
