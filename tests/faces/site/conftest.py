"""A stranger's browser at the trial pages, name servers of our own, and a pretended host."""

from datetime import timedelta

import pytest

from tenantry.core import clock
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.provisioning import drivers
from tenantry.fleet.provisioning.drivers.fake import FakeDriver, FakeRecipe, product_with
from tenantry.sdk import registry
from tests.faces.site.stranger import Stranger
from tests.journeys.onboarding.name_server import names, served

__all__ = ["names", "served"]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    """Give the platform a pretended place and, before its own, a pretended application."""
    made, installed = FakeDriver(), registry.products()
    pretended = product_with(FakeRecipe(driver=made))
    monkeypatch.setattr(drivers, "current", lambda: made)
    monkeypatch.setattr(registry, "products", lambda: (pretended, *installed))
    return made


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
