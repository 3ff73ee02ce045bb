"""Row-level security denies by default, also to the owner of the tables."""

from uuid import UUID

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from tenantry.core import tenancy
from tenantry.core.ids import uuid7

A, B = uuid7(), uuid7()
TABLE = "core_tenancy_probe"


@pytest.fixture
def probe(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE} (tenant_id uuid NOT NULL, word text)")
        for statement in tenancy.protect(TABLE).sql:
            cursor.execute(str(statement))
    for tenant, word in ((A, "a"), (B, "b")):
        with tenancy.scope(tenant):
            insert(tenant, word)


def insert(tenant: UUID, word: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE} VALUES (%s, %s)", [tenant, word])


def words() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT word FROM {TABLE} ORDER BY word")
        return [word for (word,) in cursor.fetchall()]


@pytest.mark.usefixtures("probe")
class TestScope:
    def test_nothing_is_seen_outside(self) -> None:
        assert words() == []

    def test_a_tenant_sees_its_own_rows(self) -> None:
        with tenancy.scope(A):
            assert words() == ["a"]

    def test_the_platform_sees_all_rows(self) -> None:
        with tenancy.platform("test"):
            assert words() == ["a", "b"]

    def test_nothing_is_written_outside(self) -> None:
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            insert(A, "x")

    def test_another_tenant_s_row_is_not_written(self) -> None:
        with pytest.raises(ProgrammingError, match="row-level security"), tenancy.scope(A):
            insert(B, "x")

    def test_another_tenant_s_row_is_not_changed_or_moved(self) -> None:
        with tenancy.scope(A), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {TABLE} SET word = 'x' WHERE tenant_id = %s", [B])
            assert cursor.rowcount == 0
        with pytest.raises(ProgrammingError, match="row-level security"), tenancy.scope(A):
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {TABLE} SET tenant_id = %s", [B])

    def test_scopes_nest_and_come_back(self) -> None:
        with tenancy.platform("test"):
            with tenancy.scope(B):
                assert words() == ["b"]
            assert words() == ["a", "b"]
            assert tenancy.current().platform == "test"
        assert words() == []

    def test_an_error_inside_gives_the_outer_reach_back(self) -> None:
        with tenancy.scope(A):
            with pytest.raises(IntegrityError), tenancy.platform("test"):
                insert(None, "x")  # type: ignore[arg-type]  # the database must refuse it
            assert words() == ["a"]

    def test_the_owner_of_the_table_is_no_exception(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relforcerowsecurity, pg_get_userbyid(relowner) = current_user"
                " FROM pg_class WHERE relname = %s",
                [TABLE],
            )
            assert cursor.fetchone() == (True, True)


def test_the_platform_must_say_why(db: None) -> None:
    with pytest.raises(ValueError, match="say why"), tenancy.platform(""):
        pass


def test_the_application_role_is_no_exception_to_security(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)


def test_every_tenant_owned_table_is_protected(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE a.attname = 'tenant_id' AND c.relkind IN ('r', 'p')"
            " AND c.relnamespace = 'public'::regnamespace"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        )
        assert cursor.fetchall() == []
