from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from tenantry.core import tenancy, trace
from tenantry.ledger.audit import queries
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.services import APPEND_FROM, append, body_text
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import audit as sdk_audit
from tests.ledger.audit.support import COMMITS, NOW, count, execute, write

pytestmark = COMMITS


def test_append_writes_every_field(book: None) -> None:
    tenant = uuid4()
    with trace.start() as journey, tenancy.scope(tenant):
        entry_id = append(
            action=Action.TENANTS_MEMBER_ADDED,
            tenant_id=tenant,
            actor="user:1",
            target=("member", "7"),
            at=NOW,
            reason="asked by phone",
            body={"role": "관리자", "at": NOW, "ids": {tenant}, "count": 2},
        )
        entry = AuditEntry.objects.get(id=entry_id)
    assert (entry.tenant_id, entry.at, entry.actor) == (tenant, NOW, "user:1")
    assert (entry.action, entry.target_kind, entry.target_id) == (
        "tenants.member.added",
        "member",
        "7",
    )
    assert (entry.reason, entry.trace_id) == ("asked by phone", journey.trace_id)
    assert entry.body == (
        f'{{"at":"2026-11-22T09:30:15.123456+00:00","count":2,"ids":["{tenant}"],"role":"관리자"}}'
    )
    assert entry.facts["count"] == 2
    assert len(bytes(entry.salt)) == 16
    assert (entry.label, str(entry)) == ("Member added", "tenants.member.added member:7")


def test_append_outside_a_transaction_is_a_bug(book: None) -> None:
    with pytest.raises(TransactionManagementError):
        append(
            action=Action.TENANTS_MEMBER_ADDED,
            tenant_id=uuid4(),
            actor="user:1",
            target=("member", "7"),
            at=NOW,
        )


def test_append_of_an_unknown_action_is_a_bug(book: None) -> None:
    with tenancy.platform("test"), pytest.raises(ValueError, match="in no vocabulary"):
        append(
            action="tenants.member.hugged",
            tenant_id=uuid4(),
            actor="user:1",
            target=("member", "7"),
            at=NOW,
        )


@pytest.mark.parametrize("body", [{"x": object()}, {"x": float("nan")}, {"x": b"bytes"}])
def test_body_of_what_json_does_not_know_is_a_bug(body: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        body_text(body)


def test_rollback_leaves_no_entry(book: None) -> None:
    with pytest.raises(RuntimeError), tenancy.platform("test"):
        write()
        raise RuntimeError
    assert count("audit_auditentry") == 0


def test_entry_and_business_row_commit_together(book: None) -> None:
    execute("CREATE TABLE audit_test_shop (id int PRIMARY KEY)")
    try:
        with tenancy.platform("test"), connection.cursor() as cursor:
            cursor.execute("INSERT INTO audit_test_shop VALUES (1)")
            write()
        with pytest.raises(IntegrityError), tenancy.platform("test"):
            write()
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO audit_test_shop VALUES (1)")
        assert (count("audit_test_shop"), count("audit_auditentry")) == (1, 1)
    finally:
        execute("DROP TABLE audit_test_shop")


@pytest.mark.parametrize("table", ["audit_auditentry", "audit_leaf", "audit_checkpoint"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table}"],
)
def test_database_refuses_to_change_the_past(book: None, table: str, statement: str) -> None:
    column = {"audit_leaf": "hash", "audit_checkpoint": "note"}.get(table, "reason")
    write()
    # With row-level security in force no row is even seen: it is refused all the same.
    with (
        pytest.raises(DatabaseError, match=rf"refused: {table} is append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table=table, column=column))


def test_entries_are_seen_by_their_tenant_only(book: None) -> None:
    mine, other = uuid4(), uuid4()
    write(tenant_id=mine)
    write(tenant_id=other)
    with tenancy.scope(mine):
        assert [entry.tenant_id for entry in AuditEntry.objects.all()] == [mine]
    with transaction.atomic():
        assert AuditEntry.objects.count() == 0


def test_entries_for_another_tenant_are_refused(book: None) -> None:
    with pytest.raises(DatabaseError, match="row-level security"), tenancy.scope(uuid4()):
        append(
            action=Action.TENANTS_MEMBER_ADDED,
            tenant_id=uuid4(),
            actor="user:1",
            target=("member", "7"),
            at=NOW,
        )


def test_entries_of_the_platform_need_its_reach(book: None) -> None:
    def policy_set() -> None:
        append(
            action=Action.POLICIES_POLICY_SET,
            tenant_id=None,
            actor="operator:1",
            target=("policy", "schedules.review"),
            at=NOW,
        )

    tenant = uuid4()
    with pytest.raises(DatabaseError, match="row-level security"), tenancy.scope(tenant):
        policy_set()
    with tenancy.platform("test"):
        policy_set()
    with tenancy.scope(tenant):
        assert AuditEntry.objects.count() == 0
    assert count("audit_auditentry") == 1


def test_set_based_append_rides_in_one_statement(book: None) -> None:
    tenant = uuid4()
    with tenancy.scope(tenant), connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH audit_rows AS (
                SELECT gen_random_uuid() AS id, %s::uuid AS tenant_id, %s::timestamptz AS at,
                    'system:scheduler' AS actor, %s AS action, 'slot' AS target_kind,
                    n::text AS target_id, '' AS reason, 'abc' AS trace_id, '{{}}' AS body
                FROM generate_series(1, 3) AS n
            ), audited AS ({APPEND_FROM}) SELECT count(*) FROM audit_rows
            """,
            [tenant, NOW, Action.SCHEDULES_SLOT_DECIDED.value],
        )
        entries = queries.list_for_trace("abc")
        assert [entry.target_id for entry in entries] == ["1", "2", "3"]


def test_products_append_through_the_sdk(book: None) -> None:
    tenant = uuid4()
    with tenancy.scope(tenant):
        sdk_audit.record(
            action=Action.TENANTS_MEMBER_ADDED,
            tenant_id=tenant,
            actor="user:1",
            target=("member", "7"),
            at=NOW,
            body={"role": "viewer"},
        )
        assert queries.list_for_target("member", "7").get().facts == {"role": "viewer"}


def test_timelines_are_newest_first(book: None) -> None:
    tenant = uuid4()
    write(3, tenant_id=tenant)
    with tenancy.scope(tenant):
        sequence = [entry.seq for entry in queries.list_for_tenant(tenant)]
    assert sequence == sorted(sequence, reverse=True)
    assert len(sequence) == 3
