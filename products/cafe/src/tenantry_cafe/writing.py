"""Writing one article: title, text, images, and then the one irreversible click."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin

from tenantry.sdk import (
    ConnectorError,
    Content,
    Image,
    Intent,
    NetworkError,
    OutcomeUnknown,
    PayloadInvalid,
    Published,
    SiteTimeout,
    TargetNotFound,
    UiChanged,
    UploadFailed,
)
from tenantry.sdk.browser import FilePayload, Page, PageError, Request, Response
from tenantry_cafe.comparing import normal_line, same_text, same_title
from tenantry_cafe.landmarks import Mark
from tenantry_cafe.walking import (
    Patience,
    arrive,
    in_time,
    listening,
    open_page,
    refusal,
    require,
    translated,
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A board of a cafe, by the words of its address."""

    cafe: str
    board: str

    @property
    def path(self) -> str:
        """Return the path of its write page."""
        return f"/cafes/{self.cafe}/boards/{self.board}/write"


def place_of(content: Content) -> Place:
    """Return where the content goes; `PayloadInvalid` where its target does not say."""
    cafe, _slash, board = content.target.partition("/")
    if not cafe or not board or "/" in board:
        raise PayloadInvalid(f"target {content.target!r} is not cafe/board")
    return Place(cafe=cafe, board=board)


# All that the form says about itself, in one question.
_READ_FORM = """form => ({
    place: `${form.dataset.cafe}/${form.dataset.board}`,
    upload: form.dataset.uploadUrl,
    longest: form.querySelector("#post-title")?.getAttribute("maxlength") ?? null,
})"""


async def fill_in(page: Page, content: Content, *, base: str, patience: Patience) -> None:
    """Open the write page and put everything in, nothing of it sent yet but the images."""
    place = place_of(content)
    await open_page(page, base + place.path, Mark.WRITE_FORM, patience=patience)
    await require(page, Mark.WRITE_TITLE, Mark.WRITE_BODY, Mark.WRITE_IMAGES, Mark.WRITE_SUBMIT)
    async with translated(page):
        form = await page.locator(Mark.WRITE_FORM).evaluate(_READ_FORM)
        if form["place"] != f"{place.cafe}/{place.board}":
            raise TargetNotFound(f"the write page is that of {form['place']}")
        await _type_title(page, content.title, most=form["longest"])
        await _type_body(page, content.body)
        upload_url = urljoin(page.url, form["upload"])
        for count, image in enumerate(content.images, start=1):
            await _upload(page, image, count, url=upload_url, patience=patience)
        # A last look while nothing is lost: the editor may have changed what it was given.
        if not same_text(await page.locator(Mark.WRITE_BODY).inner_text(), content.body):
            raise UiChanged("the editor shows another text", landmark=Mark.WRITE_BODY.label)


async def _type_title(page: Page, title: str, *, most: str | None) -> None:
    field, line = page.locator(Mark.WRITE_TITLE), normal_line(title)
    if not line or (most and len(line) > int(most)):
        raise PayloadInvalid(f"the title has {len(line)} characters, the site takes 1 to {most}")
    await field.fill(line)
    if not same_title(await field.input_value(), line):
        raise UiChanged("the editor shows another title", landmark=Mark.WRITE_TITLE.label)


async def _type_body(page: Page, body: str) -> None:
    """Type the text as a person would: paragraphs parted by Enter, nothing taken as HTML."""
    await page.locator(Mark.WRITE_BODY).focus()
    for number, line in enumerate(body.split("\n")):
        if number:
            await page.keyboard.press("Enter")
        if line:
            await page.keyboard.insert_text(line)


async def _upload(page: Page, image: Image, count: int, *, url: str, patience: Patience) -> None:
    """Upload one image and see it in the text before the next one follows."""
    file: FilePayload = {"name": image.name, "mimeType": image.media_type, "buffer": image.data}
    async with listening(page, _posted_to(url)) as answer:
        await page.locator(Mark.WRITE_IMAGES).set_input_files(file)
        response = await in_time(answer, patience.upload)
    if not response.ok:
        error = refusal(response)
        raise UploadFailed(error.detail) if isinstance(error, PayloadInvalid) else error
    shown = page.locator(f"{Mark.WRITE_BODY} img")
    try:
        await shown.nth(count - 1).wait_for(state="visible", timeout=patience.landmark * 1000)
        await shown.nth(count - 1).evaluate("image => image.decode()")
    except PageError:
        raise UploadFailed(f"image {count} was taken and does not show") from None
    if await shown.count() != count:
        raise UploadFailed(f"the text shows {await shown.count()} images instead of {count}")


async def submit(page: Page, intent: Intent, *, patience: Patience) -> Published:
    """Send the article once.

    Before the intent is stored nothing is sent. After it, a refusal by the site is raised as what
    it is, and everything else that is not the article's own page is `OutcomeUnknown`.
    """
    async with translated(page):
        url = await _address(page, "data-submit-url")
    await intent.submitting()
    try:
        async with listening(page, _posted_to(url)) as answer:
            await page.locator(Mark.WRITE_SUBMIT).click(timeout=patience.landmark * 1000)
            response = await in_time(answer, patience.submit)
    except (ConnectorError, PageError) as error:
        raise OutcomeUnknown(f"sent, then {type(error).__name__}") from None
    if not response.ok:
        refused = refusal(response)
        if isinstance(refused, NetworkError | SiteTimeout):
            raise OutcomeUnknown(f"sent, then {refused.detail}")
        raise refused
    return await _arrive_at_article(page, response, patience)


async def _arrive_at_article(page: Page, response: Response, patience: Patience) -> Published:
    slower = Patience(landmark=patience.page)
    try:
        await arrive(page, response, Mark.ARTICLE_PAGE, patience=slower)
        async with translated(page):
            article_id = await page.locator(Mark.ARTICLE_PAGE).get_attribute("data-article-id")
    except ConnectorError as error:
        raise OutcomeUnknown(f"sent and taken, then {type(error).__name__}") from None
    return Published(id=str(article_id), url=page.url)


async def _address(page: Page, attribute: str) -> str:
    return urljoin(page.url, await page.locator(Mark.WRITE_FORM).get_attribute(attribute))


def _posted_to(url: str) -> Callable[[Request], bool]:
    return lambda request: request.method == "POST" and request.url == url
