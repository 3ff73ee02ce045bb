"""What a product's pages in the customer's portal are given."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest


@dataclass(frozen=True, kw_only=True)
class TenantAccess:
    """Who looks: the tenant and what the person may do in it."""

    tenant_id: UUID
    short_id: str
    name: str
    zone: str
    language: str
    user_id: UUID
    role: str
    may_edit: bool

    @property
    def actor(self) -> str:
        """Return the actor as the audit log names it."""
        return f"user:{self.user_id}"


class TenantRequest(HttpRequest):
    """A request to a tenant's page; the portal has signed the person in and opened the scope."""

    tenant: TenantAccess
