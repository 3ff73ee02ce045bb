"""The operators' numbers as this room needs them."""

from datetime import timedelta

from tenantry.fleet.provisioning.retry import Limits
from tenantry.governance.policies import queries as policies


def limits() -> Limits:
    """Return for how long steps are tried again, at most a second old."""
    return Limits(
        ready=timedelta(minutes=policies.number("provisioning.ready_minutes")),
        transient=timedelta(minutes=policies.number("provisioning.retry_minutes")),
        capacity=timedelta(minutes=policies.number("provisioning.capacity_minutes")),
    )
