"""Host names of tenants: claimed once, moved by the table, given back."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, connection, transaction

from tenantry.core import tenancy
from tenantry.core.errors import NotFound
from tenantry.core.ids import uuid7
from tenantry.core.states import IllegalMove
from tenantry.fleet.domains import queries, services
from tenantry.fleet.domains.errors import HostNameTaken
from tenantry.fleet.domains.models import Domain
from tenantry.fleet.domains.states import DomainKind, DomainState
from tenantry.ledger.audit import queries as audit
from tenantry.ledger.audit.vocabulary import Action
from tests.probes import at_once


@pytest.fixture(autouse=True)
def _base(settings: LazySettings) -> None:
    settings.TENANT_DOMAIN = "apps.example"


def names_of(tenant_id: UUID) -> list[tuple[str, str]]:
    with tenancy.scope(tenant_id):
        return list(queries.list_domains(tenant_id).values_list("host", "state"))


def test_claimed_name_comes_into_use_and_is_given_back(db: None, now: datetime) -> None:
    tenant_id = uuid4()
    host = "tenant-abcd.apps.example"

    claimed = services.claim_canonical(tenant_id=tenant_id, short_id="abcd", now=now)
    again = services.claim_canonical(tenant_id=tenant_id, short_id="abcd", now=now)

    assert (claimed.host, claimed.state, again.id) == (host, DomainState.VERIFYING, claimed.id)
    used = services.activate_domain(tenant_id=tenant_id, host=host.upper(), now=now)
    assert (used.state, used.checked_at) == (DomainState.ACTIVE, now)
    assert queries.find_canonical(tenant_id) == claimed
    given_back = services.release_domains(tenant_id=tenant_id, reason="archived", now=now)
    assert (given_back, names_of(tenant_id)) == (1, [])
    assert services.release_domains(tenant_id=tenant_id, reason="archived", now=now) == 0
    with tenancy.platform("look"):
        entries = audit.list_for_target("domain", claimed.id).order_by("seq")
        assert list(entries.values_list("action", "reason")) == [
            (Action.DOMAINS_DOMAIN_CLAIMED, ""),
            (Action.DOMAINS_DOMAIN_ACTIVATED, ""),
            (Action.DOMAINS_DOMAIN_REMOVED, "archived"),
        ]

    anew = services.claim_canonical(tenant_id=tenant_id, short_id="abcd", now=now)
    assert (anew.host, anew.id == claimed.id) == (host, False)


def test_name_of_another_tenant_is_refused(db: None, now: datetime) -> None:
    first, second = uuid4(), uuid4()
    services.claim_canonical(tenant_id=first, short_id="abcd", now=now)

    with pytest.raises(HostNameTaken):
        services.claim_canonical(tenant_id=second, short_id="abcd", now=now)

    assert (len(names_of(first)), names_of(second)) == (1, [])
    services.release_domains(tenant_id=first, reason="archived", now=now)
    services.claim_canonical(tenant_id=second, short_id="abcd", now=now)
    assert len(names_of(second)) == 1
    with pytest.raises(HostNameTaken):
        services.claim_canonical(tenant_id=first, short_id="abcd", now=now)


def test_database_keeps_names_apart_whatever_their_case(db: None, now: datetime) -> None:
    services.claim_canonical(tenant_id=uuid4(), short_id="abcd", now=now)
    other = uuid4()
    with (
        pytest.raises(IntegrityError, match="domains_domain_host"),
        tenancy.scope(other),
    ):
        Domain.objects.create(
            id=uuid7(),
            tenant_id=other,
            host="TENANT-ABCD.apps.example",
            kind=DomainKind.CUSTOM,
            created_at=now,
        )


def test_broken_name_comes_back(db: None, now: datetime) -> None:
    tenant_id = uuid4()
    host = services.claim_canonical(tenant_id=tenant_id, short_id="abcd", now=now).host
    services.activate_domain(tenant_id=tenant_id, host=host, now=now)
    later = now + timedelta(minutes=1)

    broken = services.break_domain(tenant_id=tenant_id, host=host, reason="no answer", now=later)
    assert (broken.state, broken.reason, broken.checked_at) == (
        DomainState.BROKEN,
        "no answer",
        later,
    )
    mended = services.activate_domain(tenant_id=tenant_id, host=host, now=later)
    assert (mended.state, mended.reason) == (DomainState.ACTIVE, "")


def test_unknown_names_and_wrong_moves_are_refused(db: None, now: datetime) -> None:
    tenant_id = uuid4()
    with pytest.raises(NotFound):
        services.activate_domain(tenant_id=tenant_id, host="a.example", now=now)
    with tenancy.scope(tenant_id):
        Domain.objects.create(
            tenant_id=tenant_id, host="a.example", kind=DomainKind.CUSTOM, created_at=now
        )
    with pytest.raises(IllegalMove):
        services.activate_domain(tenant_id=tenant_id, host="a.example", now=now)
    with pytest.raises(NotFound):
        services.activate_domain(tenant_id=uuid4(), host="a.example", now=now)


@pytest.mark.parametrize(
    ("gateway", "url"),
    [
        ("http://localhost:8080", "http://a.localhost:8080"),
        ("https://apps.example", "https://a.localhost"),
        ("https://apps.example:8443/ignored", "https://a.localhost:8443"),
    ],
)
def test_public_url_is_the_gateways(settings: LazySettings, gateway: str, url: str) -> None:
    settings.GATEWAY_URL = gateway
    assert queries.public_url("a.localhost") == url


@pytest.fixture
def _clean_domains(transactional_db: None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE domains_domain")


@pytest.mark.usefixtures("_clean_domains")
def test_one_of_64_tenants_gets_the_name(now: datetime) -> None:
    tenants = [uuid4() for _ in range(64)]

    def claim(tenant_id: UUID) -> str:
        services.claim_canonical(tenant_id=tenant_id, short_id="abcd", now=now)
        return "got it"

    answers = at_once([lambda one=one: claim(one) for one in tenants])  # type: ignore[misc]  # the usual trick to bind

    assert [answer for answer in answers if answer == "got it"] == ["got it"]
    assert sum(isinstance(answer, HostNameTaken) for answer in answers) == 63
    assert sum(len(names_of(one)) for one in tenants) == 1
