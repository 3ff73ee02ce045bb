"""What a visitor may do with a registration, by its state."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from tenantry.journeys.onboarding.states import RegistrationState


class Act(StrEnum):
    """Something the trial pages offer."""

    GIVE_ADDRESS = "give_address"
    ENTER_CODE = "enter_code"
    RESEND = "resend"
    GIVE_DETAILS = "give_details"
    WATCH = "watch"  # how the tenant is being set up
    ENTER = "enter"  # the portal, and the instance


_ASKED = frozenset({Act.GIVE_ADDRESS})
_SETTING_UP = frozenset({Act.WATCH})
ACTS: Mapping[str, frozenset[Act]] = MappingProxyType(
    {
        RegistrationState.STARTED: _ASKED,
        RegistrationState.REFUSED: _ASKED,
        RegistrationState.CODE_SENT: _ASKED | {Act.ENTER_CODE, Act.RESEND},
        RegistrationState.VERIFIED: frozenset({Act.GIVE_DETAILS}),
        RegistrationState.AWAITING_APPROVAL: frozenset(),
        RegistrationState.ACCEPTED: _SETTING_UP,
        RegistrationState.READY: _SETTING_UP | {Act.ENTER},
        RegistrationState.FAILED: _SETTING_UP,
        RegistrationState.REJECTED: frozenset(),
        RegistrationState.EXPIRED: frozenset(),
        RegistrationState.ABANDONED: frozenset(),
    }
)


def allows(state: str, act: Act) -> bool:
    """Return whether a registration in this state lets its visitor do it."""
    return act in ACTS.get(state, frozenset())
