"""The operators' dictionary of domains."""

from datetime import datetime
from uuid import UUID

from tenantry.core import tenancy
from tenantry.core.errors import InvalidInput, NotFound
from tenantry.core.ids import uuid7
from tenantry.journeys.onboarding import lists
from tenantry.journeys.onboarding.addresses import parse_domain
from tenantry.journeys.onboarding.errors import DomainInvalid, DomainListed, NoteMissing
from tenantry.journeys.onboarding.models import DictionaryEntry
from tenantry.journeys.onboarding.states import DictionaryRule
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action

_NOTE_LENGTH = 300


def add_domain(*, domain: str, rule: str, note: str, actor: str, now: datetime) -> DictionaryEntry:
    """Say how a domain and everything below it is treated, from the next address on.

    Refuses: `DomainInvalid`, `DomainListed`, `NoteMissing`, `InvalidInput` for an unknown rule.
    """
    name = parse_domain(domain.strip().removeprefix("@"))
    if not name or not lists.registrable(name):
        raise DomainInvalid(domain=domain)
    entry = DictionaryEntry(
        id=uuid7(), domain=name, rule=_rule(rule), note=_note(note), by=actor, at=now
    )
    with tenancy.platform("add a domain to the dictionary"):
        DictionaryEntry.objects.bulk_create([entry], ignore_conflicts=True)
        if not DictionaryEntry.objects.filter(id=entry.id).exists():
            raise DomainListed(domain=name)
        _record(Action.ONBOARDING_DOMAIN_ADDED, entry, actor, now, to=entry.rule)
    return entry


def change_domain(
    *, entry_id: UUID, rule: str, note: str, actor: str, now: datetime
) -> DictionaryEntry:
    """Change a line. Refuses: `NoteMissing`, `InvalidInput`, `NotFound`."""
    changed, given = _rule(rule), _note(note)
    with tenancy.platform("change the dictionary"):
        entry = _locked(entry_id)
        before, entry.rule, entry.note = entry.rule, changed, given
        entry.by, entry.at = actor, now
        entry.save(update_fields=["rule", "note", "by", "at"])
        change = {"from": before, "to": changed}
        _record(Action.ONBOARDING_DOMAIN_CHANGED, entry, actor, now, **change)
    return entry


def remove_domain(*, entry_id: UUID, note: str, actor: str, now: datetime) -> None:
    """Take a line out; `note` says why. Refuses: `NoteMissing`, `NotFound`."""
    given = _note(note)
    with tenancy.platform("take a domain out of the dictionary"):
        entry = _locked(entry_id)
        before, entry.note = entry.rule, given
        _record(Action.ONBOARDING_DOMAIN_REMOVED, entry, actor, now, **{"from": before})
        entry.delete()


def _locked(entry_id: UUID) -> DictionaryEntry:
    entry = DictionaryEntry.objects.select_for_update().filter(id=entry_id).first()
    if entry is None:
        raise NotFound
    return entry


def _rule(text: str) -> str:
    if text not in DictionaryRule.values:
        raise InvalidInput(field="rule")
    return text


def _note(text: str) -> str:
    note = text.strip()[:_NOTE_LENGTH]
    if not note:
        raise NoteMissing
    return note


def _record(
    action: Action, entry: DictionaryEntry, actor: str, now: datetime, **change: str
) -> None:
    audit.append(
        action=action,
        tenant_id=None,
        actor=actor,
        target=("dictionaryentry", str(entry.id)),
        at=now,
        reason=entry.note,
        body={"domain": entry.domain, **change},
    )
