"""Who may see which tenant, and who is told."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from tenantry.core import tenancy
from tenantry.core.errors import Forbidden, NotFound
from tenantry.customers.accounts.models import User
from tenantry.customers.notices.messages import Recipient
from tenantry.customers.tenants import capabilities, roles
from tenantry.customers.tenants.capabilities import Capability
from tenantry.customers.tenants.models import Membership, Tenant
from tenantry.customers.tenants.states import Role


@dataclass(frozen=True, kw_only=True)
class Access:
    """A tenant as one person sees it."""

    tenant: Tenant
    role: str

    def can(self, act: roles.Act) -> bool:
        """Return whether the person's role allows it."""
        return roles.can(self.role, act)

    def require(self, act: roles.Act) -> None:
        """Raise `Forbidden` unless the person's role allows it."""
        if not self.can(act):
            raise Forbidden

    def require_capability(self, capability: Capability) -> None:
        """Raise `TenantStateRefuses` unless the tenant's state allows it."""
        capabilities.require(self.tenant.state, capability)


def list_for_user(user: User) -> list[Access]:
    """Return the tenants a person belongs to, by name."""
    with tenancy.platform("find a person's tenants"):
        return [
            Access(tenant=membership.tenant, role=membership.role)
            for membership in _memberships(user).order_by("tenant__name", "tenant__id")
        ]


def get_for_user(*, user: User, short_id: str) -> Access:
    """Return a person's access to a tenant; `NotFound` for a missing and a foreign one alike."""
    with tenancy.platform("find a person's tenant"):
        membership = _memberships(user).filter(tenant__short_id=short_id).first()
    if membership is None:
        raise NotFound
    return Access(tenant=membership.tenant, role=membership.role)


def get_tenant(tenant_id: UUID) -> Tenant:
    """Return a tenant for the platform's own work; raises `NotFound`."""
    with tenancy.scope(tenant_id):
        tenant = Tenant.objects.filter(id=tenant_id).first()
    if tenant is None:
        raise NotFound
    return tenant


def get_owner(tenant_id: UUID) -> User:
    """Return a tenant's first owner; raises `NotFound`."""
    with tenancy.scope(tenant_id):
        owners = Membership.objects.filter(tenant_id=tenant_id, role=Role.OWNER)
        membership = owners.select_related("user").order_by("created_at", "id").first()
    if membership is None:
        raise NotFound
    return membership.user


def list_tenants() -> QuerySet[Tenant]:
    """Return every tenant; under `tenancy.platform`."""
    return Tenant.objects.order_by("name", "id")


def recipients(tenant_id: UUID) -> list[Recipient]:
    """Return whom to tell when something in a tenant needs a person: all but viewers."""
    with tenancy.scope(tenant_id):
        members = (
            Membership.objects.filter(tenant_id=tenant_id, user__is_active=True)
            .exclude(role=Role.VIEWER)
            .select_related("user")
            .order_by("id")
        )
        return [
            Recipient(address=member.user.email, language=member.user.language)
            for member in members
        ]


def _memberships(user: User) -> QuerySet[Membership]:
    return Membership.objects.filter(user_id=user.id, user__is_active=True).select_related("tenant")
