"""The HTTP/1.1 server around the site, with connections that can really be cut and really hang."""

import contextlib
import secrets
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tenantry_cafe.fakesite.catalogue import DEFAULT_PASSWORD
from tenantry_cafe.fakesite.control import Control
from tenantry_cafe.fakesite.images import MAX_IMAGE_BYTES
from tenantry_cafe.fakesite.routes import answer
from tenantry_cafe.fakesite.site import DEFAULT_LIFETIME, Site
from tenantry_cafe.fakesite.web import ClientGone, Connection, CutConnection, Request, Response

_MAX_BODY = MAX_IMAGE_BYTES + 1024 * 1024
# SO_LINGER on with a timeout of 0 turns close() into a TCP reset.
_RESET = struct.pack("ii", 1, 0)


class _Handler(BaseHTTPRequestHandler):
    server: "Server"
    protocol_version = "HTTP/1.1"
    server_version = "FakeCafe"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 75  # seconds a kept-alive connection may stay silent

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_HEAD = do_GET  # noqa: N815 - http.server calls them so

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: addresses and forms of a test run are noise, and may hold secrets."""

    def _serve(self) -> None:
        body = self._read_body()
        if body is None or self.server.site.stopping.is_set():
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        request = Request(
            method="GET" if self.command == "HEAD" else self.command,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            connection=Connection(self.connection),
        )
        try:
            self._send(answer(self.server.site, request))
        except CutConnection as cut:
            if not cut.resend:
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()
            self.close_connection = True
        except (ClientGone, ConnectionError):
            self.close_connection = True

    def _read_body(self) -> bytes | None:
        """Read the body in full; None when it was refused or the client left before its end."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or "Transfer-Encoding" in self.headers:
            self._send_last(411)
            return None
        if int(length) > _MAX_BODY:
            self._send_last(413)
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _send_last(self, status: int) -> None:
        self.close_connection = True
        self._send(Response(status=status))

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """The listening socket; `serve_forever` runs until `shutdown` is called from another thread."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str, port: int, site: Site) -> None:
        self.site = site
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """Give the address that the server listens on."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Show on stderr what is not a broken connection: those are daily bread here."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def server_bind(self) -> None:
        """Bind without asking the name server, which HTTPServer does and which can take seconds."""
        socketserver.TCPServer.server_bind(self)


@dataclass(frozen=True, kw_only=True)
class RunningSite:
    """A site that listens: its address, the control of it, and the password of its accounts."""

    url: str
    control: Control
    token: str
    password: str
    site: Site


@contextlib.contextmanager
def running_site(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    password: str = DEFAULT_PASSWORD,
    lifetime: float = DEFAULT_LIFETIME,
) -> Iterator[RunningSite]:
    """Run the site in a thread of this process; port 0 takes a free one. `lifetime` in seconds."""
    token = token or secrets.token_urlsafe(24)
    site = Site(folder, token=token, password=password, lifetime=lifetime)
    server = Server(host, port, site)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="fakesite", daemon=True
    )
    thread.start()
    try:
        control = Control(server.url, token)
        yield RunningSite(
            url=server.url, control=control, token=token, password=password, site=site
        )
    finally:
        server.shutdown()
        server.server_close()
        site.close()
        thread.join()
