"""The whole platform on one machine: what is prepared, which processes run, where they listen."""

import secrets
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from tenantry.config import migrating, seed
from tenantry.config.supervision import Child, Crew, tenantry
from tenantry.core import clock
from tenantry.sdk.product import Product

_READY_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the platform listens."""

    web: str
    live: str
    site: str = ""
    site_token: str = ""


def prepare() -> Iterator[str]:
    """Make the database, static files and demo people ready; yields each step as it begins."""
    yield "database"
    migrating.migrate(statement_seconds=60)
    yield "static files"
    call_command("collectstatic", interactive=False, verbosity=0)
    yield "demo people"
    seed.seed_demo(now=clock.now())


def free_port(wanted: int) -> int:
    """Return the wanted port, or the next one that nobody listens on."""
    for port in range(wanted, min(wanted + 100, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    message = f"No free port from {wanted} to {wanted + 99}: stop what listens there."
    raise OSError(message)


def crew(*, product: Product | None, web_port: int) -> tuple[Crew, Addresses]:
    """Return the processes of this machine, and where they will listen."""
    logs = settings.STATE_DIR / "logs"
    web = free_port(web_port)
    live = free_port(web + 1)
    addresses = Addresses(web=f"http://127.0.0.1:{web}", live=f"http://127.0.0.1:{live}")
    environment = {"BASE_URL": addresses.web, "LIVE_URL": addresses.live}
    environment["TENANTRY_STATE_DIR"] = str(settings.STATE_DIR)
    children = []
    if product and product.fake_site:
        port, token = free_port(live + 1), secrets.token_urlsafe(16)
        data: Path = settings.STATE_DIR / f"fakesite-{product.slug}"
        site = f"http://127.0.0.1:{port}"
        addresses = Addresses(web=addresses.web, live=addresses.live, site=site, site_token=token)
        site_environment = dict(product.fake_site.environment(url=site, control_token=token))
        environment |= site_environment
        children.append(
            Child(
                name="fakesite",
                command=product.fake_site.command(port=port, data=data, control_token=token),
                environment=site_environment,
                log=logs / "fakesite.log",
            )
        )
    for name, options in _processes(web, live):
        command = tenantry(name, *options)
        children.append(
            Child(name=name, command=command, environment=environment, log=logs / f"{name}.log")
        )
    return Crew(children=children), addresses


def _processes(web: int, live: int) -> list[tuple[str, tuple[str, ...]]]:
    return [
        ("web", ("--port", str(web))),
        ("live", ("--port", str(live))),
        ("scheduler", ()),
        ("worker", ()),
        ("browser", ()),
    ]


def wait_ready(crew: Crew, addresses: Addresses) -> None:
    """Wait until web and live answer; raises TimeoutError naming the logs."""
    deadline = time.monotonic() + _READY_SECONDS
    waiting = [f"{addresses.web}/health/", f"{addresses.live}/health/"]
    waiting += [addresses.site] if addresses.site else []
    while waiting := [url for url in waiting if not _answers(url)]:
        if time.monotonic() > deadline:
            message = f"{', '.join(waiting)} did not answer: see {settings.STATE_DIR / 'logs'}."
            raise TimeoutError(message)
        crew.tend(time.monotonic())
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@contextmanager
def running(crew: Crew) -> Iterator[Crew]:
    """Run the processes until the block ends, however it ends."""
    try:
        crew.start()
        yield crew
    finally:
        crew.stop()
