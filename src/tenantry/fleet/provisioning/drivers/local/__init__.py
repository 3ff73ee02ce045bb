"""Instances as processes of this machine, each with a database of its own on one PostgreSQL.

`LocalDriver` makes databases itself; processes are kept by the host's agent (`tenantry host`),
which reads what is wished of its instances from the database and writes what it sees.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tenantry.core import clock, db
from tenantry.fleet.provisioning import instances, recipes
from tenantry.fleet.provisioning.drivers.compute import (
    AlreadyThere,
    DatabaseFound,
    DriverError,
    InstanceFound,
)
from tenantry.fleet.provisioning.drivers.local import databases, places, templates
from tenantry.fleet.provisioning.failures import Failure
from tenantry.fleet.provisioning.models import Instance
from tenantry.fleet.provisioning.states import Desired, Observed

__all__ = ["LocalDriver"]


@dataclass(frozen=True, kw_only=True)
class LocalDriver:
    """Implements `compute.ComputeDriver`."""

    now: Callable[[], datetime] = clock.now

    def template_ready(self, *, recipe: str) -> bool:
        """Ask the server."""
        return templates.is_ready(recipes.recipe_of(recipe))

    def create_database(self, *, label: str, recipe: str, password: str) -> DatabaseFound:
        """Copy the template."""
        return databases.create(label=label, recipe=recipe, password=password)

    def find_database(self, *, label: str) -> DatabaseFound | None:
        """Ask the server."""
        return databases.find(label=label)

    def remove_database(self, *, label: str) -> None:
        """Drop database and role."""
        databases.remove(label=label)

    def lock_database(self, *, label: str) -> None:
        """Take the role's right to sign in."""
        databases.lock(label=label)

    def unlock_database(self, *, label: str) -> None:
        """Give the role its right to sign in back."""
        databases.unlock(label=label)

    def create_instance(self, *, label: str, tenant_id: UUID) -> InstanceFound:
        """Wish for a running instance; its row says which host must fulfil it."""
        row = instances.found_by(label)
        if row is None or row.tenant_id != tenant_id or row.host_id is None:
            raise DriverError(Failure.INSTANCE_GONE, retryable=False, detail="nothing was placed")
        if _is_wanted(row):
            raise AlreadyThere(label)
        self._wish(label, Desired.RUNNING)
        return InstanceFound(label=label, observed=Observed.UNKNOWN)

    def find_instance(self, *, label: str) -> InstanceFound | None:
        """Return what the host's agent saw last."""
        row = instances.found_by(label)
        if row is None or not (_is_wanted(row) or _is_leaving(row)):
            return None
        running = row.observed == Observed.RUNNING
        return InstanceFound(
            label=label,
            observed=row.observed,
            pid=row.pid if running else None,
            upstream=row.upstream if running else "",
        )

    def stop_instance(self, *, label: str) -> None:
        """Wish for a stopped instance."""
        if (row := instances.found_by(label)) is not None and _is_wanted(row):
            self._wish(label, Desired.STOPPED)

    def start_instance(self, *, label: str) -> None:
        """Wish for a running instance."""
        if (row := instances.found_by(label)) is not None and _is_wanted(row):
            self._wish(label, Desired.RUNNING)

    def remove_instance(self, *, label: str) -> None:
        """Wish for no instance; one that was never wished for is gone already."""
        if (row := instances.found_by(label)) is not None and row.desired:
            self._wish(label, Desired.REMOVED)

    def labels(self) -> frozenset[str]:
        """Return the labels of databases, roles, wishes, and folders of this machine."""
        with db.borrowed():
            wanted = instances.labels()
        return databases.labels() | wanted | places.labels_here()

    def _wish(self, label: str, desired: Desired) -> None:
        instances.wish(label=label, desired=desired, now=self.now())


def _is_wanted(row: Instance) -> bool:
    return row.desired in {Desired.RUNNING, Desired.STOPPED}


def _is_leaving(row: Instance) -> bool:
    return row.desired == Desired.REMOVED and row.observed != Observed.REMOVED
