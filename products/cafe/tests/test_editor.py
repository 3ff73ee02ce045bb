"""An editor that does not do as it is told: nothing is sent."""

import pytest

from tenantry.sdk import ConnectorError, TargetNotFound, UiChanged, UploadFailed
from tenantry.sdk.browser import Page, Route
from tenantry.sdk.testing import BrowserBench, RecordedIntent

from .conftest import CafeUnderTest

pytestmark = pytest.mark.enable_socket

PAGE, SCRIPT = "**/write", "**/static/editor.js"
SHOUT = """
const line = document.querySelector("#post-title");
line.addEventListener("input", () => { line.value = line.value.toUpperCase(); });
"""
END = 'submit.addEventListener("click", post);'
CHANGES: dict[str, tuple[str, str, str, type[ConnectorError], str]] = {
    "another board": (PAGE, 'data-board="sale"', 'data-board="free"', TargetNotFound, ""),
    "no button": (PAGE, 'id="post-submit"', 'id="send"', UiChanged, "write.submit"),
    "two titles": (PAGE, "<textarea", '<i id="post-title"></i><textarea', UiChanged, "write.title"),
    "text of its own": (PAGE, "></div>\n</form>", ">Hello</div></form>", UiChanged, "write.body"),
    "shouting title": (SCRIPT, END, END + SHOUT, UiChanged, "write.title"),
    "image lost": (SCRIPT, "body.append(paragraph)", "", UploadFailed, ""),
    "image twice": (
        SCRIPT,
        "body.append(paragraph)",
        "body.append(paragraph, paragraph.cloneNode(true))",
        UploadFailed,
        "",
    ),
    "image broken": (SCRIPT, "image.src = url", 'image.src = "/uploads/0.png"', UploadFailed, ""),
}


@pytest.mark.parametrize(
    ("where", "old", "new", "raises", "landmark"), CHANGES.values(), ids=CHANGES.keys()
)
def test_odd_editor_is_noticed_before_anything_is_sent(
    bench: BrowserBench,
    cafe: CafeUnderTest,
    where: str,
    old: str,
    new: str,
    raises: type[ConnectorError],
    landmark: str,
) -> None:
    intent = RecordedIntent()

    async def change(route: Route) -> None:
        response = await route.fetch()
        text = await response.text()
        assert text.count(old) == 1
        await route.fulfill(response=response, body=text.replace(old, new))

    async def verb(page: Page) -> None:
        await cafe.connector.sign_in(page, cafe.credentials())
        await page.route(where, change)
        await cafe.connector.publish(page, cafe.content("a title"), intent)

    with pytest.raises(raises) as caught:
        bench.run(verb)
    assert type(caught.value) is raises
    assert getattr(caught.value, "landmark", "") == landmark
    assert (intent.asked, cafe.control.articles()) == (0, [])
