"""How codes look, and which networks count as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.customers.accounts import codes
from tenantry.customers.accounts.networks import network_of

CODES = st.text(codes.ALPHABET, min_size=codes.LENGTH, max_size=codes.LENGTH)


def test_alphabet_has_twenty_letters_and_no_vowels() -> None:
    assert len(set(codes.ALPHABET)) == 20
    assert set(codes.ALPHABET) & set("AEIOUY01") == set()


def test_codes_are_made_of_the_alphabet_and_differ() -> None:
    made = {codes.make() for _ in range(200)}

    assert len(made) == 200
    assert all(codes.normalized(code) == code for code in made)


@given(CODES, st.sampled_from(["-", " ", "", " \u2013 ", "\u200b", ".", "\t"]), st.booleans())
def test_reading_forgives_case_dashes_and_spaces(code: str, gap: str, lower: bool) -> None:
    typed = f" {code[:4]}{gap}{code[4:]}\n"

    assert codes.normalized(typed.lower() if lower else typed) == code
    assert codes.normalized(codes.shown(code)) == code


def test_reading_forgives_full_width_letters() -> None:
    assert codes.normalized("ＢＣＤＦ－ＧＨＪＫ") == "BCDFGHJK"  # noqa: RUF001  # full width


@pytest.mark.parametrize(
    "typed", ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-EFGH", "12345678", "B" * 1000, "BCDF%GHJK", "\0"]
)
def test_reading_refuses_what_is_no_code(typed: str) -> None:
    assert codes.normalized(typed) == ""


@given(st.text())
def test_reading_never_fails(typed: str) -> None:
    assert codes.normalized(typed) in {"", codes.normalized(codes.normalized(typed))}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("203.0.113.250", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::", "2001:db8:1::/48"),
        ("", "unknown"),
        ("proxy, 203.0.113.9", "unknown"),
    ],
)
def test_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network
