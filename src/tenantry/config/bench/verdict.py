"""Case `verdict`: judging an address with everything but the network.

Name servers are taken to answer at once; lists, the dictionary in the database and the gates are
the real ones.
"""

import random
import time
from functools import cache
from typing import Any

from tenantry.config.bench.database import own_database
from tenantry.config.bench.report import at_most, figure, percentile, report
from tenantry.core import clock
from tenantry.journeys.onboarding import lists, services
from tenantry.journeys.onboarding.addresses import Address, parse
from tenantry.journeys.onboarding.evidence import gather
from tenantry.journeys.onboarding.states import DictionaryRule, Outcome, VerdictKind
from tenantry.journeys.onboarding.verdicts import MailPath, TrialPolicy, judge

_POLICY = TrialPolicy(free=Outcome.APPROVAL, unknown=Outcome.APPROVAL)


def run(*, quick: bool) -> dict[str, Any]:
    """Measure milliseconds from what was typed to the verdict, and of the gates alone."""
    addresses, listed = (300, 20) if quick else (20_000, 1_000)
    chance = random.Random(7)  # noqa: S311  # the same addresses each time
    with own_database():
        _fill_dictionary(listed)
        start = time.perf_counter()
        _judged("first@hanbit.kr")
        first = (time.perf_counter() - start) * 1e3
        taken, wrong = [], 0
        for number in range(addresses):
            kind, domain = _domain(chance, number, listed)
            start = time.perf_counter()
            found = _judged(f"Kim.{number}@{domain}")
            taken.append((time.perf_counter() - start) * 1e3)
            wrong += found is not kind
        most = percentile(taken, 0.99)
        return report(
            case="verdict",
            figures={
                "verdict_p50": figure([percentile(taken, 0.5)], "ms"),
                "verdict_p99": figure([most], "ms"),
                "verdict_worst": figure([max(taken)], "ms"),
                "first_with_reading_of_lists": figure([first], "ms"),
                "gates_alone": figure(_gates_alone(chance, 200 if quick else 5_000), "us"),
                "addresses": figure([addresses], "addresses"),
            },
            ratios={},
            targets={"verdict_p99": at_most(most, 5)},
            checks={"every address got its kind": wrong == 0},
        )


def _fill_dictionary(listed: int) -> None:
    for number in range(listed):
        services.add_domain(
            domain=f"denied{number}.kr",
            rule=DictionaryRule.DENY,
            note="a measurement",
            actor="system:bench",
            now=clock.now(),
        )


@cache
def _known() -> tuple[list[str], list[str]]:
    return sorted(lists.free_mail().domains), sorted(lists.disposable().domains)


def _domain(chance: random.Random, number: int, listed: int) -> tuple[VerdictKind, str]:
    """Return a domain and what it is; a quarter each of four kinds, half of them subdomains."""
    free, thrown_away = _known()
    sub = "mail." if number % 2 else ""
    match chance.randrange(4):
        case 0:
            return VerdictKind.FREE, sub + chance.choice(free)
        case 1:
            return VerdictKind.DISPOSABLE, sub + chance.choice(thrown_away)
        case 2:
            return VerdictKind.DENIED, f"{sub}denied{chance.randrange(listed)}.kr"
        case _:
            return VerdictKind.COMPANY, f"{sub}company{number}.co.kr"


def _judged(typed: str) -> VerdictKind:
    return judge(gather(parse(typed), ask=_at_once).evidence, _POLICY).kind


def _at_once(domain: str) -> tuple[MailPath, str]:
    return MailPath.MX, f"mx.{domain}"


def _gates_alone(chance: random.Random, times: int) -> list[float]:
    taken = []
    for number in range(times):
        address = parse(f"kim@company{chance.randrange(number + 1)}.kr")
        assert isinstance(address, Address)  # made of plain letters
        evidence = gather(address, ask=_at_once).evidence
        start = time.perf_counter()
        judge(evidence, _POLICY)
        taken.append((time.perf_counter() - start) * 1e6)
    return taken
