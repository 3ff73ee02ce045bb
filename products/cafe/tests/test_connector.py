"""The connector beyond the contract: what it refuses, finds, steers by and never does."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from pytest_django import Settings

from tenantry.sdk import (
    BrowserFailed,
    Content,
    NetworkError,
    OutcomeUnknown,
    PayloadInvalid,
    Proof,
    Published,
    TargetNotFound,
    UiChanged,
)
from tenantry.sdk.browser import Page, Response, Route
from tenantry.sdk.testing import BrowserBench, RecordedIntent
from tenantry_cafe import reading
from tenantry_cafe.connector import BrowserConnector, SiteNotSet
from tenantry_cafe.fakesite.visitor import Visitor
from tenantry_cafe.landmarks import _OPTIONAL, WALLS, Mark, survey
from tenantry_cafe.walking import listening, retry_after

from .conftest import BODY, CafeUnderTest

pytestmark = pytest.mark.enable_socket

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def visitor(cafe: CafeUnderTest) -> Iterator[Visitor]:
    with closing(Visitor(cafe.running.url)) as walking:
        assert walking.log_in("seller01", cafe.running.password).status == 303
        yield walking


def publish(bench: BrowserBench, cafe: CafeUnderTest, content: Content) -> tuple[Published, Proof]:
    async def verb(page: Page) -> tuple[Published, Proof]:
        await cafe.connector.sign_in(page, cafe.credentials())
        published = await cafe.connector.publish(page, content, RecordedIntent())
        return published, await cafe.connector.read_back(page, published, content)

    return bench.run(verb)


def find(
    bench: BrowserBench,
    cafe: CafeUnderTest,
    content: Content,
    *,
    since: datetime = EPOCH,
    known: frozenset[str] = NOTHING,
) -> Published | None:
    async def verb(page: Page) -> Published | None:
        await cafe.connector.sign_in(page, cafe.credentials())
        return await cafe.connector.find_published(page, content, since, known)

    return bench.run(verb)


def test_site_address_is_read_when_it_is_needed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = BrowserConnector()
    monkeypatch.delenv("CAFE_SITE_URL", raising=False)
    with pytest.raises(SiteNotSet, match="Set CAFE_SITE_URL"):
        connector.origins()
    monkeypatch.setenv("CAFE_SITE_URL", "http://127.0.0.1:9/")
    assert (connector.base, connector.origins()) == (
        "http://127.0.0.1:9",
        ("http://127.0.0.1:9",),
    )
    settings.CAFE_SITE_URL = "https://cafe.example:8443/inner"
    assert connector.base == "https://cafe.example:8443/inner"
    assert connector.origins() == ("https://cafe.example:8443",)
    settings.CAFE_SITE_URL = "file:///etc/passwd"
    with pytest.raises(SiteNotSet):
        connector.origins()


def test_missing_site_is_refused_by_every_verb(
    bench: BrowserBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAFE_SITE_URL", raising=False)
    with pytest.raises(SiteNotSet) as caught:
        bench.run(BrowserConnector().check)
    assert caught.value.code == "UNKNOWN"


def test_unreachable_site_is_a_network_error(bench: BrowserBench) -> None:
    with pytest.raises(NetworkError) as caught:
        bench.run(BrowserConnector(base_url="http://127.0.0.1:9").check)
    assert caught.value.detail.startswith("ERR_")


@pytest.mark.parametrize("target", ["market/nowhere", "nowhere/sale"])
def test_unknown_board_is_not_found(bench: BrowserBench, cafe: CafeUnderTest, target: str) -> None:
    with pytest.raises(TargetNotFound):
        publish(bench, cafe, cafe.content("t", target=target))


@pytest.mark.parametrize("target", ["market", "", "/sale", "market/", "market/sale/more"])
def test_malformed_target_is_refused(bench: BrowserBench, cafe: CafeUnderTest, target: str) -> None:
    with pytest.raises(PayloadInvalid, match="not cafe/board"):
        publish(bench, cafe, cafe.content("t", target=target))


@pytest.mark.parametrize(("title", "length"), [("제" * 101, 101), (" ", 0)])
def test_title_that_the_site_cannot_take_is_refused(
    bench: BrowserBench, cafe: CafeUnderTest, title: str, length: int
) -> None:
    with pytest.raises(PayloadInvalid, match=f"{length} characters, the site takes 1 to 100"):
        publish(bench, cafe, cafe.content(title))
    assert cafe.control.articles() == []


def test_text_is_typed_as_text(bench: BrowserBench, cafe: CafeUnderTest) -> None:
    title = "제목 <i>그대로</i>  {{date}} 🍅"
    published, proof = publish(bench, cafe, cafe.content(title, images=3))
    (article,) = cafe.control.articles()
    assert proof == Proof(
        url=published.url, title=" ".join(title.split()), matches=True, image_count=3
    )
    assert str(article["id"]) == published.id
    assert "&lt;b&gt;그대로&lt;/b&gt;" in article["body"]
    assert (article["cafe"], article["board"], article["images"]) == ("market", "sale", 3)


@pytest.mark.parametrize(
    "change", [{"body": BODY + "!"}, {"title": "Other"}, {"images": ()}], ids=str
)
def test_read_back_sees_every_difference(
    bench: BrowserBench, cafe: CafeUnderTest, change: dict[str, Any]
) -> None:
    content = cafe.content("Title", images=1)

    async def verb(page: Page) -> bool:
        await cafe.connector.sign_in(page, cafe.credentials())
        published = await cafe.connector.publish(page, content, RecordedIntent())
        other = replace(content, **change)
        return (await cafe.connector.read_back(page, published, other)).matches

    assert bench.run(verb) is False


def test_read_back_of_a_missing_article_says_so(bench: BrowserBench, cafe: CafeUnderTest) -> None:
    gone = Published(id="7", url=f"{cafe.running.url}/articles/7")
    with pytest.raises(TargetNotFound):
        bench.run(lambda page: cafe.connector.read_back(page, gone, cafe.content("t")))


@profile(
    max_examples=8,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    title=st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=100),
    body=st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.just("\n"), min_size=1),
)
def test_any_text_survives_the_site(
    bench: BrowserBench, cafe: CafeUnderTest, title: str, body: str
) -> None:
    content = Content(title=title, body=f"{body}.", target="market/free", digest="")
    _published, proof = publish(bench, cafe, content)
    assert proof.matches


def test_find_tells_equal_posts_apart(bench: BrowserBench, cafe: CafeUnderTest) -> None:
    content = cafe.content("Every day the same", images=0)
    first, _proof = publish(bench, cafe, content)
    second, _proof = publish(bench, cafe, content)
    assert find(bench, cafe, content) == second
    assert find(bench, cafe, content, known=frozenset({second.id})) == first
    assert find(bench, cafe, content, known=frozenset({first.id, second.id})) is None


def test_find_compares_more_than_the_title(
    bench: BrowserBench, cafe: CafeUnderTest, visitor: Visitor
) -> None:
    content = cafe.content("Same title", images=0)
    published, _proof = publish(bench, cafe, content)
    assert visitor.submit("market", "sale", "Same title", "<p>another text</p>").status == 201
    assert visitor.submit("market", "free", "Same title", "<p>another board</p>").status == 201
    assert find(bench, cafe, content) == published


def test_find_walks_older_pages(bench: BrowserBench, cafe: CafeUnderTest, visitor: Visitor) -> None:
    content = cafe.content("The oldest", images=0)
    published, _proof = publish(bench, cafe, content)
    for number in range(45):
        assert visitor.submit("market", "free", f"noise {number}", "<p>x</p>").status == 201
    assert find(bench, cafe, content) == published


def test_find_trusts_no_list_that_changes(
    bench: BrowserBench, cafe: CafeUnderTest, visitor: Visitor
) -> None:
    for number in range(25):
        visitor.submit("market", "free", f"noise {number}", "<p>x</p>")

    async def verb(page: Page) -> Published | None:
        await cafe.connector.sign_in(page, cafe.credentials())

        def post_one_more(response: Response) -> None:
            if response.url.endswith("/me/posts"):
                visitor.submit("market", "free", "one more", "<p>x</p>")

        page.on("response", post_one_more)
        return await cafe.connector.find_published(page, cafe.content("t"), EPOCH, NOTHING)

    with pytest.raises(OutcomeUnknown):
        bench.run(verb)


@pytest.mark.parametrize(("behind", "found"), [(1, True), (0, False)])
def test_find_reckons_with_the_site_clock(
    bench: BrowserBench, cafe: CafeUnderTest, behind: int, *, found: bool
) -> None:
    content = cafe.content("By the site's clock", images=0)
    publish(bench, cafe, content)
    since = datetime.now(UTC) + timedelta(minutes=30)

    async def set_clock(route: Route) -> None:
        response = await route.fetch()
        told = format_datetime(datetime.now(UTC) - timedelta(hours=behind), usegmt=True)
        await route.fulfill(response=response, headers={**response.headers, "date": told})

    async def verb(page: Page) -> Published | None:
        await cafe.connector.sign_in(page, cafe.credentials())
        await page.route("**/me/posts", set_clock)
        return await cafe.connector.find_published(page, content, since, NOTHING)

    assert (bench.run(verb) is not None) is found


def test_find_does_without_the_site_clock(bench: BrowserBench, cafe: CafeUnderTest) -> None:
    content = cafe.content("No clock", images=0)
    published, _proof = publish(bench, cafe, content)

    async def drop_clock(route: Route) -> None:
        response = await route.fetch()
        headers = {name: text for name, text in response.headers.items() if name != "date"}
        await route.fulfill(response=response, headers=headers)

    async def verb(page: Page) -> Published | None:
        await cafe.connector.sign_in(page, cafe.credentials())
        await page.route("**/me/posts", drop_clock)
        return await cafe.connector.find_published(page, content, datetime.now(UTC), NOTHING)

    assert bench.run(verb) == published


def test_find_does_not_walk_for_ever(
    bench: BrowserBench, cafe: CafeUnderTest, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MOST_PAGES", 2)
    for number in range(41):
        visitor.submit("market", "free", f"noise {number}", "<p>x</p>")
    with pytest.raises(OutcomeUnknown, match="more than 2 pages"):
        find(bench, cafe, cafe.content("t"))


def test_find_refuses_a_list_it_cannot_read(bench: BrowserBench, cafe: CafeUnderTest) -> None:
    publish(bench, cafe, cafe.content("A post", images=0))

    async def spoil(route: Route) -> None:
        response = await route.fetch()
        body = (await response.text()).replace("datetime=", "data-when=")
        await route.fulfill(response=response, body=body)

    async def verb(page: Page) -> Published | None:
        await cafe.connector.sign_in(page, cafe.credentials())
        await page.route("**/me/posts", spoil)
        return await cafe.connector.find_published(page, cafe.content("t"), EPOCH, NOTHING)

    with pytest.raises(UiChanged) as caught:
        bench.run(verb)
    assert caught.value.landmark == "posts.row"


def test_closed_page_is_a_browser_failure(bench: BrowserBench, cafe: CafeUnderTest) -> None:
    async def verb(page: Page) -> None:
        await page.close()
        await cafe.connector.check(page)

    with pytest.raises(BrowserFailed):
        bench.run(verb)


def test_page_lost_after_the_intent_leaves_the_outcome_open(
    bench: BrowserBench, cafe: CafeUnderTest
) -> None:
    cafe.control.set_fault("hold_submit", at="before")

    async def verb(page: Page) -> None:
        await cafe.connector.sign_in(page, cafe.credentials())
        task = asyncio.ensure_future(
            cafe.connector.publish(page, cafe.content("t", images=0), RecordedIntent())
        )
        await asyncio.to_thread(cafe.control.wait_until_held)
        await page.close()
        await task

    with pytest.raises(OutcomeUnknown):
        bench.run(verb)


def test_answer_nobody_asked_for_is_no_complaint(bench: BrowserBench, cafe: CafeUnderTest) -> None:
    async def verb(page: Page) -> bool:
        async with listening(page, lambda _request: True) as answer:
            await page.close()
        return answer.done()

    assert bench.run(verb) is True


PLACES = {
    "login": "/login",
    "me": "/me",
    "write": "/cafes/market/boards/sale/write",
    "article": "/articles/1",
    "posts": "/me/posts",
}


def test_every_landmark_is_on_its_page_once(bench: BrowserBench, cafe: CafeUnderTest) -> None:
    async def verb(page: Page) -> dict[str, str]:
        seen = {}
        await page.goto(f"{cafe.running.url}/login")
        seen["login"] = await survey(page, "login")
        await cafe.connector.sign_in(page, cafe.credentials())
        await cafe.connector.publish(page, cafe.content("t", images=0), RecordedIntent())
        for place, path in list(PLACES.items())[1:]:
            await page.goto(cafe.running.url + path)
            seen[place] = await survey(page, place)
        return seen

    def all_once(place: str) -> str:
        marks = [mark for mark in Mark if mark.place == place and mark not in _OPTIONAL]
        return f"{', '.join(f'{mark.label} 1' for mark in marks)} (landmarks 2026.1)"

    assert bench.run(verb) == {place: all_once(place) for place in PLACES}
    assert {mark.place for mark in Mark} == {*PLACES, *(wall.place for wall in WALLS)}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 0 "}, 0),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "Mon, 02 Mar 2026 10:00:30 GMT"}, None),
        (
            {
                "retry-after": "Mon, 02 Mar 2026 10:00:30 GMT",
                "date": "Mon, 02 Mar 2026 10:00:00 GMT",
            },
            30,
        ),
        (
            {
                "retry-after": "Mon, 02 Mar 2026 09:00:00 GMT",
                "date": "Mon, 02 Mar 2026 10:00:00 GMT",
            },
            0,
        ),
    ],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], seconds: int | None) -> None:
    assert retry_after(headers) == seconds
