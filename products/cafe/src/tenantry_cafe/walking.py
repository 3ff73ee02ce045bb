"""Walking the site: every arrival is proven by a landmark, every trouble gets its type.

Types come from structure: the status of an answer, the browser's error class, the page that stands
where another was expected; never from words.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from tenantry.sdk import (
    AuthExpired,
    BrowserFailed,
    ChallengeRequired,
    ConnectorError,
    NetworkError,
    PayloadInvalid,
    PermissionDenied,
    RateLimited,
    SiteTimeout,
    TargetNotFound,
    UiChanged,
)
from tenantry.sdk.browser import Page, PageError, PageTimeout, Request, Response
from tenantry_cafe.landmarks import WALLS, Mark, count, survey

_NET_ERROR = re.compile(r"net::(ERR_\w+)")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the site may take, in seconds: for a page, for a part of it, for an answer."""

    page: float = 20.0
    landmark: float = 3.0
    upload: float = 60.0
    submit: float = 45.0


@asynccontextmanager
async def translated(page: Page) -> AsyncIterator[None]:
    """Give the browser's own errors the types of the contract.

    The browser's text is cut to its first line and not chained: what follows it may quote what was
    typed, a password among it.
    """
    try:
        yield
    except PageTimeout as error:
        raise SiteTimeout(_first_line(error)) from None
    except PageError as error:
        raise _typed(page, _first_line(error)) from None


def _first_line(error: PageError) -> str:
    return error.message.partition("\n")[0]


def _typed(page: Page, message: str) -> ConnectorError:
    if found := _NET_ERROR.search(message):
        return NetworkError(found[1])
    browser = page.context.browser
    if page.is_closed() or (browser is not None and not browser.is_connected()):
        return BrowserFailed("the page or the browser was closed")
    return BrowserFailed(message)


async def open_page(page: Page, url: str, *marks: Mark, patience: Patience) -> Response:
    """Go to an address and arrive at one of the landmarks; return the site's answer."""
    async with translated(page):
        response = await page.goto(url, wait_until="domcontentloaded", timeout=patience.page * 1000)
    if response is None:
        raise BrowserFailed("the browser did not load the page anew")
    await arrive(page, response, *marks, patience=patience)
    return response


async def arrive(page: Page, response: Response, *marks: Mark, patience: Patience) -> Mark:
    """Return which of the landmarks this page has; raise what stands there instead."""
    async with translated(page):
        if not response.ok:
            raise await _wall(page) or refusal(response)
        found = await first_of(page, *marks, Mark.LOGIN_FORM, *WALLS, seconds=patience.landmark)
        if found in marks:
            return found
        if wall := await _wall(page):
            raise wall
        if found is Mark.LOGIN_FORM:
            raise AuthExpired("the site asks for the login")
        raise UiChanged(await survey(page, marks[0].place), landmark=marks[0].label)


async def _wall(page: Page) -> ChallengeRequired | None:
    found = await _first_now(page, WALLS)
    return ChallengeRequired(found.label) if found else None


async def first_of(page: Page, *marks: Mark, seconds: float) -> Mark | None:
    """Wait until one of the landmarks is on the page; None when none comes in time."""
    if found := await _first_now(page, marks):
        return found
    try:
        await page.locator(", ".join(marks)).first.wait_for(
            state="attached", timeout=seconds * 1000
        )
    except PageTimeout:
        return None
    return await _first_now(page, marks)


async def _first_now(page: Page, marks: Sequence[Mark]) -> Mark | None:
    counts = await count(page, *marks)
    return next((mark for mark, number in zip(marks, counts, strict=True) if number), None)


async def require(page: Page, *marks: Mark) -> None:
    """Raise `UiChanged` for the first landmark that the page has not exactly once."""
    async with translated(page):
        for mark, number in zip(marks, await count(page, *marks), strict=True):
            if number != 1:
                raise UiChanged(await survey(page, mark.place), landmark=mark.label)


_BY_STATUS: Mapping[int, type[ConnectorError]] = {
    HTTPStatus.UNAUTHORIZED: AuthExpired,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.NOT_FOUND: TargetNotFound,
    HTTPStatus.GONE: TargetNotFound,
    HTTPStatus.REQUEST_TIMEOUT: SiteTimeout,
    HTTPStatus.GATEWAY_TIMEOUT: SiteTimeout,
}


def refusal(response: Response) -> ConnectorError:
    """Return the type of an answer that is a refusal, by its status."""
    status, detail = response.status, f"status {response.status} from {response.url}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(detail, retry_after=retry_after(response.headers))
    broken = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return _BY_STATUS.get(status, NetworkError if broken else PayloadInvalid)(detail)


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Return how many seconds an answer asks to wait (RFC 9110, 10.2.3), if it says so."""
    wish = headers.get("retry-after", "").strip()
    if wish.isdecimal():
        return int(wish)
    try:
        wait = parsedate_to_datetime(wish) - parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return max(0, round(wait.total_seconds()))


@asynccontextmanager
async def listening(
    page: Page, matches: Callable[[Request], bool]
) -> AsyncIterator[asyncio.Future[Response]]:
    """Catch the answer to a request that the page's own script will make.

    The future holds the answer, or `NetworkError` or `BrowserFailed` when there will be none.
    """
    answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    def hear(response: Response) -> None:
        if not answer.done() and matches(response.request):
            answer.set_result(response)

    def lose(request: Request) -> None:
        if not answer.done() and matches(request):
            answer.set_exception(NetworkError(request.failure or "the request failed"))

    def die(_page: Page) -> None:
        if not answer.done():
            answer.set_exception(BrowserFailed("the page crashed or was closed"))

    page.on("response", hear)
    page.on("requestfailed", lose)
    page.on("crash", die)
    page.on("close", die)
    try:
        yield answer
    finally:
        page.remove_listener("response", hear)
        page.remove_listener("requestfailed", lose)
        page.remove_listener("crash", die)
        page.remove_listener("close", die)
        if not answer.cancel() and not answer.cancelled():
            answer.exception()  # nobody may have asked for it, which asyncio would complain about


async def in_time(answer: Awaitable[Response], seconds: float) -> Response:
    """Wait for an answer; `SiteTimeout` when it does not come in time."""
    try:
        return await asyncio.wait_for(answer, seconds)
    except TimeoutError:
        raise SiteTimeout(f"no answer within {seconds:g} s") from None
