"""What the tests of the audit log do again and again."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.db import connection

from tenantry.core import tenancy
from tenantry.ledger.audit import exporter, lease, sealer
from tenantry.ledger.audit.services import append
from tenantry.ledger.audit.vocabulary import Action

NOW = datetime(2026, 11, 22, 9, 30, 15, 123456, tzinfo=UTC)
COMMITS = pytest.mark.django_db(transaction=True)


def write(count: int = 1, *, tenant_id: UUID | None = None, reason: str = "") -> list[UUID]:
    """Append entries in one transaction."""
    with tenancy.platform("test"):
        return [
            append(
                action=Action.AUTOMATION_JOB_CHANGED,
                tenant_id=tenant_id or uuid4(),
                actor=f"user:{uuid4()}",
                target=("job", str(uuid4())),
                at=NOW,
                reason=reason,
                body={"from": "QUEUED", "to": "RUNNING", "number": number},
            )
            for number in range(count)
        ]


def seal(*, limit: int = sealer.BATCH, export: bool = True) -> UUID:
    """Seal and export everything that is committed, as a sealer that was just started."""
    release_all()
    token = lease.take("test")
    assert token
    while sealer.seal_batch(token, limit=limit):
        pass
    while export and exporter.export_next(token):
        pass
    return token


def release_all() -> None:
    execute("UPDATE audit_sealerlease SET until = '-infinity'")


def execute(statement: str, *values: object) -> None:
    with tenancy.platform("test"), connection.cursor() as cursor:
        cursor.execute(statement, values)  # type: ignore[arg-type]  # whatever psycopg adapts


def fetch(statement: str, *values: object) -> list[tuple[object, ...]]:
    with tenancy.platform("test"), connection.cursor() as cursor:
        cursor.execute(statement, values)  # type: ignore[arg-type]  # whatever psycopg adapts
        return list(cursor.fetchall())


def count(table: str) -> int:
    return int(str(fetch(f"SELECT count(*) FROM {table}")[0][0]))


def sealed_ids() -> list[UUID]:
    """Return the entries in the order of their leaves."""
    rows = fetch("SELECT entry_id FROM audit_leaf ORDER BY leaf_no")
    return [entry_id for (entry_id,) in rows if isinstance(entry_id, UUID)]
