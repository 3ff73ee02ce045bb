"""What the gateway says itself: refusals as a page or as problem+json, its health, the way in."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from tenantry.core import trace
from tenantry.core.errors import DomainError
from tenantry.core.trace import Trace
from tenantry.fleet.gateway import headers
from tenantry.fleet.gateway.errors import InstanceSuspended
from tenantry.fleet.gateway.headers import RawHeaders
from tenantry.sdk.recipe import Entry

_RETRY_SECONDS = 30
_HTML, _PROBLEM, _JSON = "text/html; charset=utf-8", "application/problem+json", "application/json"
# A path of this host and of no other: browsers read // and /\ as another host's name.
_LOCAL_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One whole answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = field(repr=False)


def refused(refusal: DomainError, *, asked: RawHeaders, here: Trace, path: str) -> Answer:
    """Say why not and what to do: a page for people, problem+json for programs."""
    language = _language(asked)
    retry = {"retry-after": str(_RETRY_SECONDS)} if _passes(refusal) else {}
    with translation.override(language):
        if "text/html" in headers.first(asked, b"accept").lower():
            given = {
                "title": refusal.text(),
                "remedy": refusal.remedy_text(),
                "trace_id": here.trace_id,
            }
            return _page("refusal", given, refusal.http_status, here, language, more=retry)
        problem = refusal.problem(trace_id=here.trace_id, instance=path)
    more = {**retry, "content-language": language, "vary": "accept, accept-language"}
    return _answer(refusal.http_status, _PROBLEM, json.dumps(problem).encode(), here, more)


def said(status: int, facts: Mapping[str, object], *, here: Trace) -> Answer:
    """Say facts to programs."""
    return _answer(status, _JSON, json.dumps(facts).encode(), here, {})


def entered(entry: Entry, *, asked: RawHeaders, here: Trace, secure: bool) -> Answer:
    """Give the browser what signs it in, and lead it to the instance."""
    path = entry.path if _LOCAL_PATH.fullmatch(entry.path) else "/"
    language = _language(asked)
    with translation.override(language):
        given = {
            "title": _("Signing you in …"),
            "entry": {"path": path, "local_storage": dict(entry.local_storage)},
        }
        answer = _page("enter", given, 200, here, language, more={})
    cookies = [
        (b"set-cookie", _cookie(*pair, path=entry.cookie_path, secure=secure))
        for pair in entry.cookies.items()
    ]
    return Answer(status=200, headers=[*answer.headers, *cookies], body=answer.body)


def _passes(refusal: DomainError) -> bool:
    return refusal.http_status in {502, 503, 504} and not isinstance(refusal, InstanceSuspended)


def _language(asked: RawHeaders) -> str:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.first(asked, b"accept-language")
    return translation.get_language_from_request(request)


def _page(
    name: str,
    given: Mapping[str, object],
    status: int,
    here: Trace,
    language: str,
    *,
    more: Mapping[str, str],
) -> Answer:
    nonce = secrets.token_urlsafe(16)
    context = {**given, "nonce": nonce, "language": language}
    body = render_to_string(f"gateway/{name}.html", context).encode()
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    protective = {
        "content-security-policy": policy,
        "content-language": language,
        "referrer-policy": "no-referrer",
        "vary": "accept, accept-language",
    }
    return _answer(status, _HTML, body, here, {**protective, **more})


def _answer(status: int, kind: str, body: bytes, here: Trace, more: Mapping[str, str]) -> Answer:
    given = {
        "content-type": kind,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        trace.HEADER: here.trace_id,
        **more,
    }
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    return Answer(status=status, headers=raw, body=body)


def _cookie(name: str, value: str, *, path: str, secure: bool) -> bytes:
    jar: SimpleCookie = SimpleCookie()
    jar[name] = value
    jar[name]["path"] = path
    jar[name]["httponly"] = True
    jar[name]["samesite"] = "Lax"
    jar[name]["secure"] = secure
    return jar[name].OutputString().encode()
