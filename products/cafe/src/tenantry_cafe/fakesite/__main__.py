"""`python -m tenantry_cafe.fakesite`: run the fake cafe until SIGTERM or SIGINT."""

import argparse
import json
import os
import secrets
import signal
import sys
import threading
from pathlib import Path

from tenantry_cafe.fakesite.catalogue import DEFAULT_PASSWORD
from tenantry_cafe.fakesite.server import running_site
from tenantry_cafe.fakesite.site import DEFAULT_LIFETIME


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tenantry_cafe.fakesite",
        description="A small cafe site to post on. Prints one line of JSON when it is ready.",
        epilog="FAKE_CAFE_CONTROL_TOKEN sets the control token (else one is made and printed), "
        "FAKE_CAFE_PASSWORD the password of the preset accounts.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port (default)")
    parser.add_argument("--data", type=Path, required=True, help="folder for all that is stored")
    parser.add_argument(
        "--session-days", type=float, default=DEFAULT_LIFETIME / 86400, help="life of a session"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Serve until a signal says stop. Exit code 1 when the address or folder cannot be used."""
    options = _parse(arguments)
    given = os.environ.get("FAKE_CAFE_CONTROL_TOKEN", "")
    token = given or secrets.token_urlsafe(24)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with running_site(
            options.data,
            host=options.host,
            port=options.port,
            token=token,
            password=os.environ.get("FAKE_CAFE_PASSWORD") or DEFAULT_PASSWORD,
            lifetime=options.session_days * 86400,
        ) as running:
            ready = {"url": running.url, "pid": os.getpid()}
            line = json.dumps(ready if given else {**ready, "control_token": token})
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            stop.wait()
    except OSError as error:
        sys.stderr.write(f"fakesite: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
