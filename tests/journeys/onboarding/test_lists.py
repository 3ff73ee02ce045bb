"""The lists against domains that people know: nearly all right, and no company is ever refused."""

import time
from collections import Counter
from pathlib import Path

import pytest

from tenantry.journeys.onboarding import lists
from tenantry.journeys.onboarding.addresses import Address, parse, parse_domain
from tenantry.journeys.onboarding.evidence import gather
from tenantry.journeys.onboarding.states import Outcome, VerdictKind
from tenantry.journeys.onboarding.verdicts import TrialPolicy, TrialVerdict, judge

ASK = TrialPolicy(free=Outcome.APPROVAL, unknown=Outcome.APPROVAL)


def labelled() -> list[tuple[str, str]]:
    path = Path(__file__).with_name("labelled_domains.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return [(domain, kind) for kind, domain in pairs]


def judged(domain: str) -> TrialVerdict:
    address = parse(f"someone@{domain}")
    assert isinstance(address, Address)
    return judge(gather(address).evidence, ASK)


def test_labelled_domains_are_judged_right(db: None) -> None:
    domains = labelled()
    wrong = [
        (domain, kind, found) for domain, kind in domains if (found := judged(domain).kind) != kind
    ]

    assert len(domains) >= 300
    assert min(Counter(kind for _domain, kind in domains).values()) >= 50
    assert len(wrong) <= len(domains) // 100, wrong
    # A company is let in or looked at, never refused.
    assert [line for line in wrong if line[1] == "company" and line[2] != VerdictKind.FREE] == []


def test_free_mail_list_says_what_it_is() -> None:
    text = (Path(lists.__file__).parent / "data/free_mail.txt").read_text(encoding="utf-8")
    head = text.split("\n\n")[0]

    assert {"# version:", "# source:", "# licence:"} <= {
        " ".join(line.split()[:2]) for line in head.splitlines()
    }
    assert lists.free_mail().version == "2026-11-22"


def test_free_mail_list_is_in_one_form() -> None:
    domains = lists.free_mail().domains

    assert len(domains) > 500
    assert [name for name in domains if parse_domain(name) != name] == []
    assert [name for name in domains if not lists.registrable(name)] == []


def test_portals_are_no_throw_away_addresses() -> None:
    assert lists.free_mail().domains & lists.disposable().domains == frozenset()
    assert len(lists.disposable().domains) > 5_000


@pytest.mark.parametrize(
    ("domain", "registrable"),
    [
        ("mail.hanbit.co.kr", "hanbit.co.kr"),
        ("hanbit.kr", "hanbit.kr"),
        ("co.kr", ""),
        ("seoul.kr", ""),
        ("x.github.io", "x.github.io"),
        ("a.b.madeup", "b.madeup"),
        ("xn--xx3br43b.xn--3e0b707e", "xn--xx3br43b.xn--3e0b707e"),
    ],
)
def test_registrable_domain(domain: str, registrable: str) -> None:
    assert lists.registrable(domain) == registrable


def test_names_are_read_with_their_version() -> None:
    names = lists.read_names("# hello\n# version: 7\n\nnaver.com\n # remark\n daum.net \n")

    assert names == lists.Names("7", frozenset({"naver.com", "daum.net"}))
    assert lists.read_names("naver.com").version == ""


def test_lists_answer_at_once(db: None) -> None:
    judged("hanbit.kr")
    start = time.perf_counter()
    for _time in range(50):
        judged("hanbit.kr")

    # The bench case `verdict` measures; this only sees a list that is read anew each time.
    assert (time.perf_counter() - start) / 50 < 0.05
