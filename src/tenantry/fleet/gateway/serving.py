"""How the built-in gateway is served: HTTP/1.1 and web sockets, limits below its own."""

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

_HEADER_MILLISECONDS = 10_000
# The gateway itself refuses smaller ones, with a remedy.
_HEADER_BYTES = 65_536


def serve(application: str, *, host: str, port: int) -> None:
    """Serve an ASGI application `module:name` until SIGTERM; blocks."""
    Granian(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEADER_MILLISECONDS, max_buffer_size=_HEADER_BYTES
        ),
        respawn_failed_workers=True,
        workers_kill_timeout=5,
    ).serve()
