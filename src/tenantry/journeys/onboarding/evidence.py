"""Finding out about an address: lists, the dictionary, and name servers within two seconds.

Nothing here raises: a stage that fails leaves its part of the evidence unknown.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypeVar

import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
from django.conf import settings

from tenantry.core.logs import get_logger
from tenantry.journeys.onboarding import lists, queries
from tenantry.journeys.onboarding.addresses import Address, Problem, is_look_alike, with_parents
from tenantry.journeys.onboarding.states import DictionaryRule
from tenantry.journeys.onboarding.verdicts import Evidence, MailPath

# For all questions about one address together.
BUDGET_SECONDS = 2.0
_TRY_SECONDS = 1.0
_CACHED_ANSWERS = 20_000
_ALWAYS_THERE = dns.name.from_text("com.")
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
    mail, host = stages.run("mx", partial(ask or mail_path, domain), (MailPath.UNKNOWN, ""))
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


def mail_path(domain: str) -> tuple[MailPath, str]:
    """Return where a domain's mail goes, and to which host; unknown where nobody answers."""
    deadline = time.monotonic() + BUDGET_SECONDS
    try:
        return _asked(dns.name.from_text(f"{domain}."), deadline)
    except dns.resolver.NXDOMAIN:
        return (MailPath.MISSING if _sees_the_world(deadline) else MailPath.UNKNOWN), ""
    # Silence, refusals, loops, nonsense: all of them say nothing about the domain.
    except (dns.exception.DNSException, OSError):
        return MailPath.UNKNOWN, ""


def _sees_the_world(deadline: float) -> bool:
    """Tell whether the name servers know more than their own network: then a no means no."""
    try:
        _records(_ALWAYS_THERE, "NS", deadline)
    except (dns.exception.DNSException, OSError):
        return False
    return True


def _asked(name: dns.name.Name, deadline: float) -> tuple[MailPath, str]:
    records = _records(name, "MX", deadline)
    exchanges = sorted(
        (record.preference, record.exchange)
        for record in records
        if record.exchange != dns.name.root
    )
    if exchanges:
        return MailPath.MX, exchanges[0][1].to_text(omit_final_dot=True).lower()
    if records:
        return MailPath.NULL_MX, ""
    for kind in ("A", "AAAA"):
        if _records(name, kind, deadline):
            return MailPath.ADDRESS, name.to_text(omit_final_dot=True)
    return MailPath.MISSING, ""


def _records(name: dns.name.Name, kind: str, deadline: float) -> list[Any]:
    answer = resolver(tuple(settings.NAME_SERVERS)).resolve(
        name,
        kind,
        lifetime=max(deadline - time.monotonic(), 0.001),
        raise_on_no_answer=False,
        search=False,
    )
    return list(answer.rrset or ())


@lru_cache(maxsize=4)
def resolver(servers: tuple[str, ...]) -> dns.resolver.Resolver:
    """Return this process's resolver; it remembers answers for as long as they say.

    `servers` are addresses, or address:port; none means the system's own.
    """
    made = dns.resolver.Resolver(configure=not servers)
    if servers:
        made.nameservers = [_name_server(server) for server in servers]
    made.cache = dns.resolver.LRUCache(_CACHED_ANSWERS)
    made.timeout = _TRY_SECONDS
    return made


def _name_server(text: str) -> dns.nameserver.Nameserver:
    host, colon, port = text.rpartition(":")
    is_bare = not colon or (":" in host and not host.startswith("["))
    if is_bare:
        return dns.nameserver.Do53Nameserver(text)
    return dns.nameserver.Do53Nameserver(host.strip("[]"), int(port))
