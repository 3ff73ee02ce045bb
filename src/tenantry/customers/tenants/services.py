"""Verbs: making tenants, and letting people in."""

import zoneinfo
from datetime import datetime
from uuid import UUID

from django.conf import settings

from tenantry.core import tenancy
from tenantry.core.errors import LanguageUnknown, ZoneUnknown
from tenantry.core.ids import uuid7
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants.errors import (
    AlreadyMember,
    RoleUnknown,
    TenantNameInvalid,
)
from tenantry.customers.tenants.models import NAME_LENGTH, Membership, Tenant
from tenantry.customers.tenants.states import Role
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action


def create_tenant(
    *, name: str, zone: str, language: str, owner: User, actor: str, now: datetime
) -> Tenant:
    """Make a tenant with its first member. `zone` is an IANA name.

    Refuses: `TenantNameInvalid`, `ZoneUnknown`, `LanguageUnknown`.
    """
    cleaned = name.strip()
    if not 0 < len(cleaned) <= NAME_LENGTH:
        raise TenantNameInvalid(most=NAME_LENGTH)
    if not _is_zone(zone):
        raise ZoneUnknown(field="zone", zone=zone)
    if language not in dict(settings.LANGUAGES):
        raise LanguageUnknown(field="language", language=language)
    tenant = Tenant(id=uuid7(), name=cleaned, zone=zone, language=language, created_at=now)
    with tenancy.scope(tenant.id):
        tenant.save(force_insert=True)
        audit.append(
            action=Action.TENANTS_TENANT_CREATED,
            tenant_id=tenant.id,
            actor=actor,
            target=("tenant", str(tenant.id)),
            at=now,
            body={"name": cleaned, "zone": zone, "language": language},
        )
        add_member(tenant_id=tenant.id, user=owner, role=Role.OWNER, actor=actor, now=now)
    return tenant


def _is_zone(zone: str) -> bool:
    # Names without a slash are aliases or, like "localtime", whatever this machine makes of them.
    return zone == "UTC" or ("/" in zone and zone in zoneinfo.available_timezones())


def add_member(*, tenant_id: UUID, user: User, role: str, actor: str, now: datetime) -> Membership:
    """Let a person into a tenant. Refuses: `RoleUnknown`, `AlreadyMember`."""
    if role not in Role.values:
        raise RoleUnknown(role=role)
    membership = Membership(id=uuid7(), tenant_id=tenant_id, user=user, role=role, created_at=now)
    with tenancy.scope(tenant_id):
        Membership.objects.bulk_create([membership], ignore_conflicts=True)
        if not Membership.objects.filter(id=membership.id).exists():
            raise AlreadyMember
        audit.append(
            action=Action.TENANTS_MEMBER_ADDED,
            tenant_id=tenant_id,
            actor=actor,
            target=("user", str(user.id)),
            at=now,
            body={"role": role},
        )
    return membership
