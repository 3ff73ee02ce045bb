"""Finding out about an address: lists, the dictionary, and name servers within two seconds.

Nothing here raises: a stage that fails leaves its part of the evidence unknown.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from tenantry.core.logs import get_logger
from tenantry.journeys.onboarding import lists, queries
from tenantry.journeys.onboarding.addresses import Address, Problem, is_look_alike, with_parents
from tenantry.journeys.onboarding.states import DictionaryRule
from tenantry.journeys.onboarding.verdicts import Evidence, MailPath

_log = get_logger(__name__)
ResultT = TypeVar("ResultT")
# Whether the dictionary could be read, its rule, and the domain that the rule is for.
_Ruled = tuple[bool, DictionaryRule | None, str]
_UNREAD: _Ruled = (False, None, "")
AskNames = Callable[[str], tuple[MailPath, str]]


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The evidence, and the milliseconds that each stage took."""

    evidence: Evidence
    latencies: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class _Stages:
    """Runs stages, takes their time, and puts something unknown in place of what failed."""

    latencies: dict[str, float] = field(default_factory=dict)

    def run(self, name: str, ask: Callable[[], ResultT], otherwise: ResultT) -> ResultT:
        start = time.perf_counter()
        try:
            return ask()
        # Whatever it is: a broken list or a broken answer must not stop a registration.
        except Exception as error:  # noqa: BLE001
            _log.warning("verdict_stage_failed", stage=name, reason=type(error).__name__)
            return otherwise
        finally:
            self.latencies[name] = round((time.perf_counter() - start) * 1e3, 3)


def gather(read: Address | Problem, *, ask: AskNames | None = None) -> Gathered:
    """Find out what there is to know about an address that was parsed.

    `ask` stands in for the name servers, in a measurement.
    """
    if isinstance(read, Problem):
        return Gathered(evidence=Evidence(problem=str(read)), latencies={})
    stages, domain = _Stages(), read.domain
    registrable = stages.run("domain", partial(lists.registrable, domain), None)
    names = with_parents(domain, registrable or domain)
    look_alike = stages.run("look_alike", partial(is_look_alike, domain), otherwise=False)
    is_read, rule, rule_domain = stages.run("dictionary", partial(_ruled, names), _UNREAD)
    disposable = stages.run("disposable", partial(_listed, lists.disposable, names), None)
    free = stages.run("free_mail", partial(_listed, lists.free_mail, names), None)
    mail, host = stages.run("mx", partial(ask or _mail_path, domain), (MailPath.UNKNOWN, ""))
    is_throw_away = stages.run("mx_host", partial(_is_throw_away, host), otherwise=False)
    evidence = Evidence(
        domain=domain,
        registrable=registrable,
        look_alike=look_alike,
        dictionary_read=is_read,
        rule=rule,
        rule_domain=rule_domain,
        disposable=disposable,
        free=free,
        mail=mail,
        mail_host=host,
        mail_host_disposable=is_throw_away,
        list_versions=stages.run("versions", _versions, {}),
    )
    return Gathered(evidence=evidence, latencies=stages.latencies)


def _ruled(names: tuple[str, ...]) -> _Ruled:
    entry = queries.find_rule(names)
    return (True, DictionaryRule(entry.rule), entry.domain) if entry else (True, None, "")


def _listed(names_of: Callable[[], lists.Names], names: tuple[str, ...]) -> bool | None:
    domains = names_of().domains
    return any(name in domains for name in names)


def _is_throw_away(host: str) -> bool:
    return bool(host) and bool(
        _listed(lists.disposable, with_parents(host, lists.registrable(host)))
    )


def _versions() -> dict[str, str]:
    return {
        "public_suffix": lists.suffix_version(),
        "disposable": lists.disposable().version,
        "free_mail": lists.free_mail().version,
    }


def _mail_path(domain: str) -> tuple[MailPath, str]:
    from tenantry.journeys.onboarding import name_servers  # noqa: PLC0415  # slow import

    return name_servers.mail_path(domain)
