"""The pretended place keeps the promises of a real one; its faults strike where they say."""

from pathlib import Path
from uuid import uuid4

import pytest

from tenantry.fleet.provisioning.drivers.compute import ComputeDriver, DriverError
from tenantry.fleet.provisioning.drivers.fake import (
    AFTER,
    BEFORE,
    MIDDLE,
    FakeDriver,
    FakeRecipe,
    Fault,
    File,
    Memory,
)
from tenantry.sdk.recipe import Recipe
from tests.fleet.provisioning.conformance import PASSWORD, ComputeConformance, Place, Tenant

LABEL = "tnt_one"


class TestFake(ComputeConformance):
    @pytest.fixture(params=["memory", "file"])
    def place(self, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
        store = Memory() if request.param == "memory" else File(tmp_path / "world.json")
        driver = FakeDriver(store=store, looks_to_start=2)

        def can_sign_in(label: str, password: str) -> bool:
            held = driver.world()["databases"][label]
            return held["password"] == password and not held["locked"]

        return Place(
            driver=driver,
            recipe="fake",
            one=Tenant(label=LABEL, tenant_id=uuid4()),
            other=Tenant(label=f"{LABEL}x", tenant_id=uuid4()),
            can_sign_in=can_sign_in,
        )


def test_fakes_are_what_they_pretend() -> None:
    driver: object = FakeDriver()
    assert isinstance(driver, ComputeDriver)
    assert isinstance(FakeRecipe(driver=FakeDriver()), Recipe)


@pytest.mark.parametrize(
    ("at", "left", "found"), [(BEFORE, 0, False), (MIDDLE, 1, False), (AFTER, 1, True)]
)
def test_fault_leaves_what_was_done_by_then(at: str, left: int, found: bool) -> None:
    driver = FakeDriver()
    driver.plan(Fault(verb="create_database", at=at, code="TEMPLATE_LOCKED"))
    with pytest.raises(DriverError) as raised:
        driver.create_database(label=LABEL, recipe="fake", password=PASSWORD)
    assert (raised.value.code, raised.value.retryable) == ("TEMPLATE_LOCKED", True)
    assert len(driver.labels()) == left
    assert (driver.find_database(label=LABEL) is not None) == found
    if not found:
        driver.create_database(label=LABEL, recipe="fake", password=PASSWORD)
    assert driver.world()["created"] == {f"database:{LABEL}": 1}


def test_world_in_a_file_is_shared(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    FakeDriver(store=File(path)).create_database(label=LABEL, recipe="fake", password=PASSWORD)
    assert FakeDriver(store=File(path)).labels() == {LABEL}
