"""Handlers of messages."""

from tenantry.core import clock
from tenantry.core.queue import handles
from tenantry.journeys.onboarding import services
from tenantry.journeys.onboarding.messages import ExpireRegistrations


@handles(ExpireRegistrations, every="23 */5 * * * *")
def expire_registrations(_command: ExpireRegistrations) -> None:
    """End what nobody came back to, every five minutes."""
    services.expire(now=clock.now())
