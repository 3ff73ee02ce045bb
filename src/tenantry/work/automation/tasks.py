"""Handlers of messages."""

from tenantry.core.queue import handles
from tenantry.work.automation import browserhost, lanes
from tenantry.work.automation.messages import DrainLane


@handles(DrainLane)
async def drain_lane(command: DrainLane) -> None:
    """Run what is ready on one connection."""
    await lanes.drain(
        connection_id=command.connection_id,
        tenant_id=command.tenant_id,
        host=browserhost.current(),
    )
