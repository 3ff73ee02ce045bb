"""How registrations end: ready, failed, entered, or forgotten."""

from datetime import datetime
from uuid import UUID

from tenantry.customers.accounts.models import User
from tenantry.journeys.onboarding.models import Registration


def follow_run(*, tenant_id: UUID, now: datetime) -> Registration | None:
    """Bring a registration where its tenant's run is: READY, FAILED, or ACCEPTED again."""
    raise NotImplementedError


def enter(*, journey_id: UUID, browser: str, now: datetime) -> User:
    """Return the owner, to be signed in by the browser that proved his address.

    Refuses: `EntryOver` some hours after the proof, `NotNow`, `RegistrationMissing`.
    """
    raise NotImplementedError


def expire(*, now: datetime) -> int:
    """End unfinished registrations whose time is over, forget their addresses, return how many."""
    raise NotImplementedError
