r"""Variables of a template: `{{name}}` becomes a part of the moment a post is due. Pure.

`\{{` writes the braces themselves. A text is Korean when it has a Hangul letter in it; that decides
the language of day names, so that a template's own text is all that its rendering depends on.
"""

import re
from datetime import UTC, datetime

from tenantry_cafe.errors import UnknownVariable

_FOUND = re.compile(r"\\\{\{|\{\{(?:([^{}\n]*)\}\})?")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_SHOWN = 40

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAYS_KO = ("월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def values(at: datetime, *, korean: bool) -> dict[str, str]:
    """Return every variable with its value at a moment, given in the wanted zone."""
    month = _MONTHS[at.month - 1]
    english = f"{month} {at.day}, {at.year}"
    return {
        "today": f"{at.year}년 {at.month}월 {at.day}일" if korean else english,
        "date": at.date().isoformat(),
        "year": str(at.year),
        "month": str(at.month),
        "day": str(at.day),
        "weekday": (_WEEKDAYS_KO if korean else _WEEKDAYS)[at.weekday()],
        "time": at.strftime("%H:%M"),
        "hour": str(at.hour),
        "minute": at.strftime("%M"),
    }


VARIABLES = tuple(values(datetime(2000, 1, 1, tzinfo=UTC), korean=False))


def is_korean(*texts: str) -> bool:
    """Return whether a Hangul letter stands in any of the texts."""
    return any(_HANGUL.search(text) for text in texts)


def require_known(*texts: str) -> None:
    """Raise `UnknownVariable` for the first variable that does not exist or is left open."""
    for text in texts:
        for found in _FOUND.finditer(text):
            _name(found)


def render(text: str, *, at: datetime, korean: bool) -> str:
    """Return the text with every variable filled in for a moment, given in the wanted zone.

    Raises `UnknownVariable`; anything that `require_known` let pass can be rendered.
    """

    def fill(found: re.Match[str]) -> str:
        name = _name(found)
        return known[name] if name else "{{"

    known = values(at, korean=korean)
    return _FOUND.sub(fill, text)


def _name(found: re.Match[str]) -> str:
    if found[0].startswith("\\"):
        return ""
    name = (found[1] or "").strip()
    if name not in VARIABLES:
        known = ", ".join(f"{{{{{name}}}}}" for name in VARIABLES)
        raise UnknownVariable(variable=found[0][:_SHOWN], known=known)
    return name
