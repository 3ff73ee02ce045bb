"""Tenants: who gets in, in which role, and what the database itself keeps apart."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from tenantry.core import tenancy
from tenantry.core.errors import Forbidden, LanguageUnknown, NotFound, ZoneUnknown
from tenantry.core.states import IllegalMove
from tenantry.customers.accounts.models import User
from tenantry.customers.notices.messages import Recipient
from tenantry.customers.tenants import queries, roles, services
from tenantry.customers.tenants.errors import (
    AlreadyMember,
    RoleUnknown,
    TenantNameInvalid,
)
from tenantry.customers.tenants.models import Membership, Tenant
from tenantry.customers.tenants.states import TENANT_MOVES, Role, TenantState
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action

ACTOR = "system:test"


def test_owner_gets_into_the_own_tenant_only(
    owner: User, tenant: Tenant, other_tenant: Tenant
) -> None:
    access = queries.get_for_user(user=owner, short_id=tenant.short_id)

    assert (access.tenant, access.role) == (tenant, Role.OWNER)
    assert [entry.tenant for entry in queries.list_for_user(owner)] == [tenant]


def test_missing_and_foreign_tenants_look_the_same(owner: User, other_tenant: Tenant) -> None:
    refusals = []
    for short_id in (other_tenant.short_id, "nosuchcomp", "", "'; --"):
        with pytest.raises(NotFound) as refusal:
            queries.get_for_user(user=owner, short_id=short_id)
        refusals.append(refusal.value.problem())

    assert refusals[1:] == refusals[:1] * 3


def test_deactivated_person_gets_in_nowhere(owner: User, tenant: Tenant) -> None:
    User.objects.filter(id=owner.id).update(is_active=False)

    assert queries.list_for_user(owner) == []
    with pytest.raises(NotFound):
        queries.get_for_user(user=owner, short_id=tenant.short_id)


@pytest.mark.parametrize(
    ("role", "acts"),
    [
        (Role.VIEWER, {roles.Act.READ}),
        (Role.MEMBER, {roles.Act.READ, roles.Act.EDIT}),
        (Role.ADMIN, {roles.Act.READ, roles.Act.EDIT, roles.Act.MANAGE}),
        (Role.OWNER, set(roles.Act)),
        ("president", set()),
        ("", set()),
    ],
)
def test_role_allows_exactly(role: str, acts: set[roles.Act]) -> None:
    assert {act for act in roles.Act if roles.can(role, act)} == acts


def test_access_requires_the_role(viewer: User, tenant: Tenant) -> None:
    access = queries.get_for_user(user=viewer, short_id=tenant.short_id)

    access.require(roles.Act.READ)
    with pytest.raises(Forbidden):
        access.require(roles.Act.EDIT)


def test_recipients_are_the_members_who_can_act(
    owner: User, member: User, viewer: User, tenant: Tenant, other_tenant: Tenant, now: datetime
) -> None:
    User.objects.filter(id=member.id).update(language="ko")

    assert queries.recipients(tenant.id) == [
        Recipient(address=owner.email, language="en"),
        Recipient(address=member.email, language="ko"),
    ]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"name": "  "}, TenantNameInvalid),
        ({"name": "x" * 101}, TenantNameInvalid),
        ({"zone": "Mars/Base"}, ZoneUnknown),
        ({"zone": "localtime"}, ZoneUnknown),
        ({"zone": "../../etc/passwd"}, ZoneUnknown),
        ({"zone": ""}, ZoneUnknown),
        ({"language": "tlh"}, LanguageUnknown),
    ],
)
def test_create_tenant_refuses(
    owner: User, now: datetime, given: dict[str, str], refusal: type[Exception]
) -> None:
    asked: dict[str, Any] = {"name": "New", "zone": "Asia/Seoul", "language": "en", **given}

    with pytest.raises(refusal):
        services.create_tenant(owner=owner, actor=ACTOR, now=now, **asked)

    with tenancy.platform("look"):
        assert Tenant.objects.filter(name="New").count() == 0


def test_create_tenant_writes_the_book(tenant: Tenant, owner: User) -> None:
    with tenancy.scope(tenant.id):
        entries = AuditEntry.objects.order_by("seq").values_list("action", "target_id")

        assert list(entries) == [
            (Action.TENANTS_TENANT_CREATED, str(tenant.id)),
            (Action.TENANTS_MEMBER_ADDED, str(owner.id)),
        ]


def test_add_member_refuses_twice_and_unknown_roles(
    tenant: Tenant, member: User, stranger: User, now: datetime
) -> None:
    with pytest.raises(AlreadyMember):
        services.add_member(tenant_id=tenant.id, user=member, role=Role.OWNER, actor=ACTOR, now=now)
    with pytest.raises(RoleUnknown):
        services.add_member(
            tenant_id=tenant.id, user=stranger, role="president", actor=ACTOR, now=now
        )

    access = queries.get_for_user(user=member, short_id=tenant.short_id)
    assert access.role == Role.MEMBER
    assert queries.list_for_user(stranger) == []


def test_get_tenant_is_not_found_when_missing(tenant: Tenant) -> None:
    assert queries.get_tenant(tenant.id) == tenant
    with pytest.raises(NotFound):
        queries.get_tenant(uuid4())


def test_tenant_moves_by_its_table_only(tenant: Tenant, now: datetime) -> None:
    def move(target: TenantState) -> bool:
        with tenancy.scope(tenant.id):
            return lifecycle.transition(
                tenant,
                field="state",
                target=target,
                moves=TENANT_MOVES,
                action=Action.TENANTS_TENANT_CHANGED,
                actor=ACTOR,
                at=now,
                tenant_id=tenant.id,
            )

    assert move(TenantState.SUSPENDED) is True
    with pytest.raises(IllegalMove):
        move(TenantState.PROVISIONING)
    assert queries.get_tenant(tenant.id).state == TenantState.SUSPENDED


TABLES = ["tenants_tenant", "tenants_membership"]


def rows(statement: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(map(str, values)))
        return len(cursor.fetchall()) if cursor.description else cursor.rowcount


@pytest.mark.parametrize("table", TABLES)
def test_nothing_is_seen_without_a_scope(tenant: Tenant, other_tenant: Tenant, table: str) -> None:
    assert rows(f"SELECT * FROM {table}") == 0
    with tenancy.scope(tenant.id):
        assert rows(f"SELECT * FROM {table}") == 1
    with tenancy.platform("count"):
        assert rows(f"SELECT * FROM {table}") == 2
    assert rows(f"SELECT * FROM {table}") == 0


def test_scope_cannot_write_another_tenant(
    tenant: Tenant, other_tenant: Tenant, stranger: User, now: datetime
) -> None:
    with tenancy.scope(tenant.id):
        assert rows("UPDATE tenants_tenant SET name = 'mine' WHERE id = %s", other_tenant.id) == 0
        assert rows("DELETE FROM tenants_membership WHERE tenant_id = %s", other_tenant.id) == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Membership.objects.create(
                tenant_id=other_tenant.id, user=stranger, role=Role.VIEWER, created_at=now
            )
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            rows("UPDATE tenants_membership SET tenant_id = %s", other_tenant.id)

    with tenancy.platform("look"):
        assert Tenant.objects.get(id=other_tenant.id).name == "Daon Coffee"
        assert Membership.objects.filter(tenant_id=other_tenant.id).count() == 1


def test_role_of_the_application_cannot_step_around(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, pg_get_userbyid(relowner) = current_user"
            " FROM pg_roles, pg_class WHERE rolname = current_user AND relname = 'tenants_tenant'"
        )

        # The owner of the table it is, and yet the policies hold: they are forced.
        assert cursor.fetchone() == (False, False, True)


def test_every_table_with_a_tenant_is_protected(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relkind IN ('r', 'p') AND a.attname = 'tenant_id' AND NOT a.attisdropped"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS"
            "  (SELECT 1 FROM pg_policy WHERE polrelid = c.oid))"
        )

        assert cursor.fetchall() == []
