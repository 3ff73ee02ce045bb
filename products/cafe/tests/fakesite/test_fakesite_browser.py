"""The site in a real browser: what the editor's script does cannot be seen over plain HTTP."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tenantry_cafe.fakesite.server import RunningSite
from tenantry_cafe.fakesite.visitor import make_png

WRITE = "/cafes/market/boards/sale/write"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium-headless-shell or chromium on the PATH")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, site: RunningSite) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, locale="ko-KR")
    context.set_default_timeout(10_000)
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    yield opened
    context.close()
    assert troubles == []


def sign_in(page: Page, site: RunningSite, target: str = WRITE) -> None:
    page.goto(target)
    page.fill("#login", "seller01")
    page.fill("#password", site.password)
    page.click("#login-submit")
    page.wait_for_url(f"**{target}")


def picture(name: str) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": make_png(64, 48)}


def test_member_writes_an_article_with_images(site: RunningSite, page: Page) -> None:
    sign_in(page, site)
    page.fill("#post-title", "텃밭 토마토 나눔")
    page.click("#post-body")
    page.keyboard.insert_text("오늘 딴 토마토입니다.\n두 번째 줄")
    page.set_input_files("#post-images", [picture("a.png"), picture("b.png")])
    expect(page.locator("#upload-status")).to_have_attribute("data-done", "2")
    page.click("#post-submit")
    page.wait_for_url("**/articles/1")
    expect(page.locator("[data-landmark=article]")).to_have_attribute("data-article-id", "1")
    expect(page.locator(".article-title")).to_have_text("텃밭 토마토 나눔")
    expect(page.locator(".article-body")).to_contain_text("오늘 딴 토마토입니다.")
    widths = page.locator(".article-body img").evaluate_all("all => all.map(i => i.naturalWidth)")
    assert widths == [64, 64]
    page.goto("/me/posts")
    expect(page.locator("#my-posts [data-article-id='1'] .article-link")).to_have_text(
        "텃밭 토마토 나눔"
    )
    (article,) = site.control.articles()
    assert (article["author"], article["images"]) == ("seller01", 2)


def test_changed_editor_still_works_for_people(site: RunningSite, page: Page) -> None:
    site.control.set_fault("ui_changed")
    sign_in(page, site)
    page.fill(".composer-head", "새 화면에서 쓴 글")
    page.fill(".composer-canvas", "본문")
    page.click(".composer-publish")
    page.wait_for_url("**/articles/1")
    assert [a["title"] for a in site.control.articles()] == ["새 화면에서 쓴 글"]


def test_double_click_posts_once(site: RunningSite, page: Page) -> None:
    sign_in(page, site)
    site.control.latency(100)
    page.fill("#post-title", "한 번만")
    page.fill("#post-body", "본문")
    page.dblclick("#post-submit")
    page.wait_for_url("**/articles/1")
    assert len(site.control.articles()) == 1


@pytest.mark.parametrize(
    ("fault", "code", "stored"),
    [
        ({"name": "rate_limit", "where": "submit", "retry_after": 9}, "rate_limited", 0),
        ({"name": "server_error", "where": "submit"}, "server_error", 0),
        ({"name": "submit_refused"}, "submit_refused", 0),
        ({"name": "network_cut", "step": "submit_before"}, "network", 0),
        ({"name": "network_cut", "step": "submit_after"}, "network", 1),
        ({"name": "accept_then_timeout", "seconds": 0.2}, "server_error", 1),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_failed_submit_is_told_in_the_editor(
    site: RunningSite, page: Page, fault: dict[str, object], code: str, stored: int
) -> None:
    sign_in(page, site)
    options = {key: value for key, value in fault.items() if key != "name"}
    site.control.set_fault(str(fault["name"]), **options)  # type: ignore[arg-type]
    page.fill("#post-title", "제목")
    page.fill("#post-body", "본문")
    page.click("#post-submit")
    message = page.locator("[data-editor-message]")
    expect(message).to_be_visible()
    expect(message).to_have_attribute("data-code", code)
    assert message.get_attribute("data-retry-after") == ("9" if code == "rate_limited" else None)
    assert len(site.control.articles()) == stored


def test_browser_sends_a_submit_again_when_a_cut_allows_it(site: RunningSite, page: Page) -> None:
    """One click, two articles: the hazard is the browser's own, and real."""
    sign_in(page, site)
    site.control.set_fault("network_cut", step="submit_after", resend="allow", times=1)
    page.fill("#post-title", "제목")
    page.fill("#post-body", "본문")
    page.click("#post-submit")
    page.wait_for_url("**/articles/2")
    assert len(site.control.articles()) == 2


def test_cut_page_fails_in_the_browser(site: RunningSite, page: Page) -> None:
    sign_in(page, site)
    site.control.set_fault("network_cut", times=1)
    with pytest.raises(PlaywrightError, match="ERR_CONNECTION_RESET"):
        page.goto("/me")
    page.wait_for_url("chrome-error://**")  # else the error page interrupts the next visit
    page.goto("/me")
    expect(page.locator("[data-landmark=signed-in-as]")).to_have_text("seller01")


def test_refused_upload_is_told_in_the_editor(site: RunningSite, page: Page) -> None:
    sign_in(page, site)
    site.control.set_fault("upload_refused", times=1)
    page.set_input_files("#post-images", [picture("a.png"), picture("b.png")])
    status = page.locator("#upload-status")
    expect(status).to_have_attribute("data-pending", "0")
    assert (status.get_attribute("data-done"), status.get_attribute("data-failed")) == ("1", "1")
    expect(page.locator("[data-editor-message]")).to_have_attribute("data-code", "upload_refused")
    expect(page.locator("#post-body img")).to_have_count(1)


def test_logout_mid_post_leads_to_the_login_form(site: RunningSite, page: Page) -> None:
    sign_in(page, site)
    site.control.set_fault("logout_mid_post")
    page.fill("#post-title", "제목")
    page.fill("#post-body", "본문")
    page.click("#post-submit")
    page.wait_for_url("**/login?next=*")
    expect(page.locator("#login-form")).to_be_visible()
    assert site.control.articles() == []


def test_person_solves_the_captcha_by_looking(site: RunningSite, page: Page) -> None:
    site.control.set_fault("captcha", where="write", times=1)
    sign_in(page, site)
    expect(page.locator("[data-landmark=captcha-wall]")).to_be_visible()
    loaded = page.locator("img.captcha").evaluate("image => image.naturalWidth > 0")
    assert loaded is True
