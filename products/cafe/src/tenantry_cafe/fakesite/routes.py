"""From a request to its answer: the table of addresses, the faults of every step, the refusals."""

import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tenantry_cafe.fakesite import control_api, pages, signin, writing
from tenantry_cafe.fakesite.site import Site
from tenantry_cafe.fakesite.web import (
    ClientGone,
    CutConnection,
    Refusal,
    Request,
    Response,
    json_response,
)

View = Callable[[Site, Request, Mapping[str, str]], Response]

_PLACE = r"/cafes/(?P<cafe>[a-z0-9-]+)"
_BOARD = _PLACE + r"/boards/(?P<board>[a-z0-9-]+)"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Route:
    """An address and its view. `step` names the faults that apply; none for files."""

    method: str
    pattern: re.Pattern[str]
    view: View
    step: str = ""


def _route(method: str, pattern: str, view: View, step: str = "") -> Route:
    return Route(method, re.compile(pattern), view, step)


ROUTES = (
    _route("GET", r"/", pages.show_home, "page"),
    _route("GET", r"/login", signin.show_login, "login"),
    _route("POST", r"/login", signin.log_in, "login"),
    _route("POST", r"/login/captcha", signin.answer_captcha, "login"),
    _route("POST", r"/login/two-factor", signin.answer_two_factor, "login"),
    _route("POST", r"/logout", signin.log_out, "page"),
    _route("GET", r"/captcha/(?P<key>[0-9a-f]{32})\.svg", signin.serve_captcha_image),
    _route("GET", r"/me", pages.show_me, "page"),
    _route("GET", r"/me/posts", pages.show_my_posts, "page"),
    _route("GET", _PLACE + "/", pages.show_cafe, "page"),
    _route("GET", _BOARD + "/", pages.show_board, "page"),
    _route("GET", _BOARD + "/write", writing.show_write, "write"),
    _route("POST", _BOARD + "/articles", writing.submit_article, "submit"),
    _route("POST", r"/upload", writing.upload_image, "upload"),
    _route("GET", r"/articles/(?P<article>\d{1,15})", pages.show_article, "page"),
    _route("GET", r"/uploads/(?P<name>[0-9a-f]{32}\.(png|jpg|gif|webp))", pages.serve_image),
    _route("GET", r"/static/(?P<name>[a-z.]+)", pages.serve_static),
)


def answer(site: Site, request: Request) -> Response:
    """Answer a request. Raises `ClientGone` and `CutConnection` for the socket to act on."""
    if request.path.startswith("/_control/"):
        return control_api.answer(site, request)
    route: Route | None = None
    try:
        route, path = _find(request)
        if route.step:
            _misbehave(site, request, route.step)
        response = route.view(site, request, path)
    except Refusal as refusal:
        response = _show_refusal(site, request, route, refusal)
    except (ClientGone, CutConnection):
        raise
    except Exception:  # noqa: BLE001 - a bug of the site itself is shown as any broken site shows it
        traceback.print_exc()
        broken = Refusal(500, "server_error", "일시적인 오류가 발생했습니다.")
        response = _show_refusal(site, request, route, broken)
    response.headers.extend(
        [
            ("Content-Security-Policy", _CSP),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"),
        ]
    )
    return response


def _find(request: Request) -> tuple[Route, dict[str, str]]:
    matches = [(r, m) for r in ROUTES if (m := r.pattern.fullmatch(request.path))]
    if not matches:
        raise Refusal(404, "not_found", "없는 페이지입니다. 주소를 다시 확인해 주세요.")
    for route, match in matches:
        if route.method == request.method:
            return route, match.groupdict()
    allowed = ", ".join(route.method for route, _ in matches)
    raise Refusal(405, "method_not_allowed", "허용되지 않은 요청입니다.", (("Allow", allowed),))


def _misbehave(site: Site, request: Request, step: str) -> None:
    """Meet the faults that a request of this step may meet before its view sees it."""
    account = _account_of(site, request)
    faults, anywhere = site.faults, ("any", step)
    if site.latency:
        site.wait(site.latency, request.connection)
    if slow := faults.take("slow_page", account, where=anywhere):
        site.wait(slow.number("seconds"), request.connection)
    cuts = ("page", step) if step in {"page", "login", "write"} else (step,)
    if cut := faults.take("network_cut", account, step=cuts):
        raise CutConnection(resend=cut.text("resend") == "allow")
    if limit := faults.take("rate_limit", account, where=anywhere):
        seconds = limit.text("retry_after")
        raise Refusal(
            429,
            "rate_limited",
            f"요청이 너무 많습니다. {seconds}초 뒤에 다시 시도해 주세요.",
            (("Retry-After", seconds),),
        )
    if faults.take("server_error", account, where=anywhere):
        raise Refusal(500, "server_error", "일시적인 오류가 발생했습니다.")


def _account_of(site: Site, request: Request) -> str | None:
    """Who is asking: the signed-in account, or the one that is about to sign in."""
    if request.method == "POST" and request.path == "/login":
        return request.form().get("login", "").strip()
    session = site.session_of(request)
    return session.account.login if session else None


def _show_refusal(site: Site, request: Request, route: Route | None, refusal: Refusal) -> Response:
    headers = dict(refusal.headers)
    if route is not None and route.step in {"upload", "submit"}:
        problem: dict[str, object] = {"code": refusal.code, "message": refusal.message}
        if "Retry-After" in headers:
            problem["retry_after"] = int(headers["Retry-After"])
        response = json_response(problem, refusal.status)
    else:
        response = site.page(
            request,
            "refusal.html",
            refusal.status,
            status=str(refusal.status),
            code=refusal.code,
            message=refusal.message,
            retry_after=headers.get("Retry-After", ""),
        )
    response.headers.extend(refusal.headers)
    return response
