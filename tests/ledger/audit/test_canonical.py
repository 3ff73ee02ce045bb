"""What PostgreSQL sends and what is written from the description are the same bytes."""

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from uuid import UUID

import psycopg
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tenantry.core import db, tenancy
from tenantry.ledger.audit.canonical import canonical_bytes
from tenantry.ledger.audit.rows import read_leaves, read_unsealed
from tests.ledger.audit.support import execute, fetch

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
moments = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001  # the strategy adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-3.5))]),
)


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    entry_id=st.uuids(),
    tenant_id=st.none() | st.uuids(),
    at=moments,
    six=st.tuples(texts.filter(bool), texts.filter(bool), texts, texts, texts, texts),
    salt=st.binary(max_size=20),
    body=texts,
)
def test_both_implementations_agree(
    entry_id: UUID,
    tenant_id: UUID | None,
    at: datetime,
    six: tuple[str, str, str, str, str, str],
    salt: bytes,
    body: str,
) -> None:
    with transaction.atomic():
        execute(
            "INSERT INTO audit_auditentry (id, tenant_id, at, actor, action, target_kind,"
            " target_id, reason, trace_id, salt, body)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            *(entry_id, tenant_id, at, *six, salt, body),
        )
        with tenancy.platform("test"):
            sent = read_unsealed(db.raw(), snapshot=None, limit=1000)
        transaction.set_rollback(True)
    ours = canonical_bytes(
        entry_id=entry_id, tenant_id=tenant_id, at=at, texts=six, salt=salt, body=body
    )
    assert sent == [(entry_id.bytes, sha256(b"\x00" + ours).digest())]


def test_form_is_the_described_one() -> None:
    ours = canonical_bytes(
        entry_id=UUID(int=1),
        tenant_id=None,
        at=datetime(1970, 1, 1, 0, 0, 1, 2, tzinfo=UTC),
        texts=("user:1", "a.b.c", "kind", "id", "", "é"),
        salt=b"salt",
        body="{}",
    )
    assert ours == (
        b"\x01"
        + (b"\0\0\0\x10" + bytes(15) + b"\x01")
        + b"\xff\xff\xff\xff"
        + (b"\0\0\0\x08" + (1_000_002).to_bytes(8))
        + (b"\0\0\0\x06user:1" + b"\0\0\0\x05a.b.c" + b"\0\0\0\x04kind" + b"\0\0\0\x02id")
        + (b"\0\0\0\0" + b"\0\0\0\x02\xc3\xa9")
        + (b"\0\0\0\x20" + sha256(b"salt{}").digest())
    )


@pytest.mark.django_db
def test_database_speaks_utf8() -> None:
    assert fetch("SHOW server_encoding") == [("UTF8",)]


@pytest.mark.django_db
def test_reading_that_fails_or_is_given_up_leaves_the_connection_usable() -> None:
    with tenancy.platform("test"):
        with pytest.raises(psycopg.errors.UndefinedTable), transaction.atomic():
            execute("ALTER TABLE audit_leaf RENAME TO audit_leaf_away")
            next(read_leaves(db.raw(), first=0, end=9))
        for number in range(3):
            execute("INSERT INTO audit_leaf VALUES (%s, gen_random_uuid(), sha256('x'))", number)
        rows = read_leaves(db.raw(), first=0, end=9)
        assert next(rows).leaf_no == 0
        rows.close()
        assert [row.leaf_no for row in read_leaves(db.raw(), first=1, end=3)] == [1, 2]
        assert [row.computed for row in read_leaves(db.raw(), first=1, end=3)] == [None, None]
