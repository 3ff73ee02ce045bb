"""What a runbook says after each of its steps, and how it finds whom it is about."""

from dataclasses import dataclass

from tenantry.core import tenancy
from tenantry.core.errors import NotFound
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants.models import Tenant

ACTOR = "system:runbook"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One step as it went: what was looked at, what was seen, and what was, or would be, done."""

    step: str
    seen: str
    act: str = ""
    done: bool = False


def find_tenant(short_id: str) -> Tenant:
    """Return a tenant by the short id that an operator read; raises `NotFound`."""
    with tenancy.platform("find the tenant of a runbook"):
        found = tenants.list_tenants().filter(short_id=short_id).first()
    if found is None:
        raise NotFound
    return found
