"""Sign-in codes: how they look, and how forgiving their reading is."""

import re
import secrets
import unicodedata

# RFC 8628 section 6.1: letters that make no words and are hard to mistake; 20 to the 8th.
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
_HALF = LENGTH // 2
_PLAIN = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")
# Whatever a mail program or a person puts between letters.
_SEPARATORS = re.compile(r"[\s\u00ad\u200b-\u200d\u2060\ufeff._\-‐‑‒–—―−]+")  # noqa: RUF001  # dashes


def make() -> str:
    """Return a new code without its dash; about 34.6 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(code: str) -> str:
    """Return a code as people see it: XXXX-XXXX."""
    return f"{code[:_HALF]}-{code[_HALF:]}"


def normalized(typed: str) -> str:
    """Return what was typed as `make` returns it; empty when it cannot be a code.

    Case, dashes, spaces and full-width letters do not matter.
    """
    if len(typed) > LENGTH * 8:
        return ""
    letters = _SEPARATORS.sub("", unicodedata.normalize("NFKC", typed)).upper()
    return letters if _PLAIN.fullmatch(letters) else ""
