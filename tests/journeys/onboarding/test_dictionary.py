"""The operators' dictionary: lines with a reason, in the books, and at work at once."""

from datetime import datetime
from uuid import UUID

import pytest

from tenantry.core import tenancy
from tenantry.core.errors import InvalidInput, NotFound
from tenantry.journeys.onboarding import queries, services
from tenantry.journeys.onboarding.errors import DomainInvalid, DomainListed, NoteMissing
from tenantry.journeys.onboarding.models import DictionaryEntry
from tenantry.ledger.audit.models import AuditEntry

ACTOR = "operator:0"


def add(now: datetime, **given: str) -> DictionaryEntry:
    asked = {"domain": "hanbit.kr", "rule": "allow", "note": "a customer", **given}
    return services.add_domain(actor=ACTOR, now=now, **asked)


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("hanbit.kr", "hanbit.kr"),
        (" @Hanbit.KR. ", "hanbit.kr"),
        ("한빛.kr", "xn--xx3br43b.kr"),
        ("mail.hanbit.co.kr", "mail.hanbit.co.kr"),
    ],
)
def test_domain_is_kept_in_one_form(db: None, now: datetime, typed: str, domain: str) -> None:
    entry = add(now, domain=typed)

    assert (entry.domain, entry.rule, entry.by) == (domain, "allow", ACTOR)
    assert list(queries.list_dictionary()) == [entry]
    assert queries.get_dictionary_entry(entry.id) == entry


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"domain": ""}, DomainInvalid),
        ({"domain": "hanbit"}, DomainInvalid),
        ({"domain": "kim@hanbit.kr"}, DomainInvalid),
        ({"domain": "co.kr"}, DomainInvalid),
        ({"rule": "perhaps"}, InvalidInput),
        ({"note": "  "}, NoteMissing),
    ],
)
def test_line_that_makes_no_sense_is_refused(
    db: None, now: datetime, given: dict[str, str], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        add(now, **given)

    assert list(queries.list_dictionary()) == []


def test_domain_is_listed_once(db: None, now: datetime) -> None:
    add(now)

    with pytest.raises(DomainListed):
        add(now, domain="HANBIT.kr", rule="deny")
    assert queries.find_rule(["x.hanbit.kr", "hanbit.kr"]) == queries.list_dictionary()[0]
    assert queries.find_rule(["x.hanbit.kr"]) is None


def test_every_change_is_at_work_and_in_the_books(db: None, now: datetime) -> None:
    entry = add(now)
    assert services.explain("kim@hanbit.kr").verdict.verdicts[2].code == "DICTIONARY_ALLOW"
    services.change_domain(entry_id=entry.id, rule="deny", note="spam", actor="operator:1", now=now)
    assert services.explain("kim@hanbit.kr").verdict.code == "DICTIONARY_DENY"
    services.remove_domain(entry_id=entry.id, note="a mistake", actor="operator:1", now=now)
    assert services.explain("kim@hanbit.kr").verdict.code == "COMPANY"

    with tenancy.platform("look"):
        told = AuditEntry.objects.filter(target_id=str(entry.id)).order_by("seq")
        assert [(line.action, line.actor, line.reason, line.facts) for line in told] == [
            (
                "onboarding.domain.added",
                ACTOR,
                "a customer",
                {"domain": "hanbit.kr", "to": "allow"},
            ),
            (
                "onboarding.domain.changed",
                "operator:1",
                "spam",
                {"domain": "hanbit.kr", "from": "allow", "to": "deny"},
            ),
            (
                "onboarding.domain.removed",
                "operator:1",
                "a mistake",
                {"domain": "hanbit.kr", "from": "deny"},
            ),
        ]


def test_missing_line_is_not_found(db: None, now: datetime) -> None:
    nobody = UUID(int=7)

    with pytest.raises(NotFound):
        services.change_domain(entry_id=nobody, rule="deny", note="x", actor=ACTOR, now=now)
    with pytest.raises(NotFound):
        services.remove_domain(entry_id=nobody, note="x", actor=ACTOR, now=now)
    with pytest.raises(NotFound):
        queries.get_dictionary_entry(nobody)


def test_change_and_removal_need_a_note(db: None, now: datetime) -> None:
    entry = add(now)

    with pytest.raises(NoteMissing):
        services.change_domain(entry_id=entry.id, rule="deny", note="", actor=ACTOR, now=now)
    with pytest.raises(NoteMissing):
        services.remove_domain(entry_id=entry.id, note=" ", actor=ACTOR, now=now)
    assert queries.get_dictionary_entry(entry.id).rule == "allow"
