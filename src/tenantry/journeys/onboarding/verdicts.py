"""What an address is to a trial: six pure gates over evidence, and the strictest answer wins.

Every gate is asked. A closed one stands for a kind of address, a kind for an outcome, and the
strictest outcome of all counts: one more closed gate never lets anybody in. A stage that could not
be asked closes its gate as unknown, which by itself does not refuse unless an operator says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from tenantry.core.gates import Fact, Verdict, evaluate
from tenantry.journeys.onboarding.states import DictionaryRule, Outcome, VerdictKind


class MailPath(StrEnum):
    """What name servers say about where a domain's mail goes."""

    MX = "mx"
    ADDRESS = "address"  # no MX, but a host: RFC 5321 section 5.1
    NULL_MX = "null_mx"  # RFC 7505: takes no mail
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known about an address when it is judged; None where it could not be found out.

    With a `problem` nothing else was asked. `registrable` is empty for a public suffix itself;
    `rule` is None where the dictionary has no line.
    """

    problem: str = ""
    domain: str = ""
    registrable: str | None = ""
    look_alike: bool = False
    dictionary_read: bool = True
    rule: DictionaryRule | None = None
    rule_domain: str = ""
    disposable: bool | None = False
    free: bool | None = False
    mail: MailPath = MailPath.UNKNOWN
    mail_host: str = ""
    mail_host_disposable: bool = False
    list_versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrialPolicy:
    """What the operator wants for kinds that are a matter of judgement."""

    free: Outcome
    unknown: Outcome


@dataclass(frozen=True, kw_only=True)
class TrialVerdict:
    """The kind of an address, what becomes of it, the code that counts, and every gate's answer."""

    kind: VerdictKind
    outcome: Outcome
    code: str
    verdicts: tuple[Verdict, ...]
    list_versions: Mapping[str, str]


ALL_OPEN = "COMPANY"
OVERRULED = "OVERRULED"
NOT_ASKED = "NOT_ASKED"
STRICTNESS = (Outcome.ACCEPT, Outcome.APPROVAL, Outcome.REFUSE)
# What a closed gate's code makes of the address.
KINDS: Mapping[str, VerdictKind] = MappingProxyType(
    {
        "SYNTAX_BAD": VerdictKind.UNDELIVERABLE,
        "DOMAIN_SUFFIX": VerdictKind.UNDELIVERABLE,
        "DOMAIN_LOOK_ALIKE": VerdictKind.UNKNOWN,
        "DOMAIN_UNKNOWN": VerdictKind.UNKNOWN,
        "DICTIONARY_DENY": VerdictKind.DENIED,
        "DICTIONARY_FREE": VerdictKind.FREE,
        "DICTIONARY_UNKNOWN": VerdictKind.UNKNOWN,
        "DISPOSABLE": VerdictKind.DISPOSABLE,
        "DISPOSABLE_UNKNOWN": VerdictKind.UNKNOWN,
        "FREE_MAIL": VerdictKind.FREE,
        "FREE_MAIL_UNKNOWN": VerdictKind.UNKNOWN,
        "MX_NULL": VerdictKind.UNDELIVERABLE,
        "MX_MISSING": VerdictKind.UNDELIVERABLE,
        "MX_DISPOSABLE": VerdictKind.UNKNOWN,
        "MX_UNKNOWN": VerdictKind.UNKNOWN,
    }
)

_NO_MAIL_PATH: Mapping[MailPath, str] = MappingProxyType(
    {
        MailPath.NULL_MX: "MX_NULL",
        MailPath.MISSING: "MX_MISSING",
        MailPath.UNKNOWN: "MX_UNKNOWN",
    }
)


def judge(evidence: Evidence, policy: TrialPolicy) -> TrialVerdict:
    """Judge an address; defined for every evidence, and the same for equal ones."""
    verdicts = evaluate(GATES, evidence)
    closed = [verdict for verdict in verdicts if not verdict.open]
    if not closed:
        kind, outcome, code = VerdictKind.COMPANY, Outcome.ACCEPT, ALL_OPEN
    else:
        # Of equally strict ones the first, as the gates are in the order of their certainty.
        primary = max(closed, key=lambda verdict: _strictness(verdict, policy))
        kind, code = KINDS[primary.code], primary.code
        outcome = outcome_of(kind, policy)
    return TrialVerdict(
        kind=kind,
        outcome=outcome,
        code=code,
        verdicts=verdicts,
        list_versions=evidence.list_versions,
    )


