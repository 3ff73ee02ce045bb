"""The operators' dictionary of domains."""

from datetime import datetime
from uuid import UUID

from tenantry.journeys.onboarding.models import DictionaryEntry


def add_domain(*, domain: str, rule: str, note: str, actor: str, now: datetime) -> DictionaryEntry:
    """Say how a domain and everything below it is treated.

    Refuses: `DomainInvalid`, `DomainListed`, `NoteMissing`, `InvalidInput` for an unknown rule.
    """
    raise NotImplementedError


def change_domain(
    *, entry_id: UUID, rule: str, note: str, actor: str, now: datetime
) -> DictionaryEntry:
    """Change a line. Refuses: `NoteMissing`, `InvalidInput`, `NotFound`."""
    raise NotImplementedError


def remove_domain(*, entry_id: UUID, note: str, actor: str, now: datetime) -> None:
    """Take a line out; `note` says why. Refuses: `NoteMissing`, `NotFound`."""
    raise NotImplementedError
