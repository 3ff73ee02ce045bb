"""What operators may do, by role."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from tenantry.customers.accounts.states import OperatorRole


class OperatorAct(StrEnum):
    """Something the console offers."""

    READ = "read"
    REVIEW_SCHEDULES = "review_schedules"
    SUSPEND_SCHEDULES = "suspend_schedules"
    MANAGE_JOBS = "manage_jobs"
    DISCONNECT = "disconnect"
    RETRY_MAIL = "retry_mail"
    REVIEW_REGISTRATIONS = "review_registrations"
    SET_DICTIONARY = "set_dictionary"
    MANAGE_TENANTS = "manage_tenants"
    MANAGE_HOSTS = "manage_hosts"
    SET_POLICIES = "set_policies"
    MANAGE_OPERATORS = "manage_operators"


_REVIEWER = frozenset(
    {OperatorAct.READ, OperatorAct.REVIEW_SCHEDULES, OperatorAct.REVIEW_REGISTRATIONS}
)
_OPERATOR = _REVIEWER | {
    OperatorAct.SUSPEND_SCHEDULES,
    OperatorAct.MANAGE_JOBS,
    OperatorAct.DISCONNECT,
    OperatorAct.RETRY_MAIL,
    OperatorAct.SET_DICTIONARY,
    OperatorAct.MANAGE_TENANTS,
    OperatorAct.MANAGE_HOSTS,
}
OPERATOR_ACTS: Mapping[str, frozenset[OperatorAct]] = MappingProxyType(
    {
        OperatorRole.NONE: frozenset(),
        OperatorRole.REVIEWER: _REVIEWER,
        OperatorRole.OPERATOR: _OPERATOR,
        OperatorRole.SUPERUSER: frozenset(OperatorAct),
    }
)


def may(role: str, act: OperatorAct) -> bool:
    """Return whether an operator of this role may do it; an unknown role may do nothing."""
    return act in OPERATOR_ACTS.get(role, frozenset())
