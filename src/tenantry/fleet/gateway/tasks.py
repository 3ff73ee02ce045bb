"""Handlers of this room's messages."""

from tenantry.core import clock
from tenantry.core.queue import handles
from tenantry.fleet.gateway import services
from tenantry.fleet.gateway.messages import ForgetOldTickets


@handles(ForgetOldTickets, every="11 4 * * * 0")
def forget_old_tickets(_command: ForgetOldTickets) -> None:
    """Clear the tickets of past days, once a night."""
    services.forget_old_tickets(now=clock.now())
