"""The write page and what its script calls: uploading an image, posting the article."""

from collections.abc import Mapping

from tenantry_cafe.fakesite import images, signin
from tenantry_cafe.fakesite.catalogue import Board
from tenantry_cafe.fakesite.pages import find_place, require_session
from tenantry_cafe.fakesite.sanitize import sanitize_body
from tenantry_cafe.fakesite.site import SESSION_COOKIE, Site
from tenantry_cafe.fakesite.store import Session
from tenantry_cafe.fakesite.web import (
    CutConnection,
    Refusal,
    Request,
    Response,
    json_response,
)

TITLE_LENGTH = 100  # characters
BODY_LENGTH = 200_000  # characters of HTML
IMAGES_PER_ARTICLE = 10


def show_write(site: Site, request: Request, path: Mapping[str, str]) -> Response:
    """Show the editor to whoever may write in the board."""
    cafe, board = find_place(path["cafe"], path["board"])
    session = require_session(site, request)
    if isinstance(session, Response):
        return session
    account = session.account
    _check_permission(site, session, board, "write")
    if not session.captcha_cleared and site.faults.take("captcha", account.login, where=("write",)):
        return signin.show_captcha(
            site,
            request,
            login=account.login,
            target=request.target,
            session_token=request.cookie(SESSION_COOKIE),
        )
    changed = site.faults.take("ui_changed", account.login)
    template = "write_changed.html" if changed else "write.html"
    return site.page(request, template, cafe=cafe, board=board)


def upload_image(site: Site, request: Request, _path: Mapping[str, str]) -> Response:
    """Store an image that is the whole request body; answers with its address."""
    session = _require_script_session(site, request, "upload")
    account = session.account.login
    if slow := site.faults.take("slow_upload", account):
        site.wait(slow.number("seconds"), request.connection)
    if site.faults.take("upload_refused", account):
        raise Refusal(415, "upload_refused", "사진을 올릴 수 없습니다.")
    if len(request.body) > images.MAX_IMAGE_BYTES:
        raise Refusal(413, "too_large", "사진은 한 장에 10MB까지 올릴 수 있습니다.")
    extension = images.tell_format(request.body)
    if extension is None:
        raise Refusal(415, "upload_refused", "JPG, PNG, GIF, WEBP 형식의 사진만 올릴 수 있습니다.")
    name = site.store.save_image(request.body, extension)
    return json_response({"url": f"/uploads/{name}"}, 201)


def submit_article(site: Site, request: Request, path: Mapping[str, str]) -> Response:
    """Store an article and answer with its number and address."""
    cafe, board = find_place(path["cafe"], path["board"])
    session = _require_script_session(site, request, "submit")
    account = session.account.login
    _check_permission(site, session, board, "submit")
    title, body, image_paths = _read_article(request)
    if site.faults.take("submit_refused", account):
        raise Refusal(422, "submit_refused", "등록할 수 없는 표현이 들어 있습니다.")
    _misbehave(site, request, account, title, "before")
    article_id = site.store.add_article(
        cafe=cafe.slug,
        board=board.slug,
        author=account,
        title=title,
        body=body,
        images=len(image_paths),
        now=site.now(),
    )
    _misbehave(site, request, account, title, "after")
    return json_response({"id": article_id, "url": f"/articles/{article_id}"}, 201)


def _require_script_session(site: Site, request: Request, step: str) -> Session:
    session = site.session_of(request)
    if session is not None:
        dropped = site.faults.take("logout_mid_post", session.account.login, where=(step,))
        if not dropped:
            site.check_csrf(request, request.headers.get("x-csrf-token", ""))
            return session
        site.store.drop_session(session)
    raise Refusal(401, "login_required", "로그인이 필요합니다.")


def _check_permission(site: Site, session: Session, board: Board, step: str) -> None:
    denied = site.faults.take("permission_denied", session.account.login, where=("any", step))
    if denied or session.account.level < board.write_level:
        raise Refusal(403, "permission_denied", f"{board.name} 게시판에 글을 쓸 권한이 없습니다.")


def _read_article(request: Request) -> tuple[str, str, list[str]]:
    """Title, clean body and image paths of a posted article. Raises `Refusal` (422)."""
    posted = request.json()
    title, raw = posted.get("title"), posted.get("body")
    if not isinstance(title, str) or not isinstance(raw, str):
        raise Refusal(400, "bad_request", "제목과 본문이 필요합니다.")
    title = " ".join(title.split())
    if not title:
        raise Refusal(422, "invalid", "제목을 입력해 주세요.")
    if len(title) > TITLE_LENGTH:
        raise Refusal(422, "invalid", f"제목은 {TITLE_LENGTH}자까지 쓸 수 있습니다.")
    if len(raw) > BODY_LENGTH:
        raise Refusal(422, "invalid", "본문이 너무 깁니다.")
    body, image_paths = sanitize_body(raw)
    if not body:
        raise Refusal(422, "invalid", "내용을 입력해 주세요.")
    if len(image_paths) > IMAGES_PER_ARTICLE:
        raise Refusal(422, "invalid", f"사진은 {IMAGES_PER_ARTICLE}장까지 넣을 수 있습니다.")
    return title, body, image_paths


def _misbehave(site: Site, request: Request, account: str, title: str, moment: str) -> None:
    """Meet the faults around the moment of storing."""
    if hold := site.faults.take("hold_submit", account, at=(moment,)):
        site.hold(hold, account=account, title=title, connection=request.connection)
    if cut := site.faults.take("network_cut", account, step=(f"submit_{moment}",)):
        raise CutConnection(resend=cut.text("resend") == "allow")
    if moment == "after" and (hang := site.faults.take("accept_then_timeout", account)):
        site.wait(hang.number("seconds"), request.connection)
        raise Refusal(504, "server_error", "응답 시간이 초과되었습니다.")
