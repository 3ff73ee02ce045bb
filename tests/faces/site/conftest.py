"""A stranger's browser at the trial pages, name servers of our own, and a pretended host."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings

from tenantry.core import clock
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.provisioning import drivers
from tenantry.fleet.provisioning.drivers.fake import FakeDriver, FakeRecipe
from tenantry.journeys.onboarding import evidence
from tenantry.sdk import registry
from tests.faces.site.stranger import Stranger
from tests.fleet.provisioning.conftest import product_of, routed
from tests.journeys.onboarding import name_server
from tests.journeys.onboarding.name_server import NameServer


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    """Give the platform a pretended place and, before its own, a pretended application."""
    made, installed = FakeDriver(), registry.products()
    pretended = product_of(FakeRecipe(driver=made, routed=routed))
    monkeypatch.setattr(drivers, "current", lambda: made)
    monkeypatch.setattr(registry, "products", lambda: (pretended, *installed))
    return made


@pytest.fixture(scope="session")
def served() -> Iterator[NameServer]:
    with name_server.started() as server:
        yield server


@pytest.fixture(autouse=True)
def names(served: NameServer, settings: LazySettings) -> Iterator[NameServer]:
    """A name server at whose names everybody takes mail, unless a test says otherwise."""
    served.records.clear()
    served.is_generous = True
    settings.NAME_SERVERS = [served.address]
    evidence.resolver.cache_clear()
    yield served
    evidence.resolver.cache_clear()


@pytest.fixture
def regions(db: None) -> None:
    """Two regions with room."""
    for name, region in (("local-kr", "kr"), ("local-sg", "sg")):
        hosts.register_host(
            name=name,
            region=region,
            cpu_milli=10**6,
            memory_mb=10**6,
            disk_mb=10**6,
            # A run may take virtual minutes.
            now=clock.now() + timedelta(minutes=30),
        )


@pytest.fixture
def stranger_at_trial(regions: None, driver: FakeDriver) -> Stranger:
    return Stranger(driver=driver)
