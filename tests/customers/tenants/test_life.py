"""The life of a tenant: how it moves, and what works in each state."""

from datetime import datetime
from uuid import uuid4

import pytest

from tenantry.core import tenancy
from tenantry.core.errors import NotFound
from tenantry.core.states import IllegalMove
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants import capabilities, queries, services
from tenantry.customers.tenants.capabilities import STATE_CAPABILITIES, Capability
from tenantry.customers.tenants.errors import TenantStateRefuses
from tenantry.customers.tenants.models import Tenant
from tenantry.customers.tenants.states import TenantState
from tenantry.ledger.audit.models import AuditEntry

pytestmark = pytest.mark.django_db
ACTOR = "system:test"


def move(tenant: Tenant, target: TenantState, now: datetime) -> bool:
    return services.move_tenant(
        tenant_id=tenant.id, target=target, actor=ACTOR, reason="unpaid", now=now
    )


def test_move_is_recorded_with_its_reason_once(tenant: Tenant, now: datetime) -> None:
    assert move(tenant, TenantState.SUSPENDED, now)
    assert not move(tenant, TenantState.SUSPENDED, now)
    assert queries.get_tenant(tenant.id).state == "suspended"
    with tenancy.scope(tenant.id):
        (entry,) = AuditEntry.objects.filter(action="tenants.tenant.moved")
    assert (entry.reason, entry.facts) == ("unpaid", {"from": "active", "to": "suspended"})


def test_move_that_the_life_does_not_have_is_refused(tenant: Tenant, now: datetime) -> None:
    with pytest.raises(IllegalMove):
        move(tenant, TenantState.REQUESTED, now)
    with pytest.raises(NotFound):
        move(Tenant(id=uuid4()), TenantState.ACTIVE, now)


def test_every_state_says_what_works() -> None:
    assert set(STATE_CAPABILITIES) == set(TenantState)
    assert {state: len(found) for state, found in STATE_CAPABILITIES.items()} == {
        "requested": 2,
        "placed": 2,
        "provisioning": 2,
        "verifying": 2,
        "active": len(Capability),
        "degraded": len(Capability),
        "suspended": 3,
        "archived": 2,
        "purging": 0,
        "purged": 0,
        "failed": 2,
    }


def test_suspended_company_takes_its_data_and_pays_but_does_no_work(
    tenant: Tenant, owner: User, now: datetime
) -> None:
    move(tenant, TenantState.SUSPENDED, now)
    access = queries.get_for_user(user=owner, short_id=tenant.short_id)
    for capability in (Capability.LOG_IN, Capability.EXPORT, Capability.PAY):
        access.require_capability(capability)
    for capability in (Capability.RUN_WORK, Capability.CALL_API):
        with pytest.raises(TenantStateRefuses) as refusal:
            access.require_capability(capability)
        assert "suspended" in refusal.value.text()
    assert not capabilities.allows("strange", Capability.PAY)


def test_owner_is_the_first_one(tenant: Tenant, owner: User, stranger: User, now: datetime) -> None:
    services.add_member(tenant_id=tenant.id, user=stranger, role="owner", actor=ACTOR, now=now)
    assert queries.get_owner(tenant.id) == owner
    with pytest.raises(NotFound):
        queries.get_owner(uuid4())
