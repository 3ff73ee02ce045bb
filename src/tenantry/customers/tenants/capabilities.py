"""What still works for a company in each state of its life."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from tenantry.customers.tenants.errors import TenantStateRefuses
from tenantry.customers.tenants.states import TenantState


class Capability(StrEnum):
    """Something a company does on the platform."""

    LOG_IN = "log_in"  # its people come in to the portal
    EXPORT = "export"  # it takes its data out
    PAY = "pay"
    RUN_WORK = "run_work"  # its instance runs, its schedules post
    CALL_API = "call_api"


_C = Capability
_COMING = frozenset({_C.LOG_IN, _C.PAY})
_LIVING = frozenset(Capability)
STATE_CAPABILITIES: Mapping[str, frozenset[Capability]] = MappingProxyType(
    {
        TenantState.REQUESTED: _COMING,
        TenantState.PLACED: _COMING,
        TenantState.PROVISIONING: _COMING,
        TenantState.VERIFYING: _COMING,
        TenantState.ACTIVE: _LIVING,
        # Something does not work; nothing is taken away for it.
        TenantState.DEGRADED: _LIVING,
        TenantState.SUSPENDED: frozenset({_C.LOG_IN, _C.EXPORT, _C.PAY}),
        # What is kept stays theirs, and what is owed can be paid.
        TenantState.ARCHIVED: frozenset({_C.EXPORT, _C.PAY}),
        TenantState.PURGING: frozenset(),
        TenantState.PURGED: frozenset(),
        TenantState.FAILED: _COMING,
    }
)


def allows(state: str, capability: Capability) -> bool:
    """Return whether a company in this state may do it; an unknown state allows nothing."""
    return capability in STATE_CAPABILITIES.get(state, frozenset())


def require(state: str, capability: Capability) -> None:
    """Raise `TenantStateRefuses` unless a company in this state may do it."""
    if not allows(state, capability):
        raise TenantStateRefuses(state=TenantState(state).label)