def outcome_of(kind: VerdictKind, policy: TrialPolicy) -> Outcome:
    """Return what becomes of addresses of a kind."""
    match kind:
        case VerdictKind.COMPANY:
            return Outcome.ACCEPT
        case VerdictKind.FREE:
            return policy.free
        case VerdictKind.UNKNOWN:
            return policy.unknown
        case _:
            return Outcome.REFUSE


def _strictness(verdict: Verdict, policy: TrialPolicy) -> int:
    return STRICTNESS.index(outcome_of(KINDS[verdict.code], policy))


def syntax_gate(evidence: Evidence) -> Verdict:
    """Open for what reads as an address."""
    if evidence.problem:
        return _closed("syntax", "SYNTAX_BAD", problem=evidence.problem)
    return _open("syntax", "SYNTAX_GOOD")


def domain_gate(evidence: Evidence) -> Verdict:
    """Open for a domain that somebody can have registered."""
    facts: dict[str, Fact] = {"domain": evidence.domain, "registrable": evidence.registrable}
    if evidence.problem:
        return _open("domain", NOT_ASKED)
    if evidence.registrable is None:
        return _weighed(evidence, "domain", "DOMAIN_UNKNOWN", **facts)
    if not evidence.registrable:
        return _closed("domain", "DOMAIN_SUFFIX", **facts)
    if evidence.look_alike:
        return _weighed(evidence, "domain", "DOMAIN_LOOK_ALIKE", **facts)
    return _open("domain", "DOMAIN_GOOD", **facts)


def dictionary_gate(evidence: Evidence) -> Verdict:
    """Open unless an operator listed the domain as free mail or denied it."""
    if evidence.problem:
        return _open("dictionary", NOT_ASKED)
    if not evidence.dictionary_read:
        return _closed("dictionary", "DICTIONARY_UNKNOWN")
    if evidence.rule is None:
        return _open("dictionary", "DICTIONARY_SILENT")
    code = f"DICTIONARY_{evidence.rule.name}"
    said = _open if evidence.rule is DictionaryRule.ALLOW else _closed
    return said("dictionary", code, domain=evidence.rule_domain)


def disposable_gate(evidence: Evidence) -> Verdict:
    """Open for domains that are not on the list of throw-away addresses."""
    if evidence.problem:
        return _open("disposable", NOT_ASKED)
    if evidence.disposable is None:
        return _weighed(evidence, "disposable", "DISPOSABLE_UNKNOWN")
    if evidence.disposable:
        return _weighed(evidence, "disposable", "DISPOSABLE")
    return _open("disposable", "NOT_DISPOSABLE")


def free_mail_gate(evidence: Evidence) -> Verdict:
    """Open for domains that do not give addresses to everybody."""
    if evidence.problem:
        return _open("free_mail", NOT_ASKED)
    if evidence.free is None:
        return _weighed(evidence, "free_mail", "FREE_MAIL_UNKNOWN")
    if evidence.free:
        return _weighed(evidence, "free_mail", "FREE_MAIL")
    return _open("free_mail", "NOT_FREE_MAIL")


def mx_gate(evidence: Evidence) -> Verdict:
    """Open for domains whose mail goes somewhere."""
    if evidence.problem:
        return _open("mx", NOT_ASKED)
    facts: dict[str, Fact] = {"host": evidence.mail_host} if evidence.mail_host else {}
    if evidence.mail in _NO_MAIL_PATH:
        return _weighed(evidence, "mx", _NO_MAIL_PATH[evidence.mail])
    if evidence.mail_host_disposable:
        return _weighed(evidence, "mx", "MX_DISPOSABLE", **facts)
    return _open("mx", "MX_ADDRESS" if evidence.mail is MailPath.ADDRESS else "MX_FOUND", **facts)


GATES = (syntax_gate, domain_gate, dictionary_gate, disposable_gate, free_mail_gate, mx_gate)


def _open(gate: str, code: str, **facts: Fact) -> Verdict:
    return Verdict(gate=gate, code=code, open=True, facts=facts)


def _closed(gate: str, code: str, **facts: Fact) -> Verdict:
    return Verdict(gate=gate, code=code, open=False, facts=facts)


def _weighed(evidence: Evidence, gate: str, code: str, **facts: Fact) -> Verdict:
    """Close the gate, unless an operator allowed the domain; either way tell what was found."""
    if evidence.rule is DictionaryRule.ALLOW:
        return _open(gate, OVERRULED, found=code, **facts)
    return _closed(gate, code, **facts)
