"""Reading mail addresses: one form for each, and one key for each mailbox. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

import idna

# RFC 5321 section 4.5.3.1; the whole is RFC 3696, erratum 1690.
_LONGEST, _LONGEST_LOCAL, _LONGEST_DOMAIN = 254, 64, 253
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TOP_LEVEL = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
# What input methods for Korean and Japanese leave behind, and nothing else: NFKC would change more.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}
# Blanks at the ends that `strip` does not know; they come with copied text.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


class Problem(StrEnum):
    """Why something typed is not an address that we can write to."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CONTROL = "control"
    NO_AT = "no_at"
    LOCAL = "local"
    LOCAL_SPECIAL = "local_special"
    LOCAL_UNICODE = "local_unicode"
    DOMAIN = "domain"


@dataclass(frozen=True, kw_only=True)
class Address:
    """An address in its one form: small letters, no quotes, ASCII domain without a final dot."""

    local: str
    domain: str

    @property
    def normal(self) -> str:
        """Return the address as it is written to."""
        return f"{self.local}@{self.domain}"

    @property
    def mailbox(self) -> str:
        """Return what is equal for all aliases of a mailbox at providers whose rules are known.

        Elsewhere a plus or a dot may lead to somebody else, and stays.
        """
        domain = _SAME_PROVIDER.get(self.domain, self.domain)
        local = self.local
        if domain in _PLUS:
            local = local.partition("+")[0] or local
        if domain in _DOTS:
            local = local.replace(".", "") or local
        return f"{local}@{domain}"


# Providers that say so in their help pages.
_SAME_PROVIDER = {"googlemail.com": "gmail.com"}
_DOTS = frozenset({"gmail.com"})
_PLUS = frozenset(
    {
        "fastmail.com",
        "fastmail.fm",
        "gmail.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "mac.com",
        "mailbox.org",
        "me.com",
        "outlook.com",
        "pm.me",
        "posteo.de",
        "proton.me",
        "protonmail.com",
    }
)


def parse(typed: str) -> Address | Problem:
    """Return the address that was typed, or what is wrong with it."""
    # Nobody types this much, and nothing below needs to see it.
    if len(typed) > _LONGEST * 4:
        return Problem.TOO_LONG
    cleaned = typed.translate(_FULL_WIDTH).strip().strip(_INVISIBLE).strip()
    local, at, domain = cleaned.rpartition("@")
    if not cleaned or not at:
        return Problem.NO_AT if cleaned else Problem.EMPTY
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in cleaned):
        return Problem.CONTROL
    read, ascii_domain = _local(local), parse_domain(domain)
    if isinstance(read, Problem) or not ascii_domain:
        return read if isinstance(read, Problem) else Problem.DOMAIN
    address = Address(local=read, domain=ascii_domain)
    return address if len(address.normal) <= _LONGEST else Problem.TOO_LONG


def _local(text: str) -> str | Problem:
    quoted = _QUOTED.fullmatch(text)
    plain = (re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text).lower()
    if not plain.isascii():
        return Problem.LOCAL_UNICODE
    if len(plain) > _LONGEST_LOCAL:
        return Problem.TOO_LONG
    if _DOT_ATOM.fullmatch(plain):
        return plain
    return Problem.LOCAL_SPECIAL if quoted else Problem.LOCAL


def parse_domain(typed: str) -> str:
    """Return a domain as mail servers know it, in ASCII; empty when it is none."""
    cleaned = typed.strip()
    try:
        # UTS #46, as browsers do: case, full-width letters, 。 for the dot; then IDNA 2008.
        domain = idna.encode(cleaned, uts46=True, std3_rules=True).decode()
    except (idna.IDNAError, UnicodeError):
        return ""
    labels = domain.lower().removesuffix(".").split(".")
    well_formed = all(_LABEL.fullmatch(label) for label in labels)
    if len(labels) < 2 or not well_formed or not _TOP_LEVEL.fullmatch(labels[-1]):  # noqa: PLR2004
        return ""
    joined = ".".join(labels)
    return joined if len(joined) <= _LONGEST_DOMAIN else ""


def shown_domain(domain: str) -> str:
    """Return a domain as people write it."""
    try:
        return idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return domain


def is_look_alike(domain: str) -> bool:
    """Return whether a label mixes Latin letters with Cyrillic or Greek ones."""
    return any(
        "LATIN" in scripts and scripts & {"CYRILLIC", "GREEK"}
        for scripts in map(_scripts, shown_domain(domain).split("."))
    )


def _scripts(label: str) -> set[str]:
    return {
        unicodedata.name(character, "").partition(" ")[0]
        for character in label
        if character.isalpha()
    }


def with_parents(domain: str, registrable: str) -> tuple[str, ...]:
    """Return a domain and those above it down to the registrable one, the longest first."""
    names = [domain]
    while names[-1] != registrable and "." in names[-1]:
        names.append(names[-1].partition(".")[2])
    return tuple(names) if names[-1] == registrable else (domain,)
