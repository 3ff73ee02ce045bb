"""The pages one reads: cafes, boards, articles, the account, its posts, images, static files."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote

from tenantry_cafe.fakesite import images
from tenantry_cafe.fakesite.catalogue import CAFES, Board, Cafe, find_cafe
from tenantry_cafe.fakesite.site import Site
from tenantry_cafe.fakesite.store import Article, Session
from tenantry_cafe.fakesite.web import Refusal, Request, Response, redirect

PAGE_SIZE = 20
_PAGE_DIGITS = 8  # a longer page number is nonsense
_KOREA = timezone(timedelta(hours=9))
_STATIC = {
    name: (content_type, (Path(__file__).parent / "static" / name).read_bytes())
    for name, content_type in (
        ("cafe.css", "text/css; charset=utf-8"),
        ("editor.js", "text/javascript; charset=utf-8"),
        ("favicon.svg", "image/svg+xml"),
    )
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """An article as templates show it; numbers are texts, because templates would localise them."""

    id: str
    title: str
    author: str
    nickname: str
    body: str
    images: str
    url: str
    cafe: str
    cafe_name: str
    board: str
    board_name: str
    iso: str
    shown: str


def find_place(cafe_slug: str, board_slug: str) -> tuple[Cafe, Board]:
    """Find the cafe and its board. Raises `Refusal` (404)."""
    cafe = find_cafe(cafe_slug)
    board = cafe.find_board(board_slug) if cafe else None
    if cafe is None or board is None:
        raise Refusal(404, "not_found", "없는 게시판입니다. 주소를 다시 확인해 주세요.")
    return cafe, board


def require_session(site: Site, request: Request) -> Session | Response:
    """Give the visitor's session, or the way to the login form and back."""
    session = site.session_of(request)
    return session or redirect(login_url(request.target))


def login_url(target: str) -> str:
    """Give the address of the login form that leads back to `target`."""
    return f"/login?next={quote(target)}"


def show_home(site: Site, request: Request, _path: Mapping[str, str]) -> Response:
    """Show the cafes."""
    return site.page(request, "home.html", cafes=CAFES)


def show_cafe(site: Site, request: Request, path: Mapping[str, str]) -> Response:
    """Show the boards of a cafe and its latest articles."""
    cafe = find_cafe(path["cafe"])
    if cafe is None:
        raise Refusal(404, "not_found", "없는 카페입니다. 주소를 다시 확인해 주세요.")
    boards = [
        {"board": board, "count": str(site.store.count_articles(cafe=cafe.slug, board=board.slug))}
        for board in cafe.boards
    ]
    latest = [_row(article) for article in site.store.list_articles(cafe=cafe.slug, limit=5)]
    return site.page(request, "cafe.html", cafe=cafe, boards=boards, latest=latest)


def show_board(site: Site, request: Request, path: Mapping[str, str]) -> Response:
    """Show a page of the articles of a board, newest first."""
    cafe, board = find_place(path["cafe"], path["board"])
    total = site.store.count_articles(cafe=cafe.slug, board=board.slug)
    pager = _pager(request, total)
    articles = site.store.list_articles(
        cafe=cafe.slug, board=board.slug, limit=PAGE_SIZE, offset=(pager["number"] - 1) * PAGE_SIZE
    )
    return site.page(
        request,
        "board.html",
        cafe=cafe,
        board=board,
        articles=[_row(article) for article in articles],
        total=str(total),
        pager=_as_text(pager),
    )


def show_article(site: Site, request: Request, path: Mapping[str, str]) -> Response:
    """Show an article to anybody."""
    article = site.store.find_article(int(path["article"]))
    if article is None:
        raise Refusal(404, "not_found", "삭제되었거나 없는 글입니다.")
    return site.page(request, "article.html", article=_row(article))


def show_me(site: Site, request: Request, _path: Mapping[str, str]) -> Response:
    """Show who is signed in, and until when."""
    session = require_session(site, request)
    if isinstance(session, Response):
        return session
    expires = datetime.fromtimestamp(session.expires_at, UTC)
    return site.page(
        request,
        "me.html",
        expires_iso=expires.isoformat(timespec="seconds"),
        expires_shown=_in_korea(session.expires_at),
        posts=str(site.store.count_articles(author=session.account.login)),
    )


def show_my_posts(site: Site, request: Request, _path: Mapping[str, str]) -> Response:
    """Show a page of the visitor's own articles, newest first."""
    session = require_session(site, request)
    if isinstance(session, Response):
        return session
    author = session.account.login
    total = site.store.count_articles(author=author)
    pager = _pager(request, total)
    articles = site.store.list_articles(
        author=author, limit=PAGE_SIZE, offset=(pager["number"] - 1) * PAGE_SIZE
    )
    return site.page(
        request,
        "my_posts.html",
        articles=[_row(article) for article in articles],
        total=str(total),
        pager=_as_text(pager),
    )


def serve_image(site: Site, _request: Request, path: Mapping[str, str]) -> Response:
    """Serve an uploaded image."""
    name = path["name"]
    try:
        data = (site.store.uploads / name).read_bytes()
    except FileNotFoundError:
        raise Refusal(404, "not_found", "없는 사진입니다.") from None
    content_type = images.CONTENT_TYPES[name.rsplit(".", 1)[1]]
    headers = [("Content-Type", content_type), ("Cache-Control", "public, max-age=86400")]
    return Response(headers=headers, body=data)


def serve_static(_site: Site, _request: Request, path: Mapping[str, str]) -> Response:
    """Serve the style sheet, the script or the icon."""
    if path["name"] not in _STATIC:
        raise Refusal(404, "not_found", "없는 파일입니다.")
    content_type, data = _STATIC[path["name"]]
    headers = [("Content-Type", content_type), ("Cache-Control", "public, max-age=60")]
    return Response(headers=headers, body=data)


def _row(article: Article) -> Row:
    cafe, board = find_place(article.cafe, article.board)
    return Row(
        id=str(article.id),
        title=article.title,
        author=article.author,
        nickname=article.nickname,
        body=article.body,
        images=str(article.images) if article.images else "",
        url=f"/articles/{article.id}",
        cafe=cafe.slug,
        cafe_name=cafe.name,
        board=board.slug,
        board_name=board.name,
        iso=datetime.fromtimestamp(article.created_at, UTC).isoformat(timespec="milliseconds"),
        shown=_in_korea(article.created_at),
    )


def _in_korea(instant: float) -> str:
    return datetime.fromtimestamp(instant, _KOREA).strftime("%Y.%m.%d. %H:%M")


def _pager(request: Request, total: int) -> dict[str, int]:
    """Find the page asked for, kept inside what there is, and its neighbors (0 for none)."""
    last = max(1, math.ceil(total / PAGE_SIZE))
    asked = request.query.get("page", "1")
    wanted = (
        int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= _PAGE_DIGITS else 1
    )
    number = min(max(1, wanted), last)
    return {
        "number": number,
        "last": last,
        "newer": number - 1,
        "older": number + 1 if number < last else 0,
    }


def _as_text(pager: dict[str, int]) -> dict[str, str]:
    return {key: str(value) if value else "" for key, value in pager.items()}
