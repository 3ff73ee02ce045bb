"""Policies: what may be set, what holds, and who hears of it."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction

from tenantry.core import tenancy
from tenantry.core.live import Listener
from tenantry.governance.policies import queries, services
from tenantry.governance.policies.errors import (
    PolicyInvalid,
    PolicyReasonMissing,
    PolicyUnknown,
)
from tenantry.governance.policies.models import Policy
from tenantry.governance.policies.registry import RULES, Value, rule_of
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tests.probes import at_once

ACTOR = "operator:0"


def set_limit(value: Value, now: datetime, *, reason: str = "calmer days") -> int:
    return services.set_policy(
        key="schedules.daily_limit", value=value, reason=reason, actor=ACTOR, now=now
    )


@pytest.mark.parametrize("key", RULES)
def test_default_is_allowed_by_its_own_rule(key: str) -> None:
    rule = rule_of(key)

    assert rule.accept(rule.default) == rule.default
    assert rule.parse(str(rule.default)) == rule.default


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schedules.daily_limit", 0),
        ("schedules.daily_limit", 101),
        ("schedules.daily_limit", "10"),
        ("schedules.daily_limit", True),
        ("schedules.daily_limit", 1.5),
        ("schedules.daily_limit", None),
        ("schedules.review", "sometimes"),
        ("schedules.review", 1),
        ("sessions.accept_expiring", 1),
        ("sessions.accept_expiring", "yes"),
    ],
)
def test_rule_refuses_what_is_out_of_bounds(key: str, value: object) -> None:
    with pytest.raises(PolicyInvalid) as refusal:
        rule_of(key).accept(value)

    assert str(rule_of(key).allowed) in refusal.value.remedy_text()


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("schedules.daily_limit", " 7 ", 7),
        ("sessions.accept_expiring", "False", False),
        ("schedules.review", "none", "none"),
    ],
)
def test_rule_parses_form_text(key: str, text: str, value: Value) -> None:
    assert rule_of(key).parse(text) == value


@pytest.mark.parametrize("text", ["", "-1", "1000", "1e3", "seven"])
def test_rule_refuses_text_that_is_no_number(text: str) -> None:
    with pytest.raises(PolicyInvalid):
        rule_of("schedules.daily_limit").parse(text)


def test_value_is_the_default_before_it_is_set(db: None) -> None:
    assert queries.number("schedules.daily_limit") == 10
    assert queries.choice("schedules.review") == "first_and_changed"
    assert queries.flag("sessions.accept_expiring") is True
    assert queries.version() == 0


def test_set_policy_holds_from_then_on_and_is_in_the_books(db: None, now: datetime) -> None:
    first = set_limit(7, now)
    second = set_limit(8, now + timedelta(hours=1))

    assert (first, second) == (1, 2)
    assert queries.number("schedules.daily_limit") == 8
    assert queries.version() == 2
    assert [(row.value, row.version) for row in queries.list_versions("schedules.daily_limit")] == [
        (8, 2),
        (7, 1),
    ]
    with tenancy.platform("look"):
        entry = AuditEntry.objects.filter(action=Action.POLICIES_POLICY_SET).latest("seq")
    assert (entry.actor, entry.reason) == (ACTOR, "calmer days")
    assert entry.facts == {"from": 7, "to": 8, "version": 2}


def test_version_counts_over_all_policies(db: None, now: datetime) -> None:
    set_limit(7, now)
    version = services.set_policy(
        key="schedules.review", value="all", reason="new market", actor=ACTOR, now=now
    )

    assert version == queries.version() == 2


def test_setting_the_present_value_changes_nothing(db: None, now: datetime) -> None:
    assert set_limit(10, now) == 0
    assert Policy.objects.count() == 0


def test_set_policy_refuses_unknown_wrong_and_unexplained(db: None, now: datetime) -> None:
    with pytest.raises(PolicyUnknown):
        services.set_policy(key="no.such", value=1, reason="why", actor=ACTOR, now=now)
    with pytest.raises(PolicyInvalid):
        set_limit(0, now)
    with pytest.raises(PolicyReasonMissing):
        set_limit(7, now, reason="  ")
    with pytest.raises(PolicyUnknown):
        queries.value("no.such")

    assert Policy.objects.count() == 0


@pytest.mark.parametrize(
    "statement", ["UPDATE policies_policy SET value = '9'", "DELETE FROM policies_policy"]
)
def test_versions_are_never_changed(db: None, now: datetime, statement: str) -> None:
    set_limit(7, now)

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    listener.start()
    assert listener.wait_ready(5)
    yield listener
    listener.stop()


@pytest.mark.django_db(transaction=True)
def test_another_process_hears_of_a_new_value(listener: Listener, now: datetime) -> None:
    heard: list[float] = []
    queries.watch(listener)
    listener.on(queries.TOPIC, lambda _topic, _facts: heard.append(time.monotonic()))

    set_limit(7, now)

    until = time.monotonic() + 5
    while not heard and time.monotonic() < until:
        time.sleep(0.01)
    assert len(heard) == 1
    assert queries._cached is None


@pytest.mark.django_db(transaction=True)
def test_parallel_changes_get_versions_of_their_own(now: datetime) -> None:
    versions = at_once([partial(set_limit, value, now) for value in range(11, 27)])

    assert sorted(versions, key=str) == sorted(range(1, 17), key=str)
    assert queries.version() == 16
