"""Name servers of our own for every test: nobody's real ones are asked."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from django.conf import LazySettings

from tenantry.journeys.onboarding import evidence, services
from tenantry.journeys.onboarding.states import DictionaryRule
from tests.journeys.onboarding import name_server
from tests.journeys.onboarding.name_server import NameServer


@pytest.fixture(scope="session")
def served() -> Iterator[NameServer]:
    with name_server.started() as server:
        yield server


@pytest.fixture(autouse=True)
def names(served: NameServer, settings: LazySettings) -> Iterator[NameServer]:
    """A name server at whose names everybody takes mail, unless a test says otherwise."""
    served.records.clear()
    served.questions.clear()
    served.is_generous = True
    settings.NAME_SERVERS = [served.address]
    evidence.resolver.cache_clear()
    yield served
    evidence.resolver.cache_clear()


@pytest.fixture
def list_domain(db: None, now: datetime) -> Callable[[str, DictionaryRule], None]:
    """Write a line of the dictionary."""

    def listed(domain: str, rule: DictionaryRule) -> None:
        services.add_domain(domain=domain, rule=rule, note="test", actor="operator:0", now=now)

    return listed
