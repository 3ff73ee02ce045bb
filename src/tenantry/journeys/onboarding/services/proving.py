"""The second page: the code proves the address."""

from datetime import datetime
from uuid import UUID

from tenantry.journeys.onboarding.models import Registration


def enter_code(*, journey_id: UUID, browser: str, code: str, now: datetime) -> Registration:
    """Prove the address; returns the registration to go on with.

    That is another one where the address has one that runs: this browser leads it from now on, so
    the caller keeps the returned `id`. A second submit changes nothing.
    Refuses: accounts' `CodeRefused` and `TooManyCodes`, `NotNow`, `RegistrationMissing`.
    """
    raise NotImplementedError
