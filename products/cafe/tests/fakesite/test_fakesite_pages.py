"""Every page as a visitor meets it, without faults."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tenantry_cafe.fakesite.server import RunningSite, running_site
from tenantry_cafe.fakesite.visitor import Visitor, find_value, make_png

Visit = Callable[..., Visitor]


def page_of(html: str) -> str:
    found = re.search(r'<body data-page="([^"]*)">', html)
    assert found
    return found[1]


def ids_of(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'<li data-article-id="(\d+)"', html)]


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", "home"),
        ("/login", "login"),
        ("/cafes/market/", "cafe"),
        ("/cafes/craft/boards/orders/", "board"),
        ("/me", "me"),
        ("/me/posts", "my-posts"),
        ("/cafes/market/boards/sale/write", "write"),
    ],
)
def test_page_is_shown_to_a_member(seller: Visitor, path: str, page: str) -> None:
    answer = seller.get(path)
    assert (answer.status, page_of(answer.text)) == (200, page)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/cafes/nowhere/",
        "/cafes/market/boards/nowhere/",
        "/cafes/market/boards/nowhere/write",
        "/articles/1",
        "/uploads/00000000000000000000000000000000.png",
        "/uploads/../cafe.sqlite3",
        "/static/nothing.js",
        "/captcha/00000000000000000000000000000000.svg",
    ],
)
def test_missing_page_is_a_refusal(seller: Visitor, path: str) -> None:
    answer = seller.get(path)
    assert answer.status == (410 if path.startswith("/captcha") else 404)
    assert page_of(answer.text) == "refusal"


def test_wrong_method_names_the_right_one(seller: Visitor) -> None:
    answer = seller.post_form("/me")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


def test_head_has_the_headers_and_no_body(seller: Visitor) -> None:
    shown, asked = seller.get("/"), seller.request("HEAD", "/")
    assert (asked.status, asked.body) == (200, b"")
    assert asked.headers["Content-Length"] == str(len(shown.body))


def test_static_files_are_served(seller: Visitor) -> None:
    types = {name: seller.get(f"/static/{name}") for name in ("cafe.css", "editor.js")}
    assert {name: answer.headers["Content-Type"] for name, answer in types.items()} == {
        "cafe.css": "text/css; charset=utf-8",
        "editor.js": "text/javascript; charset=utf-8",
    }


def test_login_starts_a_session_of_thirty_days(site: RunningSite, visit: Visit) -> None:
    visitor = visit()
    answer = visitor.log_in("seller01", site.password, target="/me")
    assert (answer.status, answer.location) == (303, "/me")
    (cookie,) = answer.headers.get_all("Set-Cookie", [])
    assert cookie.startswith("cafe_session=")
    assert "; Max-Age=2592000; " in cookie
    assert "; HttpOnly; " in cookie
    expires = re.search(r"Expires=([^;]+)", cookie)
    assert expires
    left = parsedate_to_datetime(expires[1]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)
    me = visitor.get("/me").text
    assert '<strong data-landmark="signed-in-as" data-login="seller01">' in me
    shown = re.search(r'id="session-expires" datetime="([^"]+)"', me)
    assert shown
    assert abs(datetime.fromisoformat(shown[1]) - parsedate_to_datetime(expires[1])) < timedelta(
        seconds=2
    )


@pytest.mark.parametrize(("login", "password"), [("seller01", "wrong"), ("nobody", "x"), ("", "")])
def test_wrong_password_says_so_and_keeps_the_id(visit: Visit, login: str, password: str) -> None:
    visitor = visit()
    answer = visitor.log_in(login, password, target="/me")
    assert 'data-landmark="login-error"' in answer.text
    assert f'name="login" value="{login}"' in answer.text
    assert find_value(answer.text, "next") == "/me"
    assert visitor.get("/me").location == "/login?next=/me"


@pytest.mark.parametrize("target", ["https://example.org/", "//example.org", "/\\example.org", ""])
def test_login_never_leads_off_the_site(site: RunningSite, visit: Visit, target: str) -> None:
    assert visit().log_in("seller01", site.password, target=target).location == "/"


@pytest.mark.parametrize("path", ["/login", "/logout", "/login/captcha", "/login/two-factor"])
def test_form_without_its_token_is_refused(seller: Visitor, path: str) -> None:
    answer = seller.post_form(path, csrf_token="forged", login="seller01", password="x")
    assert (answer.status, page_of(answer.text)) == (403, "refusal")
    assert 'data-code="csrf_failed"' in answer.text


def test_logout_ends_the_session_on_the_server(site: RunningSite, seller: Visitor) -> None:
    session = seller.cookies["cafe_session"]
    assert seller.post_form("/logout").status == 303
    assert seller.cookies["cafe_session"] == ""
    seller.cookies["cafe_session"] = session
    assert seller.get("/me").status == 303
    assert site.control.expire_sessions("seller01") == 0


@pytest.mark.parametrize("path", ["/me", "/me/posts", "/cafes/market/boards/sale/write"])
def test_stranger_is_led_to_the_login_and_back(site: RunningSite, visit: Visit, path: str) -> None:
    visitor = visit()
    location = visitor.get(path).location
    assert location == f"/login?next={path}"
    assert find_value(visitor.get(location).text, "next") == path
    assert visitor.log_in("seller01", site.password, target=path).location == path


def test_article_is_stored_and_shown(site: RunningSite, seller: Visitor) -> None:
    picture = make_png()
    image = seller.upload(picture).json()["url"]
    answer = seller.submit("market", "sale", " 감자  팝니다 ", f'<p>한 상자</p><img src="{image}">')
    assert (answer.status, answer.json()) == (201, {"id": 1, "url": "/articles/1"})
    (article,) = site.control.articles()
    created_at = article.pop("created_at")
    assert abs(created_at - datetime.now(UTC).timestamp()) < 30
    assert article == {
        "id": 1,
        "cafe": "market",
        "board": "sale",
        "author": "seller01",
        "nickname": "햇살상점",
        "title": "감자 팝니다",
        "body": f'<p>한 상자</p><img src="{image}" alt="">',
        "images": 1,
        "url": "/articles/1",
    }
    shown = seller.get("/articles/1").text
    assert '<h1 class="article-title">감자 팝니다</h1>' in shown
    assert f'<div class="article-body">{article["body"]}</div>' in shown
    served = seller.get(image)
    assert (served.headers["Content-Type"], served.body) == ("image/png", picture)


def test_equal_articles_are_all_kept(site: RunningSite, seller: Visitor) -> None:
    for _ in range(3):
        assert seller.submit("market", "sale", "같은 글", "<p>같은 내용</p>").status == 201
    assert [a["id"] for a in site.control.articles("seller01", "sale")] == [3, 2, 1]
    assert site.control.articles("seller02") == []
    assert site.control.articles(board="free") == []


def test_my_posts_are_own_articles_newest_first_by_pages(seller: Visitor, visit: Visit) -> None:
    other = visit("seller02")
    for number in range(1, 24):
        writer = other if number == 5 else seller
        writer.submit("craft", "orders", f"글 {number}", "<p>x</p>")
    first, second = seller.get("/me/posts"), seller.get("/me/posts?page=2")
    assert ids_of(first.text) == [*range(23, 5, -1), 4, 3]
    assert ids_of(second.text) == [2, 1]
    assert '<a rel="next" href="?page=2">' in first.text
    assert 'rel="next"' not in second.text
    assert 'data-total="22"' in second.text
    assert ids_of(other.get("/me/posts").text) == [5]
    for page in ("99", "0", "-1", "x", "9" * 30, "%C2%B2"):
        assert seller.get(f"/me/posts?page={page}").status == 200


def test_board_lists_its_articles(seller: Visitor) -> None:
    seller.submit("market", "sale", "<b>감자</b> & 무", "<p>x</p>")
    seller.submit("market", "free", "안녕", "<p>x</p>")
    page = seller.get("/cafes/market/boards/sale/").text
    assert ids_of(page) == [1]
    assert "&lt;b&gt;감자&lt;/b&gt; &amp; 무" in page


@pytest.mark.parametrize(
    ("board", "login", "status"),
    [
        ("members", "seller01", 201),
        ("members", "seller02", 403),
        ("notice", "seller01", 403),
        ("nowhere", "seller01", 404),
    ],
)
def test_board_lets_write_whom_it_should(
    site: RunningSite, visit: Visit, board: str, login: str, status: int
) -> None:
    visitor = visit(login)
    page = visitor.get(f"/cafes/market/boards/{board}/write")
    answer = visitor.submit("market", board, "제목", "<p>본문</p>")
    assert (page.status, answer.status) == (200 if status == 201 else status, status)
    assert len(site.control.articles()) == (1 if status == 201 else 0)
    if status == 403:
        assert 'data-code="permission_denied"' in page.text
        assert answer.json()["code"] == "permission_denied"


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("", "<p>본문</p>"),
        ("  \n ", "<p>본문</p>"),
        ("가" * 101, "<p>본문</p>"),
        ("제목", ""),
        ("제목", "<p><br></p>&nbsp;"),
        ("제목", "<script>alert(1)</script>"),
        ("제목", "가" * 200_001),
    ],
)
def test_article_is_checked(site: RunningSite, seller: Visitor, title: str, body: str) -> None:
    answer = seller.submit("market", "sale", title, body)
    assert (answer.status, answer.json()["code"]) == (422, "invalid")
    assert site.control.articles() == []


def test_article_takes_ten_images_and_no_more(seller: Visitor) -> None:
    image = f'<img src="{seller.upload(make_png()).json()["url"]}">'
    assert seller.submit("market", "sale", "열 장", image * 10).status == 201
    assert seller.submit("market", "sale", "열한 장", image * 11).json()["code"] == "invalid"


@pytest.mark.parametrize("sent", [b"", b"[]", b"{", b'{"title": 1, "body": "x"}', b"\xff"])
def test_article_that_is_no_json_is_refused(seller: Visitor, sent: bytes) -> None:
    headers = {"X-CSRF-Token": seller.cookies["cafe_csrf"]}
    answer = seller.request("POST", "/cafes/market/boards/sale/articles", sent, headers)
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (make_png(), 201),
        (b"\xff\xd8\xff\xe0 picture \xff\xd9", 201),
        (b"GIF89a picture ;", 201),
        (b"RIFF\x08\x00\x00\x00WEBPVP8 ", 201),
        (b"", 415),
        (b"<html>", 415),
        (make_png()[:-4], 415),
        (make_png() + b"tail", 415),
        (b"RIFF\xff\x00\x00\x00WEBPVP8 ", 415),
        (make_png() + b"x" * (10 * 1024 * 1024), 413),
    ],
)
def test_upload_tells_images_by_their_bytes(seller: Visitor, data: bytes, status: int) -> None:
    assert seller.upload(data).status == status


@pytest.mark.parametrize("step", ["upload", "submit"])
def test_editor_calls_need_session_and_token(visit: Visit, step: str) -> None:
    def call(visitor: Visitor) -> tuple[int, str]:
        answer = (
            visitor.upload(make_png())
            if step == "upload"
            else visitor.submit("market", "sale", "제목", "<p>x</p>")
        )
        return answer.status, answer.json()["code"]

    stranger, member = visit(), visit("seller01")
    member.cookies["cafe_csrf"] = ""
    assert call(stranger) == (401, "login_required")
    assert call(member) == (403, "csrf_failed")


def test_everything_outlives_a_restart(tmp_path: Path) -> None:
    with running_site(tmp_path, token="t") as first:
        writer = Visitor(first.url)
        writer.log_in("seller01", first.password)
        image = writer.upload(make_png()).json()["url"]
        writer.submit("market", "sale", "남는 글", f'<img src="{image}">')
        first.control.set_fault("rate_limit")
        writer.close()
    with running_site(tmp_path, token="t") as second:
        reader = Visitor(second.url)
        reader.cookies = writer.cookies
        assert 'data-login="seller01"' in reader.get("/me").text
        assert [a["title"] for a in second.control.articles()] == ["남는 글"]
        assert reader.get(image).status == 200
        assert second.control.faults() == []
        reader.close()


def test_pages_stay_fast_with_thousands_of_articles(site: RunningSite, seller: Visitor) -> None:
    for number in range(5000):
        site.site.store.add_article(
            cafe="market",
            board="sale",
            author="seller01",
            title=f"글 {number}",
            body="<p>x</p>",
            images=0,
            now=site.site.now(),
        )

    def best(path: str) -> float:
        clock = site.site.now
        times = []
        for _ in range(20):
            start = clock()
            assert seller.get(path).status == 200
            times.append(clock() - start)
        return min(times)

    for path in ("/me/posts?page=200", "/cafes/market/boards/sale/", "/articles/4000"):
        assert best(path) < 0.005
