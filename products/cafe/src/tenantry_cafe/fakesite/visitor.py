"""A visitor without a browser: for tests, and for filling the site. Standard library only."""

import http.client
import json
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the site answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """Give the body as a text."""
        return self.body.decode()

    @property
    def location(self) -> str:
        """Give the address a redirect leads to; empty without one."""
        return self.headers.get("Location", "")

    def json(self) -> Any:  # noqa: ANN401 - JSON
        """Parse the body."""
        return json.loads(self.body)


class Visitor:
    """Keeps one connection and the site's cookies; follows no redirect by itself."""

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        self._line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        self.cookies: dict[str, str] = {}

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._line.close()

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        """Send a request. Raises `OSError` or `HTTPException` when the connection fails."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Cookie": cookie, **(headers or {})}
        try:
            self._line.request(method, path, body=body or None, headers=sent)
            got = self._line.getresponse()
            answer = Answer(status=got.status, headers=got.headers, body=got.read())
        except (OSError, http.client.HTTPException):
            self._line.close()
            raise
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def get(self, path: str) -> Answer:
        """Ask for a page."""
        return self.request("GET", path)

    def post_form(self, path: str, **fields: str) -> Answer:
        """Post a form with the visitor's own CSRF token."""
        form = {"csrf_token": self.cookies.get("cafe_csrf", ""), **fields}
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.request("POST", path, urlencode(form).encode(), content_type)

    def log_in(self, login: str, password: str, *, target: str = "/") -> Answer:
        """Fill in the login form."""
        self.get("/login")
        return self.post_form("/login", login=login, password=password, next=target)

    def upload(self, data: bytes, content_type: str = "image/png") -> Answer:
        """Upload an image as the editor's script does."""
        return self.request("POST", "/upload", data, self._script_headers(content_type))

    def submit(self, cafe: str, board: str, title: str, body: str) -> Answer:
        """Post an article as the editor's script does; `body` is HTML."""
        return self.request(
            "POST",
            f"/cafes/{cafe}/boards/{board}/articles",
            json.dumps({"title": title, "body": body}).encode(),
            self._script_headers("application/json"),
        )

    def _script_headers(self, content_type: str) -> dict[str, str]:
        csrf = self.cookies.get("cafe_csrf", "")
        return {"Content-Type": content_type, "X-CSRF-Token": csrf}


def find_value(html: str, name: str) -> str:
    """Find the value of the hidden field of that name; empty when there is none."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', html)
    return found[1] if found else ""


def make_png(
    width: int = 32, height: int = 32, color: tuple[int, int, int] = (46, 125, 103)
) -> bytes:
    """Make a real PNG of one color."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\x00" + bytes(color) * width) * height
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
