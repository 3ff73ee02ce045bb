"""The fence around a browser context: pages talk to the connector's origins and to nothing else.

And what is sent after the intent to submit was stored, is sent once.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from tenantry.sdk.browser import BrowserContext, PageError, Request, Route, WebSocketRoute

# These hold their content themselves.
_INNER = frozenset({"data", "about"})
# RFC 9110: asking for these changes nothing.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ONCE_MS = 120_000
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def is_allowed(url: str, origins: Sequence[str]) -> bool:
    """Say whether a page may load an address; origins read like `https://cafe.example`."""
    parts = urlsplit(url)
    if parts.scheme in _INNER:
        return True
    if parts.scheme == "blob":
        return is_allowed(url.removeprefix("blob:"), origins)
    return _origin(url) in {_origin(origin) for origin in origins}


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    # A web socket belongs to the origin of its page.
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return scheme, parts.hostname or "", port or _DEFAULT_PORTS.get(parts.scheme, 0)


async def put_up(
    context: BrowserContext,
    origins: Sequence[str],
    *,
    escaped: Callable[[str], None],
    submitting: Callable[[], bool],
) -> None:
    """Block every request to another origin; send once what changes something while submitting.

    The browser follows redirects by itself: one that leads out cannot be blocked, it is reported
    to `escaped`.
    """

    async def decide(route: Route) -> None:
        if not is_allowed(route.request.url, origins):
            await route.abort("blockedbyclient")
        elif submitting() and route.request.method not in _SAFE:
            await _send_once(route)
        else:
            await route.continue_()

    async def decide_socket(socket: WebSocketRoute) -> None:
        if is_allowed(socket.url, origins):
            socket.connect_to_server()
        else:
            await socket.close()

    def watch(request: Request) -> None:
        if request.redirected_from and not is_allowed(request.url, origins):
            escaped(request.url)

    await context.route("**/*", decide)
    await context.route_web_socket("**/*", decide_socket)
    context.on("request", watch)


async def _send_once(route: Route) -> None:
    """Send a request in the browser's place.

    A browser sends it again by itself when a connection that it had kept is reset before any
    answer: one click, two posts.
    """
    try:
        answer = await route.fetch(max_redirects=0, max_retries=0, timeout=_ONCE_MS)
        await route.fulfill(response=answer)
    except PageError:
        await route.abort("connectionreset")
