"""The third page, and the operator's answer: who is let in gets a tenant in the same breath."""

from datetime import datetime
from uuid import UUID

from tenantry.journeys.onboarding.models import Registration


def give_details(
    *,
    journey_id: UUID,
    browser: str,
    company: str,
    region: str,
    language: str,
    zone: str,
    now: datetime,
) -> Registration:
    """Take company and region; then accept, or wait for an operator, as the verdict says.

    Accepting makes person, tenant, membership and run in one transaction. Submitted again, or by
    many at once, it changes nothing more. Refuses: `CompanyInvalid`, `RegionUnavailable`, tenants'
    `ZoneUnknown` and `LanguageUnknown`, `NotNow`, `RegistrationMissing`.
    """
    raise NotImplementedError


def approve(*, registration_id: UUID, actor: str, now: datetime, reason: str = "") -> Registration:
    """Let a waiting registration in. Refuses: `NotFound`, `NotNow`."""
    raise NotImplementedError


def reject(*, registration_id: UUID, reason: str, actor: str, now: datetime) -> Registration:
    """Turn a waiting registration down and mail the reason.

    Refuses: `ReasonMissing`, `NotFound`, `NotNow`.
    """
    raise NotImplementedError
