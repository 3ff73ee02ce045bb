"""What every place to run instances must do: one suite for all drivers.

Derive a test class from `ComputeConformance` and give it a fixture `place`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pytest

from tenantry.fleet.provisioning.drivers.compute import (
    AlreadyThere,
    ComputeDriver,
    InstanceFound,
)
from tenantry.fleet.provisioning.states import Observed

PASSWORD = "a-password-of-the-role"


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """A label that nothing exists of yet, and the tenant it belongs to."""

    label: str
    tenant_id: UUID


@dataclass(frozen=True, kw_only=True)
class Place:
    """A driver, two tenants to try it with, and how to look behind it.

    `can_sign_in` asks the database itself whether a label's role gets in with a password; None
    where there is nobody to ask. Instances need what `prepare` makes, if it is given.
    """

    driver: ComputeDriver
    recipe: str
    one: Tenant
    other: Tenant
    can_sign_in: Callable[[str, str], bool] | None = None
    prepare: Callable[[Tenant], None] | None = None
    patience: float = 10.0

    def make_database(self, tenant: Tenant) -> None:
        self.driver.create_database(label=tenant.label, recipe=self.recipe, password=PASSWORD)

    def make_instance(self, tenant: Tenant) -> InstanceFound:
        if self.prepare is not None:
            self.prepare(tenant)
        self.driver.create_instance(label=tenant.label, tenant_id=tenant.tenant_id)
        return self.becomes(tenant, Observed.RUNNING)

    def becomes(self, tenant: Tenant, observed: str) -> InstanceFound:
        found = self.until(tenant, lambda one: one is not None and one.observed == observed)
        assert found is not None
        return found

    def until(
        self, tenant: Tenant, holds: Callable[[InstanceFound | None], bool]
    ) -> InstanceFound | None:
        deadline = time.monotonic() + self.patience
        while not holds(found := self.driver.find_instance(label=tenant.label)):
            assert time.monotonic() < deadline, f"still {found}"
            time.sleep(0.02)
        return found


class ComputeConformance:
    """Subclasses give the fixture `place`."""

    @pytest.fixture
    def place(self) -> Place:
        raise NotImplementedError

    def test_nothing_is_found_of_an_unknown_label(self, place: Place) -> None:
        label = place.one.label
        assert place.driver.find_database(label=label) is None
        assert place.driver.find_instance(label=label) is None
        assert label not in place.driver.labels()

    def test_database_is_found_as_it_was_made(self, place: Place) -> None:
        assert place.driver.template_ready(recipe=place.recipe)
        made = place.driver.create_database(
            label=place.one.label, recipe=place.recipe, password=PASSWORD
        )
        assert place.driver.find_database(label=place.one.label) == made
        assert made.label == place.one.label
        assert place.driver.find_database(label=place.other.label) is None

    def test_second_database_is_refused_and_the_first_stays(self, place: Place) -> None:
        place.make_database(place.one)
        first = place.driver.find_database(label=place.one.label)
        with pytest.raises(AlreadyThere) as refusal:
            place.make_database(place.one)
        assert refusal.value.label == place.one.label
        assert place.driver.find_database(label=place.one.label) == first

    def test_databases_of_two_tenants_are_two(self, place: Place) -> None:
        place.make_database(place.one)
        place.make_database(place.other)
        found = [
            place.driver.find_database(label=tenant.label) for tenant in (place.one, place.other)
        ]
        assert len({(one.name, one.user) for one in found if one is not None}) == 2

    def test_removed_database_is_gone_and_may_be_made_again(self, place: Place) -> None:
        place.make_database(place.one)
        place.make_database(place.other)
        for _ in range(2):
            place.driver.remove_database(label=place.one.label)
        assert place.driver.find_database(label=place.one.label) is None
        assert place.one.label not in place.driver.labels()
        assert place.driver.find_database(label=place.other.label) is not None
        place.make_database(place.one)
        assert place.driver.find_database(label=place.one.label) is not None

    def test_locked_database_keeps_its_data_and_lets_nobody_in(self, place: Place) -> None:
        place.make_database(place.one)
        made = place.driver.find_database(label=place.one.label)
        for _ in range(2):
            place.driver.lock_database(label=place.one.label)
        assert place.driver.find_database(label=place.one.label) == made
        if place.can_sign_in is not None:
            assert not place.can_sign_in(place.one.label, PASSWORD)
        for _ in range(2):
            place.driver.unlock_database(label=place.one.label)
        if place.can_sign_in is not None:
            assert place.can_sign_in(place.one.label, PASSWORD)
            assert not place.can_sign_in(place.one.label, "another")

    def test_instance_comes_to_run_and_says_where(self, place: Place) -> None:
        place.make_database(place.one)
        found = place.make_instance(place.one)
        assert found.label == place.one.label
        assert found.upstream.rpartition(":")[2].isdecimal()
        assert found.pid is not None
        assert place.driver.find_instance(label=place.other.label) is None

    def test_second_instance_is_refused_and_the_first_runs_on(self, place: Place) -> None:
        place.make_database(place.one)
        first = place.make_instance(place.one)
        with pytest.raises(AlreadyThere):
            place.driver.create_instance(label=place.one.label, tenant_id=place.one.tenant_id)
        assert place.driver.find_instance(label=place.one.label) == first

    def test_stopped_instance_stays_and_starts_again(self, place: Place) -> None:
        place.make_database(place.one)
        place.make_instance(place.one)
        for _ in range(2):
            place.driver.stop_instance(label=place.one.label)
        assert place.becomes(place.one, Observed.STOPPED).pid is None
        assert place.one.label in place.driver.labels()
        for _ in range(2):
            place.driver.start_instance(label=place.one.label)
        assert place.becomes(place.one, Observed.RUNNING).upstream

    def test_removed_instance_is_gone_and_may_be_made_again(self, place: Place) -> None:
        place.make_database(place.one)
        place.make_instance(place.one)
        for _ in range(2):
            place.driver.remove_instance(label=place.one.label)
        place.until(place.one, lambda found: found is None)
        place.driver.remove_instance(label=place.one.label)
        assert place.driver.find_database(label=place.one.label) is not None
        assert place.make_instance(place.one).upstream

    def test_what_was_never_made_may_be_removed(self, place: Place) -> None:
        place.driver.remove_instance(label=place.one.label)
        place.driver.remove_database(label=place.one.label)
        assert place.one.label not in place.driver.labels()

    def test_labels_name_exactly_what_there_is(self, place: Place) -> None:
        mine = {place.one.label, place.other.label}
        place.make_database(place.one)
        assert place.driver.labels() & mine == {place.one.label}
        place.make_database(place.other)
        place.make_instance(place.other)
        assert place.driver.labels() & mine == mine
        place.driver.remove_instance(label=place.other.label)
        place.until(place.other, lambda found: found is None)
        place.driver.remove_database(label=place.other.label)
        assert place.driver.labels() & mine == {place.one.label}
