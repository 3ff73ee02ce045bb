"""The first page: a journey begins, and somebody gives an address."""

from datetime import datetime
from uuid import UUID

from tenantry.journeys.onboarding.models import Registration


def begin(
    *,
    journey_id: UUID,
    browser: str,
    language: str,
    now: datetime,
    plan: str = "",
    region: str = "",
) -> Registration:
    """Open the registration of a journey, once; later calls only change its presets.

    `browser` is a random value that only this browser keeps. Refuses: `RegistrationMissing` when
    another browser leads the journey.
    """
    raise NotImplementedError


def give_address(
    *, journey_id: UUID, browser: str, email: str, network: str, language: str, now: datetime
) -> Registration:
    """Judge an address and send a code to it; asks the name servers, so not inside a transaction.

    Refuses: `AddressUnreadable`, `AddressRefused` (stored with its reasons; another address may
    follow), `TooManyRegistrations`, accounts' `TooManyCodes`, `NotNow`, `RegistrationMissing`.
    """
    raise NotImplementedError


def resend(
    *, journey_id: UUID, browser: str, network: str, language: str, now: datetime
) -> Registration:
    """Send a new code to the same address; the one before it ends.

    Refuses: `TooManyCodes`, `NotNow`, `RegistrationMissing`.
    """
    raise NotImplementedError
