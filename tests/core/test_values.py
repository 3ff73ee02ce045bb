"""Identifiers, money, gates, lifecycles and refusals: the values everything is made of."""

import time
from uuid import RFC_4122

import pytest
from django.db.models import TextChoices
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from tenantry.core import gates, ids, states
from tenantry.core.errors import DomainError, InvalidInput, NotFound
from tenantry.core.money import Money


class Light(TextChoices):
    RED = "RED"
    GREEN = "GREEN"
    OFF = "OFF"


def test_uuid7_sorts_by_creation_and_says_version_seven() -> None:
    before = time.time_ns() // 1_000_000
    made = [ids.uuid7() for _ in range(1_000)]
    after = time.time_ns() // 1_000_000
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
    assert before <= made[0].int >> 80 <= made[-1].int >> 80 <= after
    assert made == sorted(made)


def test_uuid7_never_repeats() -> None:
    assert len({ids.uuid7() for _ in range(10_000)}) == 10_000


def test_short_id_fits_in_a_host_name() -> None:
    names = {ids.short_id() for _ in range(1_000)}
    assert len(names) == 1_000
    assert all(len(name) == 10 and name[0].isalpha() and name.isalnum() for name in names)
    assert all(name == name.lower() for name in names)


@given(st.integers(min_value=-(10**12), max_value=10**12), st.integers(-(10**12), 10**12))
def test_money_adds_in_minor_units(first: int, second: int) -> None:
    total = Money(amount=first, currency="SGD") + Money(amount=second, currency="SGD")
    assert total == Money(amount=first + second, currency="SGD")


def test_money_refuses_to_mix_currencies() -> None:
    with pytest.raises(ValueError, match="cannot add KRW to SGD"):
        Money(amount=1, currency="SGD") + Money(amount=1, currency="KRW")


@pytest.mark.parametrize("currency", ["usd", "US", "EURO", "U$D", ""])
def test_money_refuses_what_is_no_currency(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(amount=1, currency=currency)


@pytest.mark.parametrize(
    ("money", "shown"),
    [
        (Money(amount=1250, currency="SGD"), "12.50 SGD"),
        (Money(amount=1250, currency="KRW"), "1250 KRW"),
        (Money(amount=-5, currency="USD"), "-0.05 USD"),
    ],
)
def test_money_shows_the_currency_s_own_digits(money: Money, shown: str) -> None:
    assert str(money) == shown


def test_moves_must_name_every_state() -> None:
    incomplete: states.Moves = {Light.RED: frozenset({Light.GREEN}), Light.GREEN: frozenset()}
    with pytest.raises(ValueError, match="OFF"):
        states.check_moves(Light, incomplete)


def test_moves_must_not_name_unknown_states() -> None:
    table: states.Moves = {
        Light.RED: frozenset({"BLUE"}),
        Light.GREEN: frozenset(),
        Light.OFF: frozenset(),
    }
    with pytest.raises(ValueError, match="BLUE"):
        states.check_moves(Light, table)


def test_terminal_states_are_those_without_moves() -> None:
    table: states.Moves = {
        Light.RED: frozenset({Light.OFF}),
        Light.GREEN: frozenset(),
        Light.OFF: frozenset(),
    }
    assert states.terminal(states.check_moves(Light, table)) == {Light.GREEN, Light.OFF}


def test_an_illegal_move_is_refused_by_name() -> None:
    table: states.Moves = {
        Light.RED: frozenset({Light.GREEN}),
        Light.GREEN: frozenset(),
        Light.OFF: frozenset(),
    }
    states.require_move(table, source=Light.RED, target=Light.GREEN)
    with pytest.raises(states.IllegalMove) as refusal:
        states.require_move(table, source=Light.GREEN, target=Light.RED)
    assert refusal.value.text() == "This is GREEN and cannot become RED."


def gate(name: str, *, is_open: bool) -> gates.Verdict:
    return gates.Verdict(gate=name, code=name.upper(), open=is_open, facts={"at": name})


@given(st.lists(st.booleans(), max_size=8))
def test_every_gate_is_asked_and_the_first_closed_one_is_the_reason(answers: list[bool]) -> None:
    chain = [lambda _given, n=n, a=a: gate(str(n), is_open=a) for n, a in enumerate(answers)]
    verdicts = gates.evaluate(chain, None)
    assert [verdict.open for verdict in verdicts] == answers
    expected = answers.index(False) if False in answers else None
    first = gates.first_closed(verdicts)
    assert (int(first.gate) if first else None) == expected


def test_a_verdict_survives_its_stored_form() -> None:
    verdict = gate("limit", is_open=False)
    assert gates.Verdict.from_json(verdict.as_json()) == verdict


def test_a_refusal_says_cause_and_remedy_with_its_facts() -> None:
    refusal = InvalidInput(field="zone")
    assert refusal.text() == "The value of zone cannot be used."
    assert refusal.problem(trace_id="a" * 32, instance="/x") == {
        "type": "urn:tenantry:problem:invalid_input",
        "title": "The value of zone cannot be used.",
        "status": 422,
        "detail": "Correct it and send the form again.",
        "code": "invalid_input",
        "instance": "/x",
        "trace_id": "a" * 32,
    }


def test_every_refusal_has_words_and_a_client_or_server_status() -> None:
    def leaves(kind: type[DomainError]) -> list[type[DomainError]]:
        return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]

    with translation.override("en"):
        for kind in leaves(DomainError):
            assert str(kind.message), kind
            assert str(kind.remedy), kind
            assert 400 <= kind.http_status <= 599, kind


def test_missing_and_foreign_look_the_same() -> None:
    assert NotFound().problem() == NotFound(secret="x").problem()
