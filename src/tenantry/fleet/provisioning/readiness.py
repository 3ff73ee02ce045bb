"""Whether an instance is ready: pure gates over what was seen of it, and over what was stored.

Each gate is a condition type; its code is "ok" or a code of `failures`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from tenantry.core.gates import Fact, Verdict
from tenantry.fleet.provisioning.failures import Failure
from tenantry.fleet.provisioning.states import ConditionStatus, ConditionType, Observed

OK = "ok"
# Evidence older than this no longer lets anybody in.
FRESH = timedelta(seconds=60)


class LogIn(StrEnum):
    """What came of signing in as the administrator."""

    LET_IN = "let_in"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, kw_only=True)
class Probes:
    """What was seen. `short_id` is whose instance it must be.

    `at_host` and `through_gateway` are the short ids stated there: None when nothing answered, ""
    when what answered states none. `milliseconds` says how long each look took.
    """

    short_id: str
    observed: str | None = None
    at_host: str | None = None
    log_in: LogIn = LogIn.UNREACHABLE
    through_gateway: str | None = None
    mail_works: bool = False
    details: Mapping[str, str] = field(default_factory=dict)
    milliseconds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Known:
    """A stored condition, as far as a decision needs it."""

    type: str
    status: str
    checked_at: datetime


def evaluate_asked(probes: Probes, asked: Collection[ConditionType]) -> tuple[Verdict, ...]:
    """Answer every gate that was asked, in their order; none sees another's answer."""
    return tuple(gate(probes) for type_, gate in GATES.items() if type_ in asked)


def still_proven(known: Iterable[Known], *, now: datetime) -> bool:
    """Say whether every condition holds, by evidence of the last minute."""
    held = {
        one.type
        for one in known
        if one.status == ConditionStatus.TRUE and timedelta(0) <= now - one.checked_at <= FRESH
    }
    return held == set(ConditionType)


def _alive(probes: Probes) -> Verdict:
    codes: Mapping[str | None, str] = {
        None: Failure.INSTANCE_GONE,
        Observed.REMOVED: Failure.INSTANCE_GONE,
        Observed.UNKNOWN: Failure.INSTANCE_STARTING,
        Observed.STARTING: Failure.INSTANCE_STARTING,
        Observed.RUNNING: OK,
    }
    code = codes.get(probes.observed, Failure.INSTANCE_DEAD)
    return _verdict(ConditionType.ALIVE, code, probes, {"observed": probes.observed})


def _canonical_host(probes: Probes) -> Verdict:
    code = _identity(probes.at_host, probes.short_id, otherwise=Failure.HOST_NOT_ANSWERING)
    return _verdict(ConditionType.CANONICAL_HOST, code, probes, {"stated": probes.at_host})


def _log_in(probes: Probes) -> Verdict:
    codes: Mapping[LogIn, str] = {
        LogIn.LET_IN: OK,
        LogIn.REFUSED: Failure.LOG_IN_REFUSED,
        LogIn.UNREACHABLE: Failure.HOST_NOT_ANSWERING,
    }
    facts: dict[str, Fact] = {"log_in": str(probes.log_in)}
    return _verdict(ConditionType.LOG_IN, codes[probes.log_in], probes, facts)


def _route(probes: Probes) -> Verdict:
    stated = probes.through_gateway
    code = _identity(stated, probes.short_id, otherwise=Failure.ROUTE_NOT_SERVING)
    return _verdict(ConditionType.ROUTE, code, probes, {"stated": stated})


def _mail(probes: Probes) -> Verdict:
    code = OK if probes.mail_works else Failure.MAIL_REFUSED
    return _verdict(ConditionType.MAIL, code, probes, {})


def _identity(stated: str | None, own: str, *, otherwise: str) -> str:
    if not stated:
        return otherwise
    return OK if stated == own else Failure.WRONG_IDENTITY


def _verdict(type_: ConditionType, code: str, probes: Probes, facts: Mapping[str, Fact]) -> Verdict:
    seen: dict[str, Fact] = dict(facts)
    if type_ in probes.milliseconds:
        seen["milliseconds"] = probes.milliseconds[type_]
    if detail := probes.details.get(type_, ""):
        seen["detail"] = detail
    return Verdict(gate=type_, code=str(code), open=code == OK, facts=seen)


GATES: Mapping[ConditionType, Callable[[Probes], Verdict]] = MappingProxyType(
    {
        ConditionType.ALIVE: _alive,
        ConditionType.CANONICAL_HOST: _canonical_host,
        ConditionType.LOG_IN: _log_in,
        ConditionType.ROUTE: _route,
        ConditionType.MAIL: _mail,
    }
)
