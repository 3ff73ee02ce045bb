"""Lists of domains, each with the version that is kept with a decision."""

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import NamedTuple

from publicsuffixlist import PublicSuffixList


class Names(NamedTuple):
    """A set of domains, and which edition of it."""

    version: str
    domains: frozenset[str]


def registrable(domain: str) -> str:
    """Return the part of a domain that somebody registered; empty for a public suffix itself.

    Below a top-level domain that is not on the list it is the second level.
    """
    return _suffixes().privatesuffix(domain) or ""


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def suffix_version() -> str:
    """Return the edition of the public suffix list."""
    return version("publicsuffixlist")


@cache
def disposable() -> Names:
    """Return the domains that give away addresses for minutes (CC0, kept by volunteers).

    Without those of our own list: portals are reported by mistake now and then.
    """
    from disposable_email_domains import allowlist, blocklist  # noqa: PLC0415  # slow import

    known = frozenset(allowlist) | free_mail().domains
    return Names(version("disposable-email-domains"), frozenset(blocklist) - known)


@cache
def free_mail() -> Names:
    """Return the domains at which everybody gets an address."""
    return read_names(
        files("tenantry.journeys.onboarding").joinpath("data/free_mail.txt").read_text("utf-8")
    )


def read_names(text: str) -> Names:
    """Read a list: one domain a line, `#` for remarks, one of them `# version: …`."""
    lines = [line.strip() for line in text.splitlines()]
    versions = [line.partition("version:")[2].strip() for line in lines if "# version:" in line]
    domains = frozenset(line for line in lines if line and not line.startswith("#"))
    return Names(versions[0] if versions else "", domains)
