"""Run one tenant's Tryton: `python serve.py --config FILE`, in the application's own environment.

The same application that `trytond` serves, with three differences: it serves one database and knows
of no other, it says whose it is, and a bounded number of threads answers.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any

from trytond import config

Environ = dict[str, Any]
StartResponse = Callable[..., object]
WsgiApplication = Callable[[Environ, StartResponse], Iterable[bytes]]

IDENTITY_PATH = "/.well-known/tenantry"


def serve(config_file: str) -> None:
    """Serve until SIGTERM."""
    config.update_etc(config_file)
    # Only now: these read the configuration while they are imported.
    from trytond.backend import Database  # slow import
    from trytond.pool import Pool  # slow import
    from trytond.wsgi import app  # slow import
    from waitress.server import create_server  # slow import
    from werkzeug.exceptions import NotFound  # slow import

    name = config.get("tenantry", "database")
    # Tryton would try to connect to every database of the server to find those it may show.
    Database.list = lambda _self, hostname=None: [name]  # noqa: ARG005
    Pool.start()
    Pool(name).init()
    dispatch = app.dispatch_request

    def dispatch_own(request: Any) -> object:  # noqa: ANN401 - Tryton has no types
        # Asked for another database, Tryton would hold a thread for half a minute to reach it.
        own = request.path in {"/", "/rpc/"} or request.path.split("/")[1] == name
        return dispatch(request) if own else NotFound()

    app.dispatch_request = dispatch_own
    app.wsgi_app = with_identity(app.wsgi_app, config.get("tenantry", "identity"))
    host, port = config.split_netloc(config.get("web", "listen"))
    server = create_server(
        app,
        host=host,
        port=port,
        threads=config.getint("tenantry", "threads"),
        ident="",
        # The gateway before it has its own, shorter limits.
        channel_timeout=300,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"serving {name} at {host}:{port}", flush=True)
    try:
        server.run()
    finally:
        server.close()
        # Threads that wait for the database's news would keep the process for a minute.
        os._exit(0)


def with_identity(application: WsgiApplication, identity: str) -> WsgiApplication:
    """Answer one path with the identity this process was started with; pass on all others."""
    body = identity.encode()

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != IDENTITY_PATH:
            return application(environ, start_response)
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        start_response("200 OK", headers)
        return [body]

    return answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    serve(parser.parse_args().config)
