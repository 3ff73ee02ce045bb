"""What name servers and lists are made to say, over real sockets; and that nothing of it raises."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import dns.name
import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenantry.journeys.onboarding import lists, name_servers
from tenantry.journeys.onboarding.addresses import Address, Problem, parse
from tenantry.journeys.onboarding.evidence import gather
from tenantry.journeys.onboarding.name_servers import BUDGET_SECONDS, mail_path
from tenantry.journeys.onboarding.states import DictionaryRule
from tenantry.journeys.onboarding.verdicts import Evidence, MailPath
from tests.journeys.onboarding.name_server import GARBAGE, REFUSED, SERVFAIL, SILENT, NameServer

HOST = "hanbit.kr"


@pytest.mark.parametrize(
    ("records", "path", "host"),
    [
        ({"MX": ["10 mx1.hanbit.kr.", "5 MX2.hanbit.kr."]}, MailPath.MX, "mx2.hanbit.kr"),
        ({"MX": ["0 ."]}, MailPath.NULL_MX, ""),
        ({"MX": ["0 .", "10 mx.hanbit.kr."]}, MailPath.MX, "mx.hanbit.kr"),
        ({"A": ["192.0.2.1"]}, MailPath.ADDRESS, HOST),
        ({"AAAA": ["2001:db8::1"]}, MailPath.ADDRESS, HOST),
        ({"TXT": ['"v=spf1 -all"']}, MailPath.MISSING, ""),
        ({"NS": ["ns.hanbit.kr."], "A": [SERVFAIL]}, MailPath.UNKNOWN, ""),
        ({"MX": [SERVFAIL]}, MailPath.UNKNOWN, ""),
        ({"MX": [SERVFAIL], "A": ["192.0.2.1"]}, MailPath.UNKNOWN, ""),
        ({"MX": [REFUSED]}, MailPath.UNKNOWN, ""),
        ({"CNAME": ["hanbit.kr."]}, MailPath.UNKNOWN, ""),
        ({}, MailPath.MISSING, ""),
    ],
    ids=[
        "mx", "null mx", "root among others", "a", "aaaa", "no mail", "a servfail", "servfail",
        "servfail with a", "refused", "loop", "no domain",
    ],
)  # fmt: skip
def test_mail_path_is_what_name_servers_say(
    names: NameServer, records: dict[str, list[str]], path: MailPath, host: str
) -> None:
    names.is_generous = False
    names.records |= {(HOST, kind): said for kind, said in records.items()}

    assert mail_path(HOST) == (path, host)


def test_alias_of_a_domain_is_followed(names: NameServer) -> None:
    names.records[HOST, "CNAME"] = ["hanbit.example."]
    names.records["hanbit.example", "MX"] = ["10 mx.example."]

    assert mail_path(HOST) == (MailPath.MX, "mx.example")


@pytest.mark.parametrize("said", [SILENT, GARBAGE])
def test_silence_is_unknown_and_costs_the_budget_at_most(names: NameServer, said: str) -> None:
    names.records[HOST, "MX"] = [said]
    start = time.monotonic()

    assert mail_path(HOST) == (MailPath.UNKNOWN, "")
    assert time.monotonic() - start < BUDGET_SECONDS + 0.5


def test_budget_is_for_all_questions_together(names: NameServer) -> None:
    names.records |= {
        (HOST, "TXT"): ['"here"'],
        (HOST, "A"): [SILENT],
        (HOST, "AAAA"): [SILENT],
    }
    names.is_generous = False
    start = time.monotonic()

    assert mail_path(HOST) == (MailPath.UNKNOWN, "")
    assert time.monotonic() - start < BUDGET_SECONDS + 0.5


def test_nobody_at_the_address_is_unknown(settings: LazySettings) -> None:
    settings.NAME_SERVERS = ["127.0.0.1:1"]

    assert mail_path(HOST) == (MailPath.UNKNOWN, "")


@pytest.mark.parametrize(
    ("server", "asked"),
    [
        ("192.0.2.1", "Do53:192.0.2.1@53"),
        ("192.0.2.1:5353", "Do53:192.0.2.1@5353"),
        ("2001:db8::1", "Do53:2001:db8::1@53"),
        ("[2001:db8::1]:5353", "Do53:2001:db8::1@5353"),
    ],
)
def test_servers_are_read_as_written(server: str, asked: str) -> None:
    (made,) = name_servers.resolver((server,)).nameservers

    assert str(made) == asked


def test_answers_are_remembered(names: NameServer) -> None:
    names.records["none.kr", "TXT"] = ['"here"']
    for _time in range(3):
        mail_path(HOST)
        mail_path("none.kr")
        mail_path("missing.example")
    asked = list(names.questions)

    assert sorted(asked) == sorted(set(asked))


def test_search_list_of_the_machine_is_not_used(names: NameServer) -> None:
    names.is_generous = False
    name_servers.resolver((names.address,)).search = [dns.name.from_text("corp.example.")]

    assert mail_path(HOST) == (MailPath.MISSING, "")
    assert names.questions == [(HOST, "MX"), ("com", "NS")]


def address(typed: str) -> Address:
    read = parse(typed)
    assert isinstance(read, Address)
    return read


def test_evidence_holds_everything(db: None, names: NameServer) -> None:
    gathered = gather(address("kim@mail.hanbit.co.kr"))

    assert gathered.evidence == Evidence(
        domain="mail.hanbit.co.kr",
        registrable="hanbit.co.kr",
        mail=MailPath.MX,
        mail_host="mx.mail.hanbit.co.kr",
        list_versions={
            "public_suffix": lists.suffix_version(),
            "disposable": lists.disposable().version,
            "free_mail": "2026-11-22",
        },
    )
    assert {"domain", "dictionary", "disposable", "free_mail", "mx"} <= set(gathered.latencies)
    assert all(0 <= taken < 2500 for taken in gathered.latencies.values())


def test_what_is_no_address_asks_nobody(names: NameServer) -> None:
    gathered = gather(Problem.NO_AT)

    assert gathered.evidence == Evidence(problem="no_at")
    assert names.questions == []


def test_parents_are_looked_up_too(db: None) -> None:
    assert gather(address("x@sub.mailinator.com")).evidence.disposable is True
    assert gather(address("x@sub.naver.com")).evidence.free is True
    assert gather(address("x@notnaver.com")).evidence.free is False


def test_mail_server_of_a_throw_away_provider_is_seen(db: None, names: NameServer) -> None:
    names.records[HOST, "MX"] = ["10 mx.mailinator.com."]

    assert gather(address(f"kim@{HOST}")).evidence.mail_host_disposable is True


def broken(*_given: object) -> object:
    raise RuntimeError


@pytest.mark.parametrize(
    ("target", "unknown"),
    [
        ("lists.registrable", {"registrable": None}),
        ("lists.disposable", {"disposable": None, "list_versions": {}}),
        ("lists.free_mail", {"free": None, "list_versions": {}}),
        ("queries.find_rule", {"dictionary_read": False}),
        ("name_servers.mail_path", {"mail": MailPath.UNKNOWN, "mail_host": ""}),
    ],
)
def test_stage_that_fails_leaves_its_part_unknown(
    db: None, monkeypatch: pytest.MonkeyPatch, target: str, unknown: dict[str, object]
) -> None:
    whole = gather(address("kim@hanbit.kr")).evidence
    monkeypatch.setattr(f"tenantry.journeys.onboarding.{target}", broken)

    found = gather(address("kim@hanbit.kr")).evidence

    changed = {
        field.name: getattr(found, field.name)
        for field in fields(Evidence)
        if getattr(found, field.name) != getattr(whole, field.name)
    }
    assert changed == unknown


def test_dictionary_is_one_question(db: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        gather(address("kim@a.b.c.hanbit.co.kr"))

    assert len(asked) == 1


def test_dictionary_rule_of_the_longest_name_counts(
    db: None, list_domain: Callable[[str, DictionaryRule], None]
) -> None:
    list_domain("hanbit.co.kr", DictionaryRule.DENY)
    list_domain("seoul.hanbit.co.kr", DictionaryRule.ALLOW)

    def ruled(typed: str) -> tuple[DictionaryRule | None, str]:
        found = gather(address(typed)).evidence
        return found.rule, found.rule_domain

    assert ruled("k@mail.seoul.hanbit.co.kr") == (DictionaryRule.ALLOW, "seoul.hanbit.co.kr")
    assert ruled("k@busan.hanbit.co.kr") == (DictionaryRule.DENY, "hanbit.co.kr")
    assert ruled("k@xhanbit.co.kr") == (None, "")


def test_many_ask_at_once(names: NameServer) -> None:
    domains = [f"c{number % 8}.kr" for number in range(64)]
    with ThreadPoolExecutor(max_workers=64) as threads:
        answers = list(threads.map(mail_path, domains))

    assert answers == [(MailPath.MX, f"mx.{domain}") for domain in domains]


def test_a_network_without_the_world_says_nothing_about_a_domain(names: NameServer) -> None:
    names.is_generous, names.others = False, frozenset()
    assert mail_path(HOST) == (MailPath.UNKNOWN, "")
