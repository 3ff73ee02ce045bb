"""A redeemed ticket opens the vault and signs its owner in, and nobody else."""

from datetime import datetime
from uuid import UUID

import pytest

from tenantry.config.entering import sign_in
from tenantry.core import clock, tenancy
from tenantry.core.errors import DomainError, Forbidden
from tenantry.core.ids import uuid7
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants.models import Tenant
from tenantry.fleet.gateway import services as gateway
from tenantry.fleet.gateway.errors import TicketInvalid, UpstreamDown
from tenantry.fleet.gateway.queries import Target
from tenantry.fleet.provisioning import instances, recipes
from tenantry.fleet.provisioning.models import Instance
from tenantry.sdk.recipe import Entry, InstanceRefused

HOST = "tenant-aaaa.localhost"
ENTRY = Entry(path="/#x", local_storage={"sao": "session"})


class Recipe:
    """Takes down what it is asked, and lets in or refuses."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.refusal: DomainError | None = None

    def sign_in(self, **given: str) -> Entry:
        self.asked.append(given)
        if self.refusal:
            raise self.refusal
        return ENTRY


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    made = Recipe()
    monkeypatch.setattr(recipes, "recipe_of", lambda slug: made if slug == "erp" else None)
    return made


@pytest.fixture
def instance(tenant: Tenant, now: datetime) -> Instance:
    with tenancy.scope(tenant.id):
        Instance.objects.create(
            tenant_id=tenant.id, label="tnt_aaaa", recipe="erp", database="tnt_aaaa", created_at=now
        )
    return instances.ensure_secrets(tenant_id=tenant.id, now=now)


def target(tenant_id: UUID) -> Target:
    return Target(tenant_id=tenant_id, upstream="127.0.0.1:9001", serving=True)


def ticket(tenant: Tenant, user: User) -> str:
    return gateway.issue_ticket(tenant_id=tenant.id, user_id=user.id, host=HOST, now=clock.now())


@pytest.mark.django_db
def test_owner_is_signed_in_with_the_password_of_the_vault(
    tenant: Tenant, owner: User, instance: Instance, recipe: Recipe
) -> None:
    assert sign_in(token=ticket(tenant, owner), host=HOST, target=target(tenant.id)) == ENTRY
    assert recipe.asked == [
        {
            "url": "http://127.0.0.1:9001",
            "host": HOST,
            "database": "tnt_aaaa",
            "account": owner.email,
            "password": instances.passwords(instance).owner,
        }
    ]


@pytest.mark.django_db
def test_member_has_no_account_in_the_instance(
    tenant: Tenant, member: User, instance: Instance, recipe: Recipe
) -> None:
    with pytest.raises(Forbidden):
        sign_in(token=ticket(tenant, member), host=HOST, target=target(tenant.id))
    assert recipe.asked == []


@pytest.mark.django_db
def test_ticket_of_another_tenant_is_refused(
    tenant: Tenant, owner: User, instance: Instance, recipe: Recipe
) -> None:
    with pytest.raises(TicketInvalid):
        sign_in(token=ticket(tenant, owner), host=HOST, target=target(uuid7()))
    assert recipe.asked == []


@pytest.mark.django_db
def test_ticket_works_once(tenant: Tenant, owner: User, instance: Instance, recipe: Recipe) -> None:
    token = ticket(tenant, owner)
    recipe.refusal = InstanceRefused()
    with pytest.raises(InstanceRefused):
        sign_in(token=token, host=HOST, target=target(tenant.id))
    with pytest.raises(TicketInvalid):
        sign_in(token=token, host=HOST, target=target(tenant.id))
    assert len(recipe.asked) == 1


@pytest.mark.django_db
def test_tenant_without_an_instance_is_told_so(tenant: Tenant, owner: User, recipe: Recipe) -> None:
    with pytest.raises(UpstreamDown):
        sign_in(token=ticket(tenant, owner), host=HOST, target=target(tenant.id))
