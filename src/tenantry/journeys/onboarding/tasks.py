"""Handlers of messages."""

from tenantry.core import clock
from tenantry.core.queue import handles
from tenantry.fleet.provisioning.messages import RunEnded
from tenantry.journeys.onboarding import services
from tenantry.journeys.onboarding.messages import ExpireRegistrations


@handles(RunEnded)
def follow_run(event: RunEnded) -> None:
    """Take the registration where the tenant's run has come to."""
    services.follow_run(tenant_id=event.tenant_id, now=clock.now())


@handles(ExpireRegistrations, every="*/5 * * * * 23")
def expire_registrations(_command: ExpireRegistrations) -> None:
    """End what nobody came back to, every five minutes."""
    services.expire(now=clock.now())
