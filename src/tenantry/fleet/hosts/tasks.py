"""Handlers of this room's messages."""

from tenantry.core import clock
from tenantry.core.queue import handles
from tenantry.fleet.hosts import services
from tenantry.fleet.hosts.messages import WatchHosts


@handles(WatchHosts, every="* * * * * */10")
def watch_hosts(command: WatchHosts) -> None:
    """Look after hosts and leases."""
    del command
    services.watch_hosts(now=clock.now())
