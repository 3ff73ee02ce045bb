"""The command that runs the whole platform on one machine."""

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import click
from django.conf import settings
from rich.console import Console
from rich.markup import escape

from tenantry.config import machine, postgres, seed, stage
from tenantry.config import preparing as preparation
from tenantry.config.cli.output import print_json
from tenantry.config.machine import Addresses
from tenantry.config.postgres import PostgresUnavailable
from tenantry.config.stage import PlayedLine
from tenantry.config.supervision import Crew
from tenantry.core import clock, env, logs
from tenantry.core.errors import DomainError
from tenantry.fleet.provisioning import recipes
from tenantry.sdk import registry

_WATCH_SECONDS = 0.25
_told = Console(stderr=True)
_log = logs.get_logger(__name__)


@click.command()
@click.option("--port", default=8000, show_default=True, help="First port to try.")
@click.option("--story", is_flag=True, help="Play the products' stories once everything runs.")
@click.option(
    "--exit", "leave", is_flag=True, help="End after the stories; exit code 0 if they held."
)
@click.option("--json", "as_json", is_flag=True, help="Print the stories' summary.")
def up(*, port: int, story: bool, leave: bool, as_json: bool) -> None:
    """Set everything up and run every process, starting again those that die."""
    # What a person reads here is told in lines; the log has only what went wrong.
    logs.configure(process="up", level="WARNING")
    # Whatever runs at that moment, also the story, ends and takes the processes along.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say = _timed()
    for step in machine.prepare():
        say(step)
    # Before the processes, so that their hosts wait for this, and not this for one of them.
    preparing = _begin_preparing(say)
    crew, addresses = machine.crew(products=registry.products(), web_port=port)
    with machine.running(crew):
        machine.wait_ready(crew, addresses)
        setup_seconds = say("every process answers")
        outcome: dict[str, object] = {"held": True}
        with _watched(crew):
            if story:
                preparing.join()
                outcome = stage.summary(_tell(crew, addresses), setup_seconds=setup_seconds)
                if as_json:
                    print_json(outcome)
            if not leave:
                _say_where(addresses)
                with suppress(KeyboardInterrupt):
                    threading.Event().wait()
    sys.exit(0 if outcome["held"] else 1)


def _timed() -> Callable[[str], float]:
    """Return what says a line with the seconds since now, and returns these."""
    began = time.monotonic()

    def say(text: str) -> float:
        seconds = time.monotonic() - began
        _told.print(f"[dim]{seconds:5.1f} s[/dim]  {escape(text)}", highlight=False)
        return seconds

    return say


def _begin_preparing(say: Callable[[str], object]) -> threading.Thread:
    """Make every recipe ready in a thread; what fails is said, and tried again by the hosts."""

    def prepare() -> None:
        for recipe in recipes.installed():
            try:
                preparation.prepare(recipe, tell=say)
            except DomainError as refusal:
                say(f"{recipe.label}: {refusal.text()} {refusal.remedy_text()}")

    preparing = threading.Thread(target=prepare, daemon=True)
    preparing.start()
    return preparing


def _tell(crew: Crew, addresses: Addresses) -> dict[str, list[PlayedLine]]:
    """Play every product's story: how a customer comes in before what is done for them."""
    told = {}
    for product in sorted(registry.products(), key=lambda one: (one.recipe is None, one.slug)):
        if product.story:
            _told.rule(str(product.name))
            people = seed.seed_story(now=clock.now())
            playing = stage.tell(product, crew=crew, addresses=addresses, people=people)
            told[product.slug] = asyncio.run(playing)
    return told


@contextmanager
def _watched(crew: Crew) -> Iterator[None]:
    """Start again what dies, until the block ends."""
    stop = threading.Event()
    watching = threading.Thread(target=_watch, args=(crew, stop), daemon=True)
    watching.start()
    try:
        yield
    finally:
        stop.set()
        watching.join()


def _watch(crew: Crew, stop: threading.Event) -> None:
    embedded = not env.text("DATABASE_URL", "")
    while not stop.wait(_WATCH_SECONDS):
        crew.tend(time.monotonic())
        if not embedded:
            continue
        try:
            postgres.revive_if_dead(settings.STATE_DIR)
        except PostgresUnavailable as error:
            _log.warning("database_not_revived", reason=str(error))


def _say_where(addresses: Addresses) -> None:
    people = seed.seed_demo(now=clock.now())
    addresses_of = {
        "trial": f"{addresses.web}/trial",
        "portal": addresses.web,
        "console": f"{addresses.web}/console",
        **{f"fake {slug}": site.url for slug, site in addresses.sites.items()},
    }
    _told.rule("running; Ctrl-C ends it")
    for name, url in addresses_of.items():
        _told.print(f"{name:<9} {url}/", highlight=False)
    for name, value in seed.sign_ins(people).items():
        # A secret must not be broken in two where the terminal ends.
        _told.print(f"{name:<9} {value}", highlight=False, soft_wrap=True)
