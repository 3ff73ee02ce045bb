"""Where a domain's mail goes, as name servers say within two seconds."""

import time
from functools import lru_cache
from typing import Any

import dns.exception
import dns.name
import dns.nameserver
import dns.resolver
from django.conf import settings

from tenantry.journeys.onboarding.verdicts import MailPath

# For all questions about one address together.
BUDGET_SECONDS = 2.0
_TRY_SECONDS = 1.0
_CACHED_ANSWERS = 20_000
_ALWAYS_THERE = dns.name.from_text("com.")


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
