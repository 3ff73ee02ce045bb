"""Reading what was published: the article's own page, and the account's list of its posts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from tenantry.sdk import Content, OutcomeUnknown, Proof, Published, UiChanged, now
from tenantry.sdk.browser import Page, Response
from tenantry_cafe.comparing import same_text, same_title
from tenantry_cafe.landmarks import Mark
from tenantry_cafe.walking import Patience, open_page, require, translated
from tenantry_cafe.writing import place_of

# Both clocks show whole seconds somewhere, and the answer travels for a while.
_DOUBT = timedelta(seconds=30)
_MOST_PAGES = 100

_READ_ROWS = """rows => rows.map(row => ({
    id: row.dataset.articleId,
    place: `${row.dataset.cafe}/${row.dataset.board}`,
    title: row.querySelector("a.article-link")?.textContent ?? null,
    href: row.querySelector("a.article-link")?.getAttribute("href") ?? null,
    time: row.querySelector("time[datetime]")?.getAttribute("datetime") ?? null,
}))"""

_READ_ARTICLE = """(article, [title, body]) => ({
    id: article.dataset.articleId,
    title: document.querySelector(title).innerText,
    body: document.querySelector(body).innerText,
    images: document.querySelectorAll(`${body} img`).length,
})"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the account's own posts; `at` is the site's own time."""

    id: str
    place: str
    title: str
    url: str
    at: datetime


async def read_article(
    page: Page, published: Published, content: Content, *, patience: Patience
) -> Proof:
    """Open an article afresh and compare it; raises what stands there instead."""
    await open_page(page, published.url, Mark.ARTICLE_PAGE, patience=patience)
    await require(page, Mark.ARTICLE_PAGE, Mark.ARTICLE_TITLE, Mark.ARTICLE_BODY)
    async with translated(page):
        shown = await page.locator(Mark.ARTICLE_PAGE).evaluate(
            _READ_ARTICLE, [Mark.ARTICLE_TITLE, Mark.ARTICLE_BODY]
        )
    title, images = str(shown["title"]), int(shown["images"])
    matches = (
        shown["id"] == published.id
        and same_title(title, content.title)
        and same_text(str(shown["body"]), content.body)
        and images == len(content.images)
    )
    return Proof(url=page.url, title=title, matches=matches, image_count=images)


async def find_article(
    page: Page,
    content: Content,
    since: datetime,
    known: frozenset[str],
    *,
    base: str,
    patience: Patience,
) -> Published | None:
    """Look through the account's posts, newest first, down to `since`; see `sdk.Connector`."""
    target = place_of(content)
    for row in await _rows_since(page, since, base=base, patience=patience):
        wanted = row.id not in known and row.place == f"{target.cafe}/{target.board}"
        if wanted and same_title(row.title, content.title):
            found = Published(id=row.id, url=row.url)
            proof = await read_article(page, found, content, patience=patience)
            if proof.matches:
                return found
    return None


async def _rows_since(
    page: Page, since: datetime, *, base: str, patience: Patience
) -> Sequence[Row]:
    """Return the posts that are not older; a list that changes meanwhile proves nothing."""
    rows: list[Row] = []
    totals: set[str | None] = set()
    url, begin = f"{base}/me/posts", since
    for _number in range(_MOST_PAGES):
        response = await open_page(page, url, Mark.POSTS_LIST, patience=patience)
        begin = since + _ahead(response) - _DOUBT
        async with translated(page):
            totals.add(await page.locator(Mark.POSTS_LIST).get_attribute("data-total"))
            found = list(_parsed(await page.locator(Mark.POSTS_ROW).evaluate_all(_READ_ROWS), base))
            older = page.locator(Mark.POSTS_OLDER)
            further = await older.get_attribute("href") if await older.count() else None
        rows += [row for row in found if row.at >= begin]
        if len(totals) > 1:
            raise OutcomeUnknown("the list of posts changed while it was read")
        if further is None or any(row.at < begin for row in found):
            return rows
        url = urljoin(page.url, further)
    raise OutcomeUnknown(f"more than {_MOST_PAGES} pages of posts since {since.isoformat()}")


def _ahead(response: Response) -> timedelta:
    """Return how far the site's clock is ahead of ours."""
    try:
        return parsedate_to_datetime(response.headers["date"]) - now()
    except (KeyError, ValueError):
        return timedelta(0)


def _parsed(rows: Sequence[dict[str, str]], base: str) -> Iterator[Row]:
    for row in rows:
        try:
            yield Row(
                id=row["id"],
                place=row["place"],
                title=row["title"].strip(),
                url=urljoin(f"{base}/", row["href"]),
                at=datetime.fromisoformat(row["time"]),
            )
        except (AttributeError, TypeError, ValueError):
            raise UiChanged("a post in the list cannot be read", landmark="posts.row") from None
