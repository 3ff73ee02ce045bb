"""The whole platform on one machine: what is prepared, which processes run, where they listen."""

import secrets
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from tenantry.config import migrating, seed
from tenantry.config.supervision import Child, Crew, tenantry
from tenantry.core import clock
from tenantry.sdk.product import FakeSite, Product

_READY_SECONDS = 60.0
# This machine plays a host in each of two regions, with half of itself for each.
_REGIONS = ("sg", "kr")
_HALF = ("--share", "0.5")


@dataclass(frozen=True, kw_only=True)
class Site:
    """A product's fake site: where it listens, and the token that steers it."""

    url: str
    token: str


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the platform listens, and the products' fake sites by slug."""

    web: str
    live: str
    gateway: str
    sites: Mapping[str, Site] = field(default_factory=dict)


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


def crew(*, products: Sequence[Product], web_port: int) -> tuple[Crew, Addresses]:
    """Return the processes of this machine, and where they will listen."""
    logs = settings.STATE_DIR / "logs"
    web = free_port(web_port)
    live = free_port(web + 1)
    gateway = free_port(live + 1)
    addresses = Addresses(
        web=f"http://127.0.0.1:{web}",
        live=f"http://127.0.0.1:{live}",
        gateway=f"http://{settings.TENANT_DOMAIN}:{gateway}",
    )
    environment = {
        "BASE_URL": addresses.web,
        "LIVE_URL": addresses.live,
        "GATEWAY_URL": addresses.gateway,
        "TENANTRY_STATE_DIR": str(settings.STATE_DIR),
    }
    children, sites, last = [], {}, gateway
    for product in products:
        if not product.fake_site:
            continue
        last = free_port(last + 1)
        site = Site(url=f"http://127.0.0.1:{last}", token=secrets.token_urlsafe(16))
        sites[product.slug] = site
        child = _fake_site(product.slug, product.fake_site, site, port=last, logs=logs)
        environment |= child.environment
        children.append(child)
    for name, options in _processes(web, live, gateway):
        command = tenantry(*options)
        children.append(
            Child(name=name, command=command, environment=environment, log=logs / f"{name}.log")
        )
    return Crew(children=children), replace(addresses, sites=sites)


def _fake_site(slug: str, fake: FakeSite, site: Site, *, port: int, logs: Path) -> Child:
    return Child(
        name=f"fakesite-{slug}",
        command=fake.command(
            port=port, data=settings.STATE_DIR / f"fakesite-{slug}", control_token=site.token
        ),
        environment=dict(fake.environment(url=site.url, control_token=site.token)),
        log=logs / f"fakesite-{slug}.log",
    )


def _processes(web: int, live: int, gateway: int) -> list[tuple[str, tuple[str, ...]]]:
    return [
        ("web", ("web", "--port", str(web))),
        ("live", ("live", "--port", str(live))),
        ("scheduler", ("scheduler",)),
        ("worker", ("worker",)),
        ("browser", ("browser",)),
        ("gateway", ("gateway", "--port", str(gateway))),
        *(
            (f"host-{region}", ("host", "--name", f"local-{region}", "--region", region, *_HALF))
            for region in _REGIONS
        ),
    ]


def wait_ready(crew: Crew, addresses: Addresses) -> None:
    """Wait until everybody who listens answers; raises TimeoutError naming the logs."""
    deadline = time.monotonic() + _READY_SECONDS
    waiting = [f"{addresses.web}/health/", f"{addresses.live}/health/"]
    waiting += [f"{addresses.gateway}/.tenantry/health"]
    waiting += [site.url for site in addresses.sites.values()]
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
    except urllib.error.HTTPError as refusal:
        # Whoever says that he only starts has not answered yet.
        return refusal.code != HTTPStatus.SERVICE_UNAVAILABLE
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
