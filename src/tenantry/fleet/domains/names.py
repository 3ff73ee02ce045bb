"""Host names: what may be one, which are kept back, and what a tenant's is called. No I/O.

Labels follow RFC 1123 section 2.1; names in other scripts become their A-labels (IDNA 2008 after
the mapping of UTS 46), so that what is stored is what a browser sends.
"""

import ipaddress
import re

import idna

from tenantry.fleet.domains.errors import HostNameInvalid

LONGEST_HOST = 253
LONGEST_LABEL = 63
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SHORT_ID = re.compile(r"[a-z][a-z0-9]{2,30}")
_CANONICAL = "tenant-"
# Nobody else may answer under names that programs ask for without anybody having typed them
# (RFC 6761, RFC 6762, mail clients, discovery of proxies), names of services, names people take
# for the operator's, and names the platform itself may need.
_RESERVED = """
    autoconfig autodiscover broadcasthost invalid ip6-localhost isatap local localdomain
    localhost test example onion mta-sts openpgpkey wpad

    api cdn dns ftp git imap ldap mail mx ns ns1 ns2 ns3 ns4 ntp pop pop3 proxy sftp smtp ssh
    ssl sso vpn webmail webdisk whois ws wss www www1 www2

    abuse account accounts admin administrator auth billing blog cpanel dashboard docs help
    hostmaster info legal login news noreply payment payments postmaster privacy root sales
    security shop sign-in signin signup status store support sysadmin system webmaster

    app assets beta console demo dev gateway internal live media operator portal preview
    staging static stage tenant tenantry trial
"""
RESERVED = frozenset(_RESERVED.split())


def clean_host(text: str) -> str:
    """Return a host name as it is stored: lower case, A-labels, no dot at the end.

    Refuses: `HostNameInvalid` for everything that is no name of two or more labels, IP addresses
    included.
    """
    name = text.strip().removesuffix(".")
    try:
        host = idna.encode(name, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise HostNameInvalid(host=_shown(text)) from None
    labels = host.split(".")
    fits = len(labels) > 1 and len(host) <= LONGEST_HOST and all(map(is_label, labels))
    if not fits or labels[-1].isdigit() or _is_address(host):
        raise HostNameInvalid(host=_shown(text))
    return host


def is_label(text: str) -> bool:
    """Return whether the text may stand between two dots (RFC 1123: 1 to 63 of a-z, 0-9 and -)."""
    return _LABEL.fullmatch(text) is not None


def is_reserved(label: str) -> bool:
    """Return whether a first label is kept for the platform, tenants' canonical names included."""
    lowered = label.lower()
    return lowered in RESERVED or lowered.startswith((_CANONICAL, "_", "xn--"))


def canonical_host(short_id: str, base: str) -> str:
    """Return a tenant's own name under the platform's domain: `tenant-{short_id}.{base}`.

    A short id that cannot stand in a host name is a ValueError: ours always can.
    """
    host = f"{_CANONICAL}{short_id}.{base.lower().removesuffix('.')}"
    if not _SHORT_ID.fullmatch(short_id) or not all(map(is_label, host.split("."))):
        reason = f"{host!r} is not a host name"
        raise ValueError(reason)
    return host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _shown(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST_LABEL])
