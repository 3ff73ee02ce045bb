"""Tenants' databases on a real server: copied, handed over, closed to everybody else."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from psycopg.conninfo import make_conninfo

from tenantry.fleet.provisioning.drivers.compute import AlreadyThere, DriverError
from tenantry.fleet.provisioning.drivers.local import databases, server, templates
from tenantry.fleet.provisioning.failures import Failure
from tenantry.sdk.recipe import DatabaseAccess, RecipeFailed
from tests.fleet.provisioning.local.conftest import install, quiet
from tests.fleet.provisioning.local.plain import PlainRecipe, connect

PASSWORD = "a-password-of-the-role"


@pytest.fixture
def label() -> Iterator[str]:
    made = f"tnt_{uuid4().hex[:10]}"
    yield made
    databases.remove(label=made)


@pytest.fixture
def fresh(recipe: PlainRecipe, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlainRecipe]:
    """A recipe of which this server has no template yet."""
    made = PlainRecipe(version=uuid4().hex[:10])
    install(monkeypatch, made)
    yield made
    databases.remove(label=templates.template_of(made))


def make(label: str) -> DatabaseAccess:
    databases.create(label=label, recipe="plain", password=PASSWORD)
    return databases.access(label=label, password=PASSWORD)


def ask(label: str, question: str) -> object:
    with server.connected() as connection:
        row = connection.execute(question, [label]).fetchone()
        return row[0] if row else None


def test_copy_holds_what_the_template_holds_and_belongs_to_the_tenant(
    template: str, label: str
) -> None:
    access = make(label)
    with connect(access) as connection:
        owners = connection.execute(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace"
        ).fetchall()
        assert owners == [(label,)]
        connection.execute("INSERT INTO company VALUES ('Hanbit')")
        connection.execute("CREATE SEQUENCE more_numbers")
        connection.execute("ALTER TABLE company ADD COLUMN vat text")
    assert ask(label, "SELECT datdba::regrole::text FROM pg_database WHERE datname = %s") == (
        "tenantry_provisioner"
    )
    assert ask(template, "SELECT datdba::regrole::text FROM pg_database WHERE datname = %s") == (
        "tenantry_provisioner"
    )


def test_tenant_enters_no_database_but_its_own(template: str, label: str) -> None:
    access = make(label)
    other = f"{label}x"
    try:
        make(other)
        for name in (other, "tenantry", "postgres", "template1", template):
            with pytest.raises(psycopg.OperationalError, match=r"permission denied|not currently"):
                psycopg.connect(
                    host=access.host,
                    port=access.port,
                    dbname=name,
                    user=label,
                    password=PASSWORD,
                )
    finally:
        databases.remove(label=other)


def test_provisioner_has_no_power_beyond_its_work() -> None:
    with server.connected() as connection:
        rights = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolreplication, rolcreatedb, rolcreaterole"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert rights == (False, False, False, True, True)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(make_conninfo(settings.INSTANCES_DATABASE(), dbname="tenantry"))
    with pytest.raises(DriverError), server.connected() as connection:
        connection.execute("GRANT tenantry TO current_user")


def test_role_has_no_power(template: str, label: str) -> None:
    with connect(make(label)) as connection:
        rights = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolreplication, rolcreatedb, rolcreaterole,"
            " rolconnlimit FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert rights == (False, False, False, False, False, 12)


def test_second_create_is_refused_and_sets_the_password(template: str, label: str) -> None:
    make(label)
    with pytest.raises(AlreadyThere):
        databases.create(label=label, recipe="plain", password="another-password")
    with connect(databases.access(label=label, password="another-password")) as connection:
        assert connection.execute("SELECT count(*) FROM company").fetchone() == (0,)


def test_second_create_of_a_locked_one_leaves_it_locked(template: str, label: str) -> None:
    access = make(label)
    databases.lock(label=label)
    with pytest.raises(AlreadyThere):
        databases.create(label=label, recipe="plain", password=PASSWORD)
    with pytest.raises(psycopg.OperationalError):
        connect(access)


def test_database_goes_although_a_superuser_is_inside_for_a_moment(
    template: str, label: str, admin: psycopg.Connection
) -> None:
    make(label)
    # As autovacuum is: a session that the provisioner may not end.
    inside = psycopg.connect(admin.info.dsn, password=admin.info.password, dbname=label)
    leaving = threading.Timer(0.5, inside.close)
    leaving.start()
    databases.remove(label=label)
    leaving.join()
    assert label not in databases.labels()


def test_lock_ends_sessions_that_are_open(template: str, label: str) -> None:
    access = make(label)
    connection = connect(access)
    databases.lock(label=label)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


@pytest.mark.parametrize("cut_before", ["CREATE DATABASE", "REASSIGN", "ALTER ROLE", "COMMENT"])
def test_half_a_database_is_not_found_and_is_made_anew(
    template: str, label: str, cut_before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = server.run

    def cut(connection: server.Connection, statement: str, *parts: object) -> None:
        if statement.startswith(cut_before):
            raise KeyboardInterrupt
        real(connection, statement, *parts)  # type: ignore[arg-type]  # passed on as they came

    with monkeypatch.context() as patch:
        patch.setattr(server, "run", cut)
        patch.setattr(databases, "run", cut)
        with suppress(KeyboardInterrupt):
            make(label)
    assert databases.find(label=label) is None
    assert label in databases.labels()
    with connect(make(label)) as connection:
        assert connection.execute("SELECT count(*) FROM company").fetchone() == (0,)
    assert databases.find(label=label) is not None


def test_database_without_template_can_be_tried_again(fresh: PlainRecipe, label: str) -> None:
    with pytest.raises(DriverError) as refusal:
        make(label)
    assert (refusal.value.code, refusal.value.retryable) == (Failure.TEMPLATE_MISSING, True)
    assert label not in databases.labels()


def test_many_copies_at_once_are_all_whole(template: str) -> None:
    labels = [f"tnt_{uuid4().hex[:10]}" for _ in range(4)]
    makers = [threading.Thread(target=make, args=(label,)) for label in labels]
    try:
        for maker in makers:
            maker.start()
        for maker in makers:
            maker.join()
        assert all(databases.find(label=label) for label in labels)
    finally:
        for label in labels:
            databases.remove(label=label)


def test_same_label_at_once_is_made_once(template: str, label: str) -> None:
    refusals: list[str] = []

    def try_it() -> None:
        try:
            make(label)
        except AlreadyThere as refusal:
            refusals.append(refusal.label)

    makers = [threading.Thread(target=try_it) for _ in range(3)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert refusals == [label, label]
    assert databases.find(label=label) is not None


def test_template_is_built_once_by_those_who_need_it_at_once(fresh: PlainRecipe) -> None:
    builders = [
        threading.Thread(target=templates.make_ready, args=(fresh, quiet)) for _ in range(3)
    ]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert (fresh.built, templates.is_ready(fresh)) == (1, True)


def test_template_is_not_ready_while_it_is_built(fresh: PlainRecipe) -> None:
    seen: list[bool] = []
    fresh.while_building = lambda _access: seen.append(templates.is_ready(fresh))
    templates.make_ready(fresh, quiet)
    assert seen == [False]


def test_failed_template_is_built_anew(fresh: PlainRecipe) -> None:
    def fail(_access: DatabaseAccess) -> None:
        raise RecipeFailed(detail="as planned")

    fresh.while_building = fail
    with pytest.raises(DriverError) as refusal:
        templates.make_ready(fresh, quiet)
    assert "as planned" in refusal.value.detail
    fresh.while_building = None
    templates.make_ready(fresh, quiet)
    assert (fresh.built, templates.is_ready(fresh)) == (2, True)


def test_nobody_enters_a_finished_template(fresh: PlainRecipe) -> None:
    kept: list[DatabaseAccess] = []
    fresh.while_building = kept.append
    templates.make_ready(fresh, quiet)
    with pytest.raises(psycopg.OperationalError):
        connect(kept[0])


def test_busy_template_can_be_tried_again(fresh: PlainRecipe, label: str) -> None:
    templates.make_ready(fresh, quiet)
    name = templates.template_of(fresh)
    with server.connected() as connection:
        server.run(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS true", name)
    with server.connected(name), pytest.raises(DriverError) as refusal:
        make(label)
    assert (refusal.value.code, refusal.value.retryable) == (Failure.TEMPLATE_LOCKED, True)
    make(label)


def test_server_that_does_not_answer_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = "postgresql://somebody:secret@127.0.0.1:9/postgres"
    monkeypatch.setattr(settings, "INSTANCES_DATABASE", lambda: nowhere)
    with pytest.raises(DriverError) as refusal:
        databases.labels()
    assert (refusal.value.code, refusal.value.retryable) == (Failure.DATABASE_UNREACHABLE, True)
    assert "secret" not in str(refusal.value)
