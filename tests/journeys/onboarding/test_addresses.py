"""Addresses: one form each, one key per mailbox, and what is none says why."""

import pytest
from django.core.validators import validate_email
from hypothesis import given
from hypothesis import strategies as st

from tenantry.customers.accounts.queries import canonical
from tenantry.journeys.onboarding.addresses import (
    Address,
    Problem,
    is_look_alike,
    parse,
    parse_domain,
    shown_domain,
    with_parents,
)
from tenantry.journeys.onboarding.explanations import PROBLEMS

LOCALS = st.from_regex(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}(\.[a-z0-9+_-]{1,8}){0,2}", fullmatch=True
)
LABELS = st.from_regex(r"[a-z]([a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
DOMAINS = st.lists(LABELS, min_size=2, max_size=4).map(".".join).filter(parse_domain)


def read(typed: str) -> str:
    address = parse(typed)
    assert isinstance(address, Address), address
    return address.normal


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("kim@hanbit.kr", "kim@hanbit.kr"),
        ("  Kim@HanBit.KR \n", "kim@hanbit.kr"),
        ("kim@hanbit.kr.", "kim@hanbit.kr"),
        ("\u200bkim@hanbit.kr\ufeff", "kim@hanbit.kr"),
        ("ｋｉｍ＠ｈａｎｂｉｔ．ｋｒ", "kim@hanbit.kr"),  # noqa: RUF001  # full width
        ("kim@hanbit。kr", "kim@hanbit.kr"),
        ("kim@한빛.kr", "kim@xn--xx3br43b.kr"),
        ("kim@XN--XX3BR43B.kr", "kim@xn--xx3br43b.kr"),
        ("info@MÜNCHEN.de", "info@xn--mnchen-3ya.de"),
        ("info@straße.de", "info@xn--strae-oqa.de"),
        ("taro@会社.co.jp", "taro@xn--6oq404h.co.jp"),
        ('"kim"@hanbit.kr', "kim@hanbit.kr"),
        ('"k\\im"@hanbit.kr', "kim@hanbit.kr"),
        ("o'brien+trial@mail.hanbit.co.kr", "o'brien+trial@mail.hanbit.co.kr"),
        (f"{'a' * 64}@hanbit.kr", f"{'a' * 64}@hanbit.kr"),
        ("a@b-c.example", "a@b-c.example"),
        ("kim@163.com", "kim@163.com"),
    ],
)
def test_address_has_one_form(typed: str, normal: str) -> None:
    assert read(typed) == normal


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", Problem.EMPTY),
        (" \u200b\t", Problem.EMPTY),
        ("hanbit.kr", Problem.NO_AT),
        ("kim", Problem.NO_AT),
        ("@hanbit.kr", Problem.LOCAL),
        ("kim@", Problem.DOMAIN),
        ("kim@hanbit", Problem.DOMAIN),
        ("kim@localhost", Problem.DOMAIN),
        ("kim@.kr", Problem.DOMAIN),
        ("kim@hanbit..kr", Problem.DOMAIN),
        ("kim@hanbit.kr..", Problem.DOMAIN),
        ("kim@-hanbit.kr", Problem.DOMAIN),
        ("kim@han_bit.kr", Problem.DOMAIN),
        ("kim@han bit.kr", Problem.DOMAIN),
        ("kim@[192.0.2.1]", Problem.DOMAIN),
        ("kim@192.0.2.1", Problem.DOMAIN),
        ("kim@hanbit.kr, lee@hanbit.kr", Problem.LOCAL),
        ("kim@lee@hanbit.kr", Problem.LOCAL),
        (".kim@hanbit.kr", Problem.LOCAL),
        ("kim.@hanbit.kr", Problem.LOCAL),
        ("kim..lee@hanbit.kr", Problem.LOCAL),
        ("kim lee@hanbit.kr", Problem.LOCAL),
        ("Kim <kim@hanbit.kr>", Problem.LOCAL),
        ('"kim lee"@hanbit.kr', Problem.LOCAL_SPECIAL),
        ('"kim@lee"@hanbit.kr', Problem.LOCAL_SPECIAL),
        ('""@hanbit.kr', Problem.LOCAL_SPECIAL),
        ("김@hanbit.kr", Problem.LOCAL_UNICODE),
        ("①@hanbit.kr", Problem.LOCAL_UNICODE),
        ("kim@hanbit.kr\nBcc: lee@hanbit.kr", Problem.CONTROL),
        ("kim@hanbit.kr\r\nSubject: hello", Problem.CONTROL),
        ("kim\x00@hanbit.kr", Problem.CONTROL),
        ("kim\u2028@hanbit.kr", Problem.CONTROL),
        (f"{'a' * 65}@hanbit.kr", Problem.TOO_LONG),
        (f"{'a' * 60}@{'.'.join(['b' * 60] * 3)}.{'c' * 30}", Problem.TOO_LONG),
        (f"a@{'.'.join(['b' * 60] * 5)}.kr", Problem.DOMAIN),
        (f"a@{'b' * 64}.kr", Problem.DOMAIN),
        ("a" * 300, Problem.NO_AT),
        (f"{'a' * 300}@hanbit.kr", Problem.TOO_LONG),
        ("a" * 100_000, Problem.TOO_LONG),
        ("kim@xn--a.kr", Problem.DOMAIN),
    ],
)
def test_what_is_no_address_says_why(typed: str, problem: Problem) -> None:
    assert parse(typed) is problem
    assert str(PROBLEMS[problem]).endswith(".")


