"""Whether a published article is what was to be published. Pure.

A site may change white space and the composition of letters, drop empty lines and nothing else.
"""

import unicodedata


def normal_line(text: str) -> str:
    """Return a line in the form in which it is compared."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def normal_lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text in the form in which they are compared."""
    return tuple(line for line in map(normal_line, text.split("\n")) if line)


def same_title(one: str, other: str) -> bool:
    """Return whether two titles count as the same."""
    return normal_line(one) == normal_line(other)


def same_text(one: str, other: str) -> bool:
    """Return whether two texts count as the same."""
    return normal_lines(one) == normal_lines(other)
