"""The brain: defined for everything, deterministic, and never kinder for one more reason."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantry.core.gates import Verdict
from tenantry.journeys.onboarding.explanations import EXPLANATIONS, GATE_NAMES, tell
from tenantry.journeys.onboarding.states import DictionaryRule, Outcome, VerdictKind
from tenantry.journeys.onboarding.verdicts import (
    ALL_OPEN,
    GATES,
    KINDS,
    STRICTNESS,
    Evidence,
    MailPath,
    TrialPolicy,
    TrialVerdict,
    judge,
    outcome_of,
)

Changes = dict[str, Any]
ASK = TrialPolicy(free=Outcome.APPROVAL, unknown=Outcome.APPROVAL)
GOOD = Evidence(
    domain="hanbit.kr", registrable="hanbit.kr", mail=MailPath.MX, mail_host="mx.hanbit.kr"
)
MAYBE = st.sampled_from([True, False, None])
POLICIES = st.builds(TrialPolicy, free=st.sampled_from(Outcome), unknown=st.sampled_from(Outcome))
EVIDENCES = st.builds(
    Evidence,
    problem=st.sampled_from(["", "no_at", "domain"]),
    domain=st.just("hanbit.kr"),
    registrable=st.sampled_from(["hanbit.kr", "", None]),
    look_alike=st.booleans(),
    dictionary_read=st.booleans(),
    rule=st.sampled_from([None, *DictionaryRule]),
    disposable=MAYBE,
    free=MAYBE,
    mail=st.sampled_from(MailPath),
    mail_host=st.sampled_from(["", "mx.hanbit.kr"]),
    mail_host_disposable=st.booleans(),
    list_versions=st.just({"disposable": "1"}),
)
# One step towards refusal each, for evidence to which it applies.
WORSE: tuple[Changes, ...] = (
    {"problem": "no_at"},
    {"registrable": ""},
    {"look_alike": True},
    {"rule": DictionaryRule.DENY},
    {"disposable": True},
    {"mail": MailPath.NULL_MX},
    {"mail": MailPath.MISSING},
    {"mail_host_disposable": True},
)


def strictness(verdict: TrialVerdict) -> int:
    return STRICTNESS.index(verdict.outcome)


def closed(verdict: TrialVerdict) -> set[str]:
    return {answer.code for answer in verdict.verdicts if not answer.open}


@given(EVIDENCES, POLICIES)
def test_judging_is_total(evidence: Evidence, policy: TrialPolicy) -> None:
    verdict = judge(evidence, policy)

    assert [answer.gate for answer in verdict.verdicts] == list(GATE_NAMES)
    assert closed(verdict) <= set(KINDS)
    assert verdict.outcome == outcome_of(verdict.kind, policy)
    assert verdict.code in closed(verdict) | {ALL_OPEN}
    assert (verdict.kind is VerdictKind.COMPANY) is (closed(verdict) == set())
    assert judge(evidence, policy) == verdict
    assert verdict.list_versions == {"disposable": "1"}


@given(EVIDENCES, POLICIES)
def test_verdict_can_be_stored_and_told(evidence: Evidence, policy: TrialPolicy) -> None:
    for answer in judge(evidence, policy).verdicts:
        assert Verdict.from_json(answer.as_json()) == answer
        told = tell(answer)
        assert (told.gate, told.code, told.open) == (answer.gate, answer.code, answer.open)
        assert told.message
        assert told.remedy


@settings(max_examples=500)
@given(EVIDENCES, EVIDENCES, POLICIES)
def test_more_reasons_never_let_in(
    evidence: Evidence, other: Evidence, policy: TrialPolicy
) -> None:
    few, many = judge(evidence, policy), judge(other, policy)

    if closed(few) <= closed(many):
        assert strictness(few) <= strictness(many)


@settings(max_examples=500)
@given(EVIDENCES.filter(lambda e: e.rule is not DictionaryRule.ALLOW), st.sampled_from(WORSE))
def test_one_reason_to_refuse_never_lets_in(evidence: Evidence, worse: Changes) -> None:
    before = judge(evidence, ASK)
    after = judge(replace(evidence, **worse), ASK)

    assert strictness(before) <= strictness(after)


@given(EVIDENCES, POLICIES, POLICIES)
def test_stricter_policy_never_lets_in(
    evidence: Evidence, one: TrialPolicy, other: TrialPolicy
) -> None:
    strict = TrialPolicy(
        free=max(one.free, other.free, key=STRICTNESS.index),
        unknown=max(one.unknown, other.unknown, key=STRICTNESS.index),
    )

    assert strictness(judge(evidence, one)) <= strictness(judge(evidence, strict))


@pytest.mark.parametrize(
    "unknown",
    [
        {"registrable": None},
        {"dictionary_read": False},
        {"disposable": None},
        {"free": None},
        {"mail": MailPath.UNKNOWN, "mail_host": ""},
        {
            "registrable": None,
            "dictionary_read": False,
            "disposable": None,
            "free": None,
            "mail": MailPath.UNKNOWN,
            "mail_host": "",
        },
    ],
)
def test_failing_stages_never_refuse_by_themselves(unknown: Changes) -> None:
    verdict = judge(replace(GOOD, **unknown), ASK)

    assert (verdict.kind, verdict.outcome) == (VerdictKind.UNKNOWN, Outcome.APPROVAL)


@pytest.mark.parametrize(
    ("changes", "kind", "outcome", "code"),
    [
        ({}, "company", "accept", "COMPANY"),
        ({"mail": MailPath.ADDRESS}, "company", "accept", "COMPANY"),
        ({"problem": "no_at"}, "undeliverable", "refuse", "SYNTAX_BAD"),
        ({"registrable": ""}, "undeliverable", "refuse", "DOMAIN_SUFFIX"),
        ({"look_alike": True}, "unknown", "approval", "DOMAIN_LOOK_ALIKE"),
        ({"rule": DictionaryRule.DENY}, "denied", "refuse", "DICTIONARY_DENY"),
        ({"rule": DictionaryRule.FREE}, "free", "approval", "DICTIONARY_FREE"),
        ({"disposable": True}, "disposable", "refuse", "DISPOSABLE"),
        ({"free": True}, "free", "approval", "FREE_MAIL"),
        ({"mail": MailPath.NULL_MX}, "undeliverable", "refuse", "MX_NULL"),
        ({"mail": MailPath.MISSING}, "undeliverable", "refuse", "MX_MISSING"),
        ({"mail": MailPath.UNKNOWN}, "unknown", "approval", "MX_UNKNOWN"),
        ({"mail_host_disposable": True}, "unknown", "approval", "MX_DISPOSABLE"),
        # The strictest counts, not the first.
        ({"free": True, "mail": MailPath.MISSING}, "undeliverable", "refuse", "MX_MISSING"),
        ({"free": True, "disposable": True}, "disposable", "refuse", "DISPOSABLE"),
        ({"free": True, "mail": MailPath.UNKNOWN}, "free", "approval", "FREE_MAIL"),
        # An operator stands above lists and name servers, not above nonsense.
        (
            {
                "rule": DictionaryRule.ALLOW,
                "disposable": True,
                "free": True,
                "look_alike": True,
                "mail": MailPath.MISSING,
            },
            "company",
            "accept",
            "COMPANY",
        ),
        (
            {"rule": DictionaryRule.ALLOW, "problem": "no_at"},
            "undeliverable",
            "refuse",
            "SYNTAX_BAD",
        ),
        (
            {"rule": DictionaryRule.ALLOW, "registrable": ""},
            "undeliverable",
            "refuse",
            "DOMAIN_SUFFIX",
        ),
    ],
)
def test_verdict_is(changes: Changes, kind: str, outcome: str, code: str) -> None:
    verdict = judge(replace(GOOD, **changes), ASK)

    assert (verdict.kind, verdict.outcome, verdict.code) == (kind, outcome, code)


def test_overruled_gate_says_what_was_found() -> None:
    verdict = judge(replace(GOOD, rule=DictionaryRule.ALLOW, free=True), ASK)

    assert verdict.verdicts[4] == Verdict(
        gate="free_mail", code="OVERRULED", open=True, facts={"found": "FREE_MAIL"}
    )


def test_every_code_has_words_and_no_word_is_left_over() -> None:
    seen = {ALL_OPEN}
    single: tuple[Changes, ...] = (
        {},
        *WORSE,
        {"registrable": None},
        {"dictionary_read": False},
        *({"rule": rule} for rule in DictionaryRule),
        {"rule": DictionaryRule.ALLOW, "free": True},
        {"disposable": None},
        {"free": True},
        {"free": None},
        *({"mail": path} for path in MailPath),
    )
    for changes in single:
        evidence = replace(GOOD, **changes)
        seen |= {gate(evidence).code for gate in GATES}

    assert seen == set(EXPLANATIONS)
