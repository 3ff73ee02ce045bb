"""Name servers of our own for every test: nobody's real ones are asked."""

from collections.abc import Callable
from datetime import datetime

import pytest

from tenantry.fleet.provisioning.drivers.fake import FakeDriver
from tenantry.journeys.onboarding import services
from tenantry.journeys.onboarding.states import DictionaryRule
from tests.fleet.provisioning.conftest import driver, register_host
from tests.journeys.onboarding.name_server import names, served
from tests.journeys.onboarding.visitor import Visitor

__all__ = ["driver", "names", "served"]


@pytest.fixture
def list_domain(db: None, now: datetime) -> Callable[[str, DictionaryRule], None]:
    """Write a line of the dictionary."""

    def listed(domain: str, rule: DictionaryRule) -> None:
        services.add_domain(domain=domain, rule=rule, note="test", actor="operator:0", now=now)

    return listed


@pytest.fixture
def visitor(db: None, now: datetime) -> Visitor:
    return Visitor(now=now)


@pytest.fixture
def place(db: None, driver: FakeDriver, now: datetime) -> FakeDriver:
    """A host that takes companies, and a pretended application to run there."""
    register_host(now)
    return driver
