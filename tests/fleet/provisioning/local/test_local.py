"""The local driver keeps the promises of every driver, with real databases and processes."""

import psycopg
import pytest

from tenantry.fleet.provisioning.drivers.compute import ComputeDriver, DriverError
from tenantry.fleet.provisioning.drivers.local import LocalDriver, databases
from tests.fleet.provisioning.conformance import ComputeConformance, Place, Tenant
from tests.fleet.provisioning.local.conftest import Tenancy
from tests.fleet.provisioning.local.plain import connect


def can_sign_in(label: str, password: str) -> bool:
    try:
        connect(databases.access(label=label, password=password)).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.usefixtures("agent")
class TestLocal(ComputeConformance):
    @pytest.fixture
    def place(self, tenancies: Tenancy, one: Tenant, other: Tenant) -> Place:
        return Place(
            driver=LocalDriver(),
            recipe="plain",
            one=one,
            other=other,
            can_sign_in=can_sign_in,
            prepare=tenancies.place,
            patience=30.0,
        )


def test_local_driver_is_a_driver() -> None:
    assert isinstance(LocalDriver(), ComputeDriver)


def test_instance_without_a_host_is_refused(one: Tenant) -> None:
    with pytest.raises(DriverError) as refusal:
        LocalDriver().create_instance(label=one.label, tenant_id=one.tenant_id)
    assert (refusal.value.code, refusal.value.retryable) == ("INSTANCE_GONE", False)
