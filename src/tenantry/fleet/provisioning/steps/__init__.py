"""The steps of every kind of run: which there are, in which order, and what each does."""

from collections.abc import Mapping
from types import MappingProxyType

from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.provisioning.states import RunKind
from tenantry.fleet.provisioning.steps.closing import CLOSING
from tenantry.fleet.provisioning.steps.making import MAKING
from tenantry.fleet.provisioning.steps.proving import PROVING
from tenantry.fleet.provisioning.steps.work import Work

WORK: Mapping[str, Work] = MappingProxyType(
    {work.name: work for work in (*MAKING, *PROVING, *CLOSING)}
)
_MAKE = ("place", "database", "instance", "domain", "route")
STEPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        RunKind.CREATE: (*_MAKE, "readiness", "activate"),
        RunKind.SUSPEND: ("route_closed", "instance_stopped", "suspended"),
        RunKind.RESUME: ("instance_started", "readiness", "route_open", "resumed"),
        RunKind.ARCHIVE: (
            "route_removed",
            "instance_removed",
            "database_locked",
            "domain_released",
            "capacity_released",
            "archived",
        ),
    }
)
_BACK_FROM_ARCHIVE = (
    "place",
    "database_unlocked",
    "instance",
    "domain",
    "route",
    "resumed",
)
# From which states of a tenant a run of each kind may begin.
BEGIN_FROM: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        RunKind.CREATE: frozenset({TenantState.REQUESTED, TenantState.FAILED}),
        RunKind.SUSPEND: frozenset({TenantState.ACTIVE, TenantState.DEGRADED}),
        RunKind.RESUME: frozenset({TenantState.SUSPENDED, TenantState.ARCHIVED}),
        RunKind.ARCHIVE: frozenset(
            {TenantState.ACTIVE, TenantState.DEGRADED, TenantState.SUSPENDED}
        ),
    }
)
# What has begun to be put away is put away to the end; it can come back by another run.
CANCELLABLE: frozenset[str] = frozenset({RunKind.CREATE, RunKind.SUSPEND, RunKind.RESUME})


def plan(*, kind: str, tenant_state: str) -> tuple[str, ...]:
    """Return the names of the steps of a run, in order."""
    if kind == RunKind.RESUME and tenant_state == TenantState.ARCHIVED:
        return _BACK_FROM_ARCHIVE
    return STEPS[kind]
