"""The built-in gateway as a process, with routes and limits from a file instead of a database."""

import json
import os
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenantry.config.settings")
django.setup()

from tenantry.fleet.gateway import caddy, serving  # noqa: E402
from tenantry.fleet.gateway.errors import TicketInvalid  # noqa: E402
from tenantry.fleet.gateway.inbound import Limits  # noqa: E402
from tenantry.fleet.gateway.queries import Desired, Target  # noqa: E402
from tenantry.fleet.gateway.server import Gateway, relay_secret  # noqa: E402
from tenantry.fleet.gateway.table import RouteTable  # noqa: E402
from tenantry.sdk.recipe import Entry, InstanceUnreachable  # noqa: E402

ENTRY = Entry(
    path="/#menu",
    local_storage={"session": "</script><b>'\"", "sao_2": "2"},
    cookies={"sid": "abc"},
)


def desired_of(path: Path) -> Desired:
    given: dict[str, list[Any]] = json.loads(path.read_text())
    routes = {
        host: Target(tenant_id=UUID(tenant), upstream=upstream, serving=serves)
        for host, (tenant, upstream, serves) in given.items()
    }
    return Desired(version=len(routes), routes=routes)


def sign_in(*, token: str, host: str, target: Target) -> Entry:
    del host, target
    if token == "hang":
        _hang(Path(json.loads(os.environ["GATE"])["routes"]).with_name("go-on"))
    if token == "down":
        raise InstanceUnreachable
    if token != "good":
        raise TicketInvalid
    return ENTRY


def _hang(until: Path) -> None:
    deadline = time.monotonic() + 30.0
    while not until.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def _application() -> Gateway:
    given = json.loads(os.environ["GATE"])
    limits = Limits(**given["limits"])
    changed = None
    if given["caddy"]:
        changed = caddy.follower(
            admin=given["caddy"],
            listen=[given["listen"]],
            fallback=given["address"],
            relay_secret=relay_secret(),
            limits=limits,
        )
    path = Path(given["routes"])
    table = RouteTable(lambda: desired_of(path), changed=changed, reload_seconds=0.05)
    return Gateway(table=table, sign_in=sign_in, proto="http", limits=limits)


if __name__ == "__main__":
    host, _colon, port = json.loads(os.environ["GATE"])["address"].rpartition(":")
    serving.serve("tests.fleet.gateway.gate:application", host=host, port=int(port))
elif "GATE" in os.environ:
    application = _application()
