"""The processes that share nothing but PostgreSQL and the object store."""

import os
import socket
import threading
from collections.abc import Mapping

import click
from granian import Granian
from granian.constants import Interfaces

from tenantry.config.serving import announce, process, stop_event
from tenantry.fleet.gateway import serving as gateways
from tenantry.fleet.provisioning.drivers.local.agent import Agent
from tenantry.ledger.audit import sealer
from tenantry.work.automation import workers
from tenantry.work.schedules import scheduling

# The queues whose messages a process handles, by its command.
QUEUES: Mapping[str, tuple[str, ...]] = {
    "worker": ("worker", "pipelines"),
    "browser": ("browser",),
}
_host = click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")


@click.command()
@_host
@click.option("--port", default=8000, show_default=True, help="Port to bind.")
@click.option("--threads", default=8, show_default=True, help="Requests answered at once.")
@click.option("--workers", "worker_count", default=1, show_default=True, help="Processes.")
def web(*, host: str, port: int, threads: int, worker_count: int) -> None:
    """Serve pages and JSON (WSGI)."""
    announce("web", note=f"{host}:{port}")
    Granian(
        "tenantry.config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=worker_count,
        blocking_threads=threads,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    ).serve()


@click.command()
@_host
@click.option("--port", default=8001, show_default=True, help="Port to bind.")
def live(*, host: str, port: int) -> None:
    """Serve events as they happen (ASGI)."""
    announce("live", note=f"{host}:{port}")
    Granian(
        "tenantry.config.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
    ).serve()


@click.command()
@_host
@click.option("--port", default=8080, show_default=True, help="Port to bind.")
@click.option("--caddy", metavar="URL", help="Keep the Caddy of this admin API current, too.")
@click.option("--caddy-listen", default=":80", show_default=True, help="Where that Caddy listens.")
def gateway(*, host: str, port: int, caddy: str | None, caddy_listen: str) -> None:
    """Lead host names to tenants' instances (ASGI)."""
    announce("gateway", note=f"{host}:{port}")
    if caddy:
        os.environ |= {
            "TENANTRY_CADDY_ADMIN": caddy,
            "TENANTRY_CADDY_LISTEN": caddy_listen,
            "TENANTRY_CADDY_FALLBACK": f"{host}:{port}",
        }
    gateways.serve("tenantry.config.gateway:application", host=host, port=port)


@click.command()
def scheduler() -> None:
    """Decide due slots and seal the audit log; any number may run."""
    stop = stop_event()
    holder = f"{socket.gethostname()}:{os.getpid()}"
    with process("scheduler"):
        sealing = threading.Thread(
            target=sealer.run_sealer, kwargs={"stop": stop, "holder": holder}
        )
        sealing.start()
        try:
            scheduling.run_scheduler(stop)
        finally:
            stop.set()
            sealing.join(timeout=10)


@click.command()
@click.option("--concurrency", default=16, show_default=True, help="Messages handled at once.")
def worker(*, concurrency: int) -> None:
    """Handle messages: mails, notices, rescue and other chores, and runs of instances."""
    with process("worker"):
        workers.run_worker(queues=QUEUES["worker"], concurrency=concurrency)


@click.command()
@click.option("--lanes", default=3, show_default=True, help="Accounts worked for at once.")
def browser(*, lanes: int) -> None:
    """Work for customers in Chromium, one lane per account."""
    with process("browser"):
        workers.run_worker(queues=QUEUES["browser"], concurrency=lanes)


@click.command()
@click.option("--name", required=True, help="Its name among all hosts.")
@click.option("--region", required=True, help="The region it is in.")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="How much of this machine it may give to tenants.",
)
def host(*, name: str, region: str, share: float) -> None:
    """Keep tenants' instances on this machine running as they are wished."""
    agent = Agent(name=name, region=region, share=share, ending=stop_event())
    with process("host", note=f"{name} ({region})"):
        agent.run()
