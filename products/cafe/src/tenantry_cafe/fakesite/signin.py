"""Signing in and out, with the walls that may stand in between."""

import secrets
from collections.abc import Mapping

from tenantry_cafe.fakesite.site import SESSION_COOKIE, Challenge, Site
from tenantry_cafe.fakesite.web import (
    Refusal,
    Request,
    Response,
    is_local_path,
    make_cookie,
    redirect,
)

_EXPIRED = Refusal(410, "challenge_expired", "인증 시간이 지났습니다. 처음부터 다시 시도해 주세요.")


def show_login(site: Site, request: Request, _path: Mapping[str, str]) -> Response:
    """Show the login form; `next` in the query is where it leads."""
    target = request.query.get("next", "")
    return site.page(request, "login.html", target=target if is_local_path(target) else "/")


def log_in(site: Site, request: Request, _path: Mapping[str, str]) -> Response:
    """Check the password and start a session, unless a wall stands in between."""
    form = request.form()
    site.check_csrf(request, form.get("csrf_token", ""))
    login, target = form.get("login", "").strip(), form.get("next", "")
    target = target if is_local_path(target) else "/"
    if not site.store.check_password(login, form.get("password", "")):
        return site.page(request, "login.html", target=target, login=login, failed=True)
    if site.faults.take("captcha", login, where=("login",)):
        return show_captcha(site, request, login=login, target=target)
    return _pass_two_factor(site, request, login, target)


def _pass_two_factor(site: Site, request: Request, login: str, target: str) -> Response:
    fault = site.faults.take("two_factor", login)
    if fault is None:
        return _start_session(site, login, target)
    challenge = Challenge(kind="two_factor", login=login, answer=fault.text("code"), target=target)
    return site.page(request, "two_factor.html", key=site.open_challenge(challenge))


def _start_session(site: Site, login: str, target: str) -> Response:
    token = site.store.open_session(login, now=site.now(), lifetime=site.lifetime)
    response = redirect(target)
    response.headers.append(site.session_cookie(token))
    return response


def show_captcha(
    site: Site,
    request: Request,
    *,
    login: str,
    target: str,
    session_token: str = "",
    failed: bool = False,
) -> Response:
    """Show the CAPTCHA wall. A solved one leads to `target`, with a session or in the one given."""
    answer = "".join(secrets.choice("23456789") for _ in range(5))
    challenge = Challenge(
        kind="captcha", login=login, answer=answer, target=target, session_token=session_token
    )
    key = site.open_challenge(challenge)
    return site.page(request, "captcha.html", key=key, failed=failed)


def serve_captcha_image(site: Site, _request: Request, path: Mapping[str, str]) -> Response:
    """Draw the digits of a CAPTCHA that is still open."""
    challenge = site.find_challenge(path["key"], "captcha")
    if challenge is None:
        raise _EXPIRED
    digits = "".join(
        f'<text x="{24 + 38 * place}" y="{52 + 7 * (place % 2)}"'
        f' transform="rotate({(-14, 9, -5, 16, -10)[place]} {24 + 38 * place} 46)">{digit}</text>'
        for place, digit in enumerate(challenge.answer)
    )
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 224 84" font-family="serif"'
        ' font-size="42" fill="#33544c"><rect width="224" height="84" fill="#e6efe9"/>'
        f"{digits}"
        '<path d="M0 30Q60 70 112 36T224 52M0 62Q70 20 130 56T224 26" fill="none"'
        ' stroke="#7fa397" stroke-width="2"/></svg>'
    )
    headers = [("Content-Type", "image/svg+xml"), ("Cache-Control", "no-store")]
    return Response(headers=headers, body=svg.encode())


def answer_captcha(site: Site, request: Request, _path: Mapping[str, str]) -> Response:
    """Check the digits: on to the target, or another CAPTCHA. Each can be tried once."""
    form = request.form()
    site.check_csrf(request, form.get("csrf_token", ""))
    key = form.get("challenge", "")
    challenge = site.find_challenge(key, "captcha")
    if challenge is None:
        raise _EXPIRED
    site.close_challenge(key)
    if not secrets.compare_digest(
        form.get("answer", "").strip().encode(), challenge.answer.encode()
    ):
        return show_captcha(
            site,
            request,
            login=challenge.login,
            target=challenge.target,
            session_token=challenge.session_token,
            failed=True,
        )
    if challenge.session_token:
        site.store.clear_captcha(challenge.session_token)
        return redirect(challenge.target)
    return _pass_two_factor(site, request, challenge.login, challenge.target)


def answer_two_factor(site: Site, request: Request, _path: Mapping[str, str]) -> Response:
    """Check the code and start the session; a wrong one may be tried again."""
    form = request.form()
    site.check_csrf(request, form.get("csrf_token", ""))
    key = form.get("challenge", "")
    challenge = site.find_challenge(key, "two_factor")
    if challenge is None:
        raise _EXPIRED
    if not secrets.compare_digest(form.get("code", "").strip().encode(), challenge.answer.encode()):
        return site.page(request, "two_factor.html", key=key, failed=True)
    site.close_challenge(key)
    return _start_session(site, challenge.login, challenge.target)


def log_out(site: Site, request: Request, _path: Mapping[str, str]) -> Response:
    """End the session on the server and take the cookie back."""
    site.check_csrf(request, request.form().get("csrf_token", ""))
    session = site.session_of(request)
    if session is not None:
        site.store.drop_session(session)
    response = redirect("/")
    response.headers.append(
        make_cookie(SESSION_COOKIE, "", max_age=0, expires="Thu, 01 Jan 1970 00:00:00 GMT")
    )
    return response
