"""Whole runs on a pretended place: what they make, what they say, and how they are undone."""

from uuid import UUID

import pytest

from tenantry.fleet.provisioning import queries
from tenantry.fleet.provisioning.drivers.fake import FakeDriver
from tests.fleet.provisioning.conftest import Time, start, state_of, states

pytestmark = pytest.mark.django_db


def test_run_makes_a_living_tenant(tenant_id: UUID, driver: FakeDriver, time: Time) -> None:
    run = time.drive(start(tenant_id, time.now), driver)
    assert (run.state, run.error_code) == ("succeeded", ""), states(run)
    assert set(states(run).values()) == {"succeeded"}
    assert state_of(tenant_id) == "active"
    assert {one.type: one.status for one in queries.conditions_of(tenant_id)} == {
        "alive": "true",
        "canonical_host": "true",
        "log_in": "true",
        "mail": "true",
        "route": "true",
    }
