"""What the connector steers by on the cafe's pages: selectors as data, with a version.

When the cafe changes its pages, this file changes and nothing else.
"""

from collections.abc import Sequence
from enum import StrEnum

from tenantry.sdk.browser import Page

VERSION = "2026.1"


class Mark(StrEnum):
    """A landmark: its value is the CSS selector, its name says place and thing."""

    LOGIN_FORM = "#login-form"
    LOGIN_ACCOUNT = "#login-form [name=login]"
    LOGIN_PASSWORD = "#login-form [name=password]"  # noqa: S105 - a selector
    LOGIN_SUBMIT = "#login-form #login-submit"
    LOGIN_ERROR = "[data-landmark=login-error]"

    WALL_CAPTCHA = "[data-landmark=captcha-wall]"
    WALL_TWO_FACTOR = "[data-landmark=two-factor]"

    ME_ACCOUNT = "[data-landmark=signed-in-as][data-login]"
    ME_EXPIRES = "#session-expires[datetime]"

    WRITE_FORM = "#write-form[data-upload-url][data-submit-url]"
    WRITE_TITLE = "#write-form #post-title"
    WRITE_BODY = "#write-form #post-body[contenteditable=true]"
    WRITE_IMAGES = "#write-form #post-images[type=file]"
    WRITE_SUBMIT = "#write-form #post-submit"

    ARTICLE_PAGE = "[data-landmark=article][data-article-id]"
    ARTICLE_TITLE = "[data-landmark=article] .article-title"
    ARTICLE_BODY = "[data-landmark=article] .article-body"

    POSTS_LIST = "[data-landmark=my-posts][data-total]"
    POSTS_ROW = "[data-landmark=my-posts] > li[data-article-id]"
    POSTS_OLDER = ".pager a[rel=next]"

    @property
    def label(self) -> str:
        """Return the landmark's name for people, like `write.title`."""
        return self.name.lower().replace("_", ".", 1)

    @property
    def place(self) -> str:
        """Return the page it belongs to, like `write`."""
        return self.label.partition(".")[0]


# What may stand before any page; only a person can pass it.
WALLS = (Mark.WALL_CAPTCHA, Mark.WALL_TWO_FACTOR)

# Parts of a page that are there only sometimes.
_OPTIONAL = frozenset({Mark.LOGIN_ERROR, Mark.POSTS_ROW, Mark.POSTS_OLDER})


async def count(page: Page, *marks: Mark) -> Sequence[int]:
    """Say how often each landmark is on the page now: one question, however many there are."""
    counts: list[int] = await page.locator(":root").evaluate(
        "(_, marks) => marks.map(mark => document.querySelectorAll(mark).length)", list(marks)
    )
    return counts


async def survey(page: Page, place: str) -> str:
    """Say how often each landmark of a place is on the page now, for the operators."""
    marks = [mark for mark in Mark if mark.place == place and mark not in _OPTIONAL]
    counts = zip(marks, await count(page, *marks), strict=True)
    found = ", ".join(f"{mark.label} {number}" for mark, number in counts)
    return f"{found} (landmarks {VERSION})"
