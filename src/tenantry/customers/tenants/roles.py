"""What members may do, by role."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from tenantry.customers.tenants.states import Role


class Act(StrEnum):
    """Something the portal offers."""

    READ = "read"
    EDIT = "edit"  # templates and schedules
    MANAGE = "manage"  # connections and members
    OWN = "own"  # the company itself


_VIEWER = frozenset({Act.READ})
_MEMBER = _VIEWER | {Act.EDIT}
_ADMIN = _MEMBER | {Act.MANAGE}
ROLE_ACTS: Mapping[str, frozenset[Act]] = MappingProxyType(
    {
        Role.VIEWER: _VIEWER,
        Role.MEMBER: _MEMBER,
        Role.ADMIN: _ADMIN,
        Role.OWNER: frozenset(Act),
    }
)


def can(role: str, act: Act) -> bool:
    """Return whether a member of this role may do it; an unknown role may do nothing."""
    return act in ROLE_ACTS.get(role, frozenset())