def test_every_problem_has_words() -> None:
    assert set(PROBLEMS) == set(Problem)


# Text that comes near to an address now and then.
NEARLY = st.lists(
    st.sampled_from(["a", "B", "9", ".", "@", '"', "\\", " ", "-", "한", "kr", "xn--"])
)


@given(st.text() | NEARLY.map("".join) | NEARLY.map(lambda parts: f"{''.join(parts)}@ab.kr"))
def test_reading_is_total_and_settles(typed: str) -> None:
    address = parse(typed)

    if isinstance(address, Address):
        assert parse(address.normal) == address
        assert address.normal.isascii()
        assert not any(character.isspace() for character in address.normal)
        validate_email(address.normal)
        assert canonical(address.normal) == address.normal


@given(LOCALS, DOMAINS, st.sampled_from([" ", "", "\u200b", "\n"]), st.booleans(), st.booleans())
def test_equal_addresses_read_equal(
    local: str, domain: str, blank: str, upper: bool, dot: bool
) -> None:
    plain = f"{local}@{domain}"
    typed = f"{blank}{plain.upper() if upper else plain}{'.' if dot else ''}{blank}"

    assert read(typed) == read(plain) == plain


@given(LOCALS, LOCALS, DOMAINS)
def test_distinct_mailboxes_keep_apart(first: str, second: str, domain: str) -> None:
    one, other = parse(f"{first}@{domain}"), parse(f"{second}@{domain}")

    assert isinstance(one, Address)
    assert isinstance(other, Address)
    # Elsewhere than at the few known providers nothing is merged.
    assert (one.mailbox == other.mailbox) is (first == second)


@pytest.mark.parametrize(
    ("alias", "mailbox"),
    [
        ("k.i.m+x@gmail.com", "kim@gmail.com"),
        ("Kim@googlemail.com", "kim@gmail.com"),
        ("kim+a+b@outlook.com", "kim@outlook.com"),
        ("k.im@outlook.com", "k.im@outlook.com"),
        ("kim+a@icloud.com", "kim@icloud.com"),
        ("kim+a@naver.com", "kim+a@naver.com"),
        ("kim+a@hanbit.kr", "kim+a@hanbit.kr"),
        ("k.im@hanbit.kr", "k.im@hanbit.kr"),
        ("+@gmail.com", "+@gmail.com"),
    ],
)
def test_mailbox_is_one_for_known_aliases_only(alias: str, mailbox: str) -> None:
    address = parse(alias)

    assert isinstance(address, Address)
    assert address.mailbox == mailbox


@pytest.mark.parametrize(
    ("domain", "looks_alike"),
    [
        ("naver.com", False),
        ("nаver.com", True),  # noqa: RUF001  # a Cyrillic letter
        ("gοοgle.com", True),  # noqa: RUF001  # Greek letters
        ("яндекс.рф", False),  # all Cyrillic
        ("한빛mall.kr", False),
        ("東京cafe.jp", False),
        ("münchen.de", False),
    ],
)
def test_mixed_alphabets_are_seen(domain: str, looks_alike: bool) -> None:
    assert is_look_alike(parse_domain(domain)) is looks_alike


def test_homograph_is_another_domain() -> None:
    assert parse_domain("nаver.com") != parse_domain("naver.com")  # noqa: RUF001  # Cyrillic


def test_domain_is_shown_as_written() -> None:
    assert shown_domain(parse_domain("한빛.kr")) == "한빛.kr"
    assert shown_domain("xn--a.kr") == "xn--a.kr"


@pytest.mark.parametrize(
    ("domain", "registrable", "names"),
    [
        ("mail.seoul.hanbit.co.kr", "hanbit.co.kr",
         ("mail.seoul.hanbit.co.kr", "seoul.hanbit.co.kr", "hanbit.co.kr")),
        ("hanbit.co.kr", "hanbit.co.kr", ("hanbit.co.kr",)),
        ("co.kr", "", ("co.kr",)),
        ("hanbit.kr", "daon.kr", ("hanbit.kr",)),
    ],
)  # fmt: skip
def test_parents_end_at_the_registered_name(
    domain: str, registrable: str, names: tuple[str, ...]
) -> None:
    assert with_parents(domain, registrable) == names
