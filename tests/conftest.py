"""The standing people, two companies, and what every test needs."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from tenantry.config import postgres
from tenantry.core import db
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.states import OperatorRole
from tenantry.customers.tenants import services as tenants
from tenantry.customers.tenants.models import Tenant
from tenantry.customers.tenants.states import Role
from tenantry.governance.policies import queries as policies
from tests import emptying

# A shell that runs this behind itself lets it ignore Ctrl-C, and so would all processes under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ACTOR = "system:test"
# What takes longest begins first, so that no process is left alone with it at the end.
FIRST = ("e2e", "chaos")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the marked tests first; the order within each kind stays as it was drawn."""
    items.sort(key=lambda item: [item.get_closest_marker(mark) is None for mark in FIRST])


@pytest.fixture(autouse=True)
def _fresh_policies() -> Iterator[None]:
    """Let no test see the values that another one set and rolled back."""
    policies.forget()
    yield
    policies.forget()


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """Let no test speak the language of the page that another one asked for last."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _built_in_mailbox(settings: LazySettings) -> None:
    """Undo Django's own test mailbox: mails go where they go without any configuration."""
    settings.EMAIL_BACKEND = "tenantry.customers.notices.drivers.mailbox.MailboxBackend"


@pytest.fixture(autouse=True)
def _nobody_connected(
    request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Let no test that commits leave lost connections to another."""
    yield
    marker = request.node.get_closest_marker("django_db")
    commits = marker is not None and marker.kwargs.get("transaction", False)
    if commits or "transactional_db" in request.fixturenames:
        with django_db_blocker.unblock():
            # Threads of the test may have ended with connections in their hands.
            db.disconnect()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Empty it quickly; let it be dropped although the server still answers killed processes."""
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: emptying.empty())
        with django_db_blocker.unblock():
            emptying.forget_the_disk()
        yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def admin() -> Iterator[psycopg.Connection]:
    """The embedded server's superuser, for what the application's role must not be able to do."""
    if os.environ.get("DATABASE_URL"):
        pytest.skip("needs the embedded server's superuser")
    server = postgres.ensure(settings.STATE_DIR)
    with psycopg.connect(replace(server, dbname="postgres").admin_url, autocommit=True) as there:
        yield there


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def owner(db: None, now: datetime) -> User:
    return accounts.create_user(email="owner@hanbit.example", name="Owner", actor=ACTOR, now=now)


@pytest.fixture
def tenant(owner: User, now: datetime) -> Tenant:
    return tenants.create_tenant(
        name="Hanbit Phones", zone="Asia/Seoul", language="en", owner=owner, actor=ACTOR, now=now
    )


@pytest.fixture
def member(tenant: Tenant, now: datetime) -> User:
    return _join(tenant, "member@hanbit.example", Role.MEMBER, now)


@pytest.fixture
def viewer(tenant: Tenant, now: datetime) -> User:
    return _join(tenant, "viewer@hanbit.example", Role.VIEWER, now)


@pytest.fixture
def stranger(db: None, now: datetime) -> User:
    """The owner of another company."""
    return accounts.create_user(email="owner@daon.example", name="Stranger", actor=ACTOR, now=now)


@pytest.fixture
def other_tenant(stranger: User, now: datetime) -> Tenant:
    return tenants.create_tenant(
        name="Daon Coffee", zone="Asia/Seoul", language="ko", owner=stranger, actor=ACTOR, now=now
    )


@pytest.fixture
def operator(db: None, now: datetime) -> User:
    user = accounts.create_user(email="operator@tenantry.example", actor=ACTOR, now=now)
    accounts.set_operator_role(user=user, role=OperatorRole.OPERATOR, actor=ACTOR, now=now)
    return user


def _join(tenant: Tenant, email: str, role: Role, now: datetime) -> User:
    user = accounts.create_user(email=email, actor=ACTOR, now=now)
    tenants.add_member(tenant_id=tenant.id, user=user, role=role, actor=ACTOR, now=now)
    return user
