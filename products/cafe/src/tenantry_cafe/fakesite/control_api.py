"""The control API: `POST /_control/<verb>` with JSON both ways, for whoever holds the token."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tenantry_cafe.fakesite.faults import FaultRefused, build_fault
from tenantry_cafe.fakesite.site import Site
from tenantry_cafe.fakesite.web import Request, Response, json_response

TOKEN_HEADER = "X-Control-Token"  # noqa: S105 - the name of a header

Payload = dict[str, Any]

_LARGEST = 1e9


class _Refused(Exception):
    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.names = names


def answer(site: Site, request: Request) -> Response:
    """Carry out a verb: 403 without the token, 404 for an unknown verb, 400 for bad values."""
    if not site.is_control_token(request.headers.get(TOKEN_HEADER.lower(), "")):
        return json_response({"error": "the control token is missing or wrong"}, 403)
    verb = VERBS.get(request.path.removeprefix("/_control/"))
    if verb is None or request.method != "POST":
        return json_response({"error": "no such verb", "names": sorted(VERBS)}, 404)
    try:
        return json_response(verb(site, _read(request)))
    except (FaultRefused, _Refused) as refused:
        return json_response({"error": str(refused), "names": list(refused.names)}, 400)
    except ValueError:
        return json_response({"error": "the payload is not JSON", "names": []}, 400)


def _read(request: Request) -> Payload:
    payload = json.loads(request.body or b"{}")
    if not isinstance(payload, dict):
        raise _Refused("the payload must be a JSON object")
    return payload


def _text(payload: Payload, name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise _Refused(f"{name} must be a text")
    return value


def _optional_text(payload: Payload, name: str) -> str | None:
    return None if payload.get(name) is None else _text(payload, name)


def _number(payload: Payload, name: str) -> float:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LARGEST:
        raise _Refused(f"{name} must be a number from 0 up")
    return float(value)


def _set_fault(site: Site, payload: Payload) -> object:
    options = payload.get("options", {})
    if not isinstance(options, dict):
        raise _Refused("options must be an object")
    fault = build_fault(_text(payload, "name"), options)
    site.faults.add(fault)
    return fault.describe()


def _clear_faults(site: Site, payload: Payload) -> object:
    name = _optional_text(payload, "name")
    site.faults.clear(name)
    if name in {None, "hold_submit"}:
        site.release_holds()
    return {}


def _faults(site: Site, _payload: Payload) -> object:
    return site.faults.describe()


def _articles(site: Site, payload: Payload) -> object:
    found = site.store.list_articles(
        author=_optional_text(payload, "author"),
        cafe=_optional_text(payload, "cafe"),
        board=_optional_text(payload, "board"),
    )
    return [{**asdict(article), "url": f"/articles/{article.id}"} for article in found]


def _add_account(site: Site, payload: Payload) -> object:
    login = _text(payload, "login")
    level = int(_number(payload, "level")) if "level" in payload else 1
    nickname = _optional_text(payload, "nickname") or login
    password = _text(payload, "password")
    site.store.save_account(login=login, nickname=nickname, level=level, password=password)
    return {"login": login, "nickname": nickname, "level": level}


def _set_password(site: Site, payload: Payload) -> object:
    if not site.store.set_password(_text(payload, "login"), _text(payload, "password")):
        raise _Refused("no such account")
    return {}


def _expire_sessions(site: Site, payload: Payload) -> object:
    return {"ended": site.store.drop_sessions(_text(payload, "account"))}


def _session_lifetime(site: Site, payload: Payload) -> object:
    site.lifetime = _number(payload, "seconds")
    return {"seconds": site.lifetime}


def _latency(site: Site, payload: Payload) -> object:
    site.latency = _number(payload, "ms") / 1000
    return {"ms": site.latency * 1000}


def _held(site: Site, _payload: Payload) -> object:
    return site.describe_holds()


def _release(site: Site, _payload: Payload) -> object:
    return {"released": site.release_holds()}


def _reset(site: Site, _payload: Payload) -> object:
    site.reset()
    return {}


VERBS: dict[str, Callable[[Site, Payload], object]] = {
    "add_account": _add_account,
    "articles": _articles,
    "clear_faults": _clear_faults,
    "expire_sessions": _expire_sessions,
    "faults": _faults,
    "held": _held,
    "latency": _latency,
    "release": _release,
    "reset": _reset,
    "session_lifetime": _session_lifetime,
    "set_fault": _set_fault,
    "set_password": _set_password,
}
