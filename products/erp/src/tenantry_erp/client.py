"""What is asked of a running Tryton, over HTTP."""

import http.client
import json
import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from tenantry.sdk import Entry, InstanceRefused, InstanceUnreachable

IDENTITY_PATH = "/.well-known/tenantry"
_COOKIE = "tryton_session"
# For a whole answer: what drips would else be waited for as long as it likes.
_ANSWER_SECONDS = 10.0
_LONGEST_ANSWER = 100_000
# What somebody else's process states is stored and shown.
_SHORT_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; `cookies` are those it sets."""

    status: int
    body: bytes
    cookies: SimpleCookie

    def json(self) -> object:
        """Return the body's value, None if it has none."""
        try:
            value: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value


def identity_of(*, url: str, host: str) -> str:
    """Return the short id that the application states; "" when it states none."""
    answer = _ask("GET", url, host, IDENTITY_PATH)
    stated = answer.json() if answer.status == HTTPStatus.OK else None
    short_id = stated.get("short_id") if isinstance(stated, dict) else None
    return short_id if isinstance(short_id, str) and _SHORT_ID.fullmatch(short_id) else ""


def sign_in(*, url: str, host: str, database: str, account: str, password: str) -> Entry:
    """Begin a session, and return what its web client keeps of one in a browser."""
    call = {"id": 1, "method": "common.db.login", "params": [account, {"password": password}]}
    path = f"/{quote(database)}"
    answer = _ask("POST", url, host, f"{path}/session/login", body=json.dumps(call))
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}:
        raise InstanceRefused
    found = answer.json()
    result = found.get("result") if isinstance(found, dict) else None
    user_id = result[0] if isinstance(result, list) and result else None
    cookie = answer.cookies.get(_COOKIE)
    if answer.status != HTTPStatus.OK or not isinstance(user_id, int) or cookie is None:
        raise InstanceUnreachable
    session = {"login": account, "user_id": user_id, "bus_url_host": None}
    return Entry(
        path=f"/#{quote(database)}",
        cookie_path=path,
        local_storage={f"sao_session_{database}": json.dumps(session)},
        cookies={_COOKIE: cookie.value},
    )


def _ask(verb: str, url: str, host: str, path: str, *, body: str | None = None) -> Answer:
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=_ANSWER_SECONDS)
    headers = {"Host": host} | ({"Content-Type": "application/json"} if body else {})
    is_late = threading.Event()
    cut = threading.Timer(_ANSWER_SECONDS, lambda: _hang_up(line, is_late))
    try:
        connection.connect()
        # The connection forgets it before the answer is read.
        line = connection.sock
        cut.start()
        connection.request(verb, path, body=body, headers=headers)
        response = connection.getresponse()
        content = response.read(_LONGEST_ANSWER)
        if is_late.is_set():
            raise InstanceUnreachable
        cookies = SimpleCookie()
        for header in response.headers.get_all("Set-Cookie", []):
            cookies.load(header)
    except (OSError, http.client.HTTPException, CookieError) as error:
        raise InstanceUnreachable from error
    finally:
        cut.cancel()
        connection.close()
    return Answer(status=response.status, body=content, cookies=cookies)


def _hang_up(line: socket.socket, is_late: threading.Event) -> None:
    # First: what is read of an answer that was cut off must not count.
    is_late.set()
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
