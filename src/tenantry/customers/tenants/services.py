"""Verbs: making tenants, and letting people in."""

import zoneinfo
from datetime import datetime
from uuid import UUID

from django.conf import settings

from tenantry.core import live, tenancy
from tenantry.core.errors import LanguageUnknown, NotFound, ZoneUnknown
from tenantry.core.ids import uuid7
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants.errors import (
    AlreadyMember,
    RoleUnknown,
    TenantNameInvalid,
)
from tenantry.customers.tenants.models import NAME_LENGTH, Membership, Tenant
from tenantry.customers.tenants.states import TENANT_MOVES, Role, TenantState
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action


def create_tenant(
    *,
    name: str,
    zone: str,
    language: str,
    owner: User,
    actor: str,
    now: datetime,
    state: TenantState = TenantState.ACTIVE,
) -> Tenant:
    """Make a tenant with its first member. `zone` is an IANA name.

    One with an instance of its own begins as REQUESTED.
    Refuses: `TenantNameInvalid`, `ZoneUnknown`, `LanguageUnknown`.
    """
    cleaned = require_company(name=name, zone=zone, language=language)
    tenant = Tenant(
        id=uuid7(), name=cleaned, zone=zone, language=language, state=state, created_at=now
    )
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


def require_company(*, name: str, zone: str, language: str) -> str:
    """Return a company's name in one line, if a tenant can be made with all of this.

    Refuses: `TenantNameInvalid`, `ZoneUnknown`, `LanguageUnknown`.
    """
    cleaned = " ".join(name.split())
    if not 0 < len(cleaned) <= NAME_LENGTH or not cleaned.isprintable():
        raise TenantNameInvalid(most=NAME_LENGTH)
    if not _is_zone(zone):
        raise ZoneUnknown(field="zone", zone=zone)
    if language not in dict(settings.LANGUAGES):
        raise LanguageUnknown(field="language", language=language)
    return cleaned


def _is_zone(zone: str) -> bool:
    # Names without a slash are aliases or, like "localtime", whatever this machine makes of them.
    return zone == "UTC" or ("/" in zone and zone in zoneinfo.available_timezones())


def move_tenant(
    *,
    tenant_id: UUID,
    target: TenantState,
    actor: str,
    reason: str,
    now: datetime,
    action: Action = Action.TENANTS_TENANT_MOVED,
) -> bool:
    """Bring a tenant into another state and tell open pages; False when it is in it already.

    Refuses: `NotFound`, `IllegalMove`, `Stale`.
    """
    with tenancy.scope(tenant_id):
        tenant = Tenant.objects.filter(id=tenant_id).first()
        if tenant is None:
            raise NotFound
        moved = lifecycle.transition(
            tenant,
            field="state",
            target=target,
            moves=TENANT_MOVES,
            action=action,
            actor=actor,
            at=now,
            tenant_id=tenant_id,
            reason=reason,
        )
        if moved:
            live.notify(f"tenant:{tenant_id}", kind="tenant")
            live.notify("console", kind="tenant")
    return moved


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
