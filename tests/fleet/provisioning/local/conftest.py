"""A machine: a plain recipe with its template, two tenants to come, and a host's agent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import connections

from tenantry.core import tenancy
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants import services as tenants
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.provisioning import instances
from tenantry.fleet.provisioning.drivers.local import databases, templates
from tenantry.fleet.provisioning.drivers.local.agent import Agent
from tenantry.fleet.provisioning.models import Instance
from tenantry.governance.vault import services as vault
from tenantry.sdk import registry
from tenantry.sdk.product import Product
from tenantry.sdk.recipe import Recipe
from tests.fleet.provisioning.conformance import PASSWORD, Tenant
from tests.fleet.provisioning.local.plain import PlainRecipe

HOST, REGION = "local-test", "sg"


def quiet(_what: str, _share: float) -> None:
    pass


def install(monkeypatch: pytest.MonkeyPatch, recipe: Recipe) -> None:
    product = Product(
        slug=recipe.slug,
        name="Under test",
        version="0",
        requires_platform=">=0.1",
        app="under_test",
        recipe=recipe,
    )
    monkeypatch.setattr(registry, "products", lambda: (product,))


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, settings: LazySettings, tmp_path: Path) -> PlainRecipe:
    """Install the plain recipe alone, on a machine with empty folders."""
    settings.INSTANCES_FOLDER = tmp_path
    made = PlainRecipe(version="1")
    install(monkeypatch, made)
    return made


@pytest.fixture
def template(recipe: PlainRecipe) -> str:
    """Build the plain template once per server."""
    templates.make_ready(recipe, quiet)
    return templates.template_of(recipe)


@dataclass(frozen=True, kw_only=True)
class Tenancy:
    """Makes tenants, and the rows that ask a host for their instances."""

    owner: User
    now: datetime
    recipe: str
    version: str = "1"

    def request(self) -> Tenant:
        made = tenants.create_tenant(
            name="Hanbit Phones",
            zone="Asia/Seoul",
            language="ko",
            owner=self.owner,
            actor="system:test",
            now=self.now,
            state=TenantState.REQUESTED,
        )
        return Tenant(label=instances.label_of(made.short_id), tenant_id=made.id)

    def place(self, tenant: Tenant) -> None:
        """Do what the steps before the instance do."""
        host = hosts.register_host(
            name=HOST, region=REGION, cpu_milli=10**6, memory_mb=10**6, disk_mb=10**6, now=self.now
        )
        with tenancy.scope(tenant.tenant_id):
            Instance.objects.get_or_create(
                tenant_id=tenant.tenant_id,
                defaults={
                    "label": tenant.label,
                    "recipe": self.recipe,
                    "version": self.version,
                    "host_id": host.id,
                    "created_at": self.now,
                    "database_secret_id": self._secret(tenant.tenant_id),
                },
            )
        instances.ensure_secrets(tenant_id=tenant.tenant_id, now=self.now)

    def _secret(self, tenant_id: UUID) -> UUID:
        return vault.put(
            tenant_id=tenant_id,
            purpose="instance.database",
            plaintext=PASSWORD.encode(),
            now=self.now,
        )


@pytest.fixture
def tenancies(transactional_db: None, owner: User, now: datetime) -> Tenancy:
    return Tenancy(owner=owner, now=now, recipe="plain")


@pytest.fixture
def one(tenancies: Tenancy) -> Iterator[Tenant]:
    made = tenancies.request()
    yield made
    databases.remove(label=made.label)


@pytest.fixture
def other(tenancies: Tenancy) -> Iterator[Tenant]:
    made = tenancies.request()
    yield made
    databases.remove(label=made.label)


@contextmanager
def running_agent(now: datetime) -> Iterator[Agent]:
    """Keep the host in a thread; at the end its instances have ended."""
    agent = Agent(name=HOST, region=REGION, now=lambda: now)

    def keep() -> None:
        try:
            agent.run()
        finally:
            connections.close_all()

    keeping = threading.Thread(target=keep)
    keeping.start()
    try:
        yield agent
    finally:
        agent.ending.set()
        keeping.join(timeout=30)
        assert not keeping.is_alive()


@pytest.fixture
def agent(tenancies: Tenancy, template: str, now: datetime) -> Iterator[Agent]:
    with running_agent(now) as made:
        yield made
