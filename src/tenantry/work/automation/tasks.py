"""Handlers of messages."""

from tenantry.core import clock
from tenantry.core.queue import handles
from tenantry.work.automation import browserhost, lanes, services, workers
from tenantry.work.automation.messages import DrainLane, SessionChanged


@handles(DrainLane)
async def drain_lane(command: DrainLane) -> None:
    """Run what is ready on one connection."""
    await lanes.drain(
        connection_id=command.connection_id,
        tenant_id=command.tenant_id,
        host=browserhost.current(),
        now=clock.now,
        pool=workers.current_pool(),
    )


@handles(SessionChanged)
def ask_owner(event: SessionChanged) -> None:
    """Tell the customer's people when a connection needs one of them."""
    services.ask_owner(event=event, now=clock.now())
