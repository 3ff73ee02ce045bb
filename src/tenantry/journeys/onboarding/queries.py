"""Registrations as their visitors and the operators see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet

from tenantry.core import tenancy
from tenantry.core.crypto import keyed_hash
from tenantry.core.errors import NotFound
from tenantry.journeys.onboarding.errors import RegistrationMissing
from tenantry.journeys.onboarding.models import Decision, DictionaryEntry, Registration
from tenantry.journeys.onboarding.verdicts import TrialVerdict


def browser_key(browser: str) -> str:
    """Return the stored form of a browser's random value."""
    return keyed_hash("onboarding.browser", browser).hex()


def find_for_browser(*, journey_id: UUID, browser: str) -> Registration | None:
    """Return the registration of a journey if this browser leads it."""
    with tenancy.platform("find a visitor's registration"):
        return (
            Registration.objects.filter(id=journey_id, browser_hash=browser_key(browser))
            .select_related("decision")
            .first()
        )


def get_for_browser(*, journey_id: UUID, browser: str) -> Registration:
    """Return the registration that this browser leads; raises `RegistrationMissing`."""
    registration = find_for_browser(journey_id=journey_id, browser=browser)
    if registration is None:
        raise RegistrationMissing
    return registration


def get_registration(registration_id: UUID) -> Registration:
    """Return a registration for the console; raises `NotFound`."""
    with tenancy.platform("look at a registration"):
        found = Registration.objects.select_related("decision").filter(id=registration_id).first()
    if found is None:
        raise NotFound
    return found


def find_by_tenant(tenant_id: UUID) -> Registration | None:
    """Return the registration that a tenant came from."""
    with tenancy.platform("find a tenant's registration"):
        return Registration.objects.filter(tenant_id=tenant_id).first()


def list_registrations() -> QuerySet[Registration]:
    """Return every registration, the newest first; under `tenancy.platform`."""
    return Registration.objects.select_related("decision").order_by("-created_at", "-id")


def list_decisions(*, registration_id: UUID) -> QuerySet[Decision]:
    """Return the decisions on a registration's addresses, in order."""
    return Decision.objects.filter(registration_id=registration_id).order_by("at", "id")


def find_rule(names: Sequence[str]) -> DictionaryEntry | None:
    """Return the dictionary's line for the first of these domains that has one."""
    entries = {entry.domain: entry for entry in DictionaryEntry.objects.filter(domain__in=names)}
    return next((entries[name] for name in names if name in entries), None)


def get_dictionary_entry(entry_id: UUID) -> DictionaryEntry:
    """Return a line of the dictionary; raises `NotFound`."""
    entry = DictionaryEntry.objects.filter(id=entry_id).first()
    if entry is None:
        raise NotFound
    return entry


def list_dictionary() -> QuerySet[DictionaryEntry]:
    """Return the operators' dictionary by domain."""
    return DictionaryEntry.objects.order_by("domain")


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Everything that decides on an address: for the console's tester, nothing is stored."""

    typed: str
    normal: str
    verdict: TrialVerdict
    latencies: Mapping[str, float] = field(default_factory=dict)
