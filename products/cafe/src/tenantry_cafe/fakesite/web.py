"""What passes between the socket and the pages: requests, responses, refusals, the connection."""

import json
import select
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode


class ClientGone(Exception):
    """The client closed its connection while it was kept waiting."""


class CutConnection(Exception):
    """The connection is to be reset at once, without an answer.

    `resend` says whether a browser may take it for a stale connection and send the request again.
    """

    def __init__(self, *, resend: bool) -> None:
        super().__init__()
        self.resend = resend


class Refusal(Exception):
    """An answer other than the one asked for: a page, or JSON for the editor's script."""

    def __init__(
        self, status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


class Connection:
    """The client's end of the line, as far as a page may know it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def is_gone(self) -> bool:
        """Say whether the client has closed its end."""
        try:
            glance = select.poll()  # select() cannot take descriptors from 1024 up
            glance.register(self._sock, select.POLLIN)
            return bool(glance.poll(0)) and self._sock.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, its body read in full."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: Connection

    def cookie(self, name: str) -> str:
        """Give the value of a cookie; empty without one."""
        for pair in self.headers.get("cookie", "").split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                return value
        return ""

    def form(self) -> dict[str, str]:
        """Give the fields of a posted form; the last value of each name."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {}
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in fields.items()}

    def json(self) -> dict[str, Any]:
        """Parse the posted JSON object. Raises `Refusal` (400) for anything else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Refusal(400, "bad_request", "JSON 객체가 아닙니다.")
        return value

    @property
    def target(self) -> str:
        """Give the path and query, to come back to."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


@dataclass(frozen=True, kw_only=True)
class Response:
    """One answer. Headers may repeat a name (Set-Cookie)."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def html_response(text: str, status: int = 200) -> Response:
    """Answer with a page that is never cached."""
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")]
    return Response(status=status, headers=headers, body=text.encode())


def json_response(value: object, status: int = 200) -> Response:
    """Answer with JSON that is never cached."""
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Response(
        status=status, headers=headers, body=json.dumps(value, ensure_ascii=False).encode()
    )


def redirect(location: str) -> Response:
    """Send the visitor on with a GET."""
    return Response(status=303, headers=[("Location", location)])


def make_cookie(name: str, value: str, *, max_age: int, expires: str) -> tuple[str, str]:
    """Make a Set-Cookie header; scripts cannot read the cookie and other sites cannot send it."""
    return (
        "Set-Cookie",
        f"{name}={value}; Path=/; Max-Age={max_age}; Expires={expires}; HttpOnly; SameSite=Lax",
    )


def is_local_path(url: str) -> bool:
    """Whether a return address stays on this site."""
    return url.startswith("/") and not url.startswith("//") and "\\" not in url
