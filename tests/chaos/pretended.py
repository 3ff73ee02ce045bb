"""Workers on a pretended place: set up once, then forked, so that one costs next to nothing.

The place is kept in a file, so it outlives every worker that is killed. Kills are planned as its
faults: inside its own verbs, and at the boundaries of steps.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tenantry.fleet.provisioning import drivers, engine, turns
from tenantry.fleet.provisioning.drivers.fake import FakeDriver, FakeRecipe, File, product_with
from tenantry.sdk import registry
from tenantry.work.automation.workers import run_worker

WORLD = "PRETENDED_WORLD"
CLAIMED, WORKED, CONCLUDED = "claimed", "worked", "concluded"
_NURSERY = """
import django
django.setup()
from tests.chaos.pretended import run_nursery
run_nursery()
"""


def driver() -> FakeDriver:
    """Return the place of this process; named by the setting COMPUTE_DRIVER."""
    return FakeDriver(store=File(Path(os.environ[WORLD])), looks_to_start=1)


@dataclass(kw_only=True)
class Nursery:
    """A process that forks workers when it is told to."""

    process: "subprocess.Popen[str]"

    def fork(self) -> int:
        """Start a worker and return its process id."""
        return int(self._ask("fork"))

    def ended(self, pid: int) -> bool:
        """Say whether a worker has ended; it is forgotten then."""
        return self._ask(f"ended {pid}") == "True"

    def _ask(self, words: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(words, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()


@contextmanager
def nursery(environment: Mapping[str, str], log: Path) -> Iterator[Nursery]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _NURSERY],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    try:
        with process:
            yield Nursery(process=process)
            assert process.stdin is not None
            process.stdin.close()
    finally:
        # Its workers too: one that lives on would take the messages of other tests.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def run_nursery() -> None:
    """Fork workers as asked. This process itself never touches the database."""
    place = drivers.current()
    assert isinstance(place, FakeDriver)
    registry.products = lambda: (product_with(FakeRecipe(driver=place)),)  # type: ignore[assignment]  # a plain function
    claim, conclude = turns.claim, engine.conclude

    def watched_claim(**given: object) -> object:
        taken = claim(**given)  # type: ignore[arg-type]  # passed on as it came
        if isinstance(taken, turns.Claim):
            place.reach(taken.step.name, CLAIMED)
        return taken

    def watched_conclude(taken: turns.Claim, *rest: object, **given: object) -> None:
        place.reach(taken.step.name, WORKED)
        conclude(taken, *rest, **given)  # type: ignore[arg-type]  # passed on as it came
        place.reach(taken.step.name, CONCLUDED)

    turns.claim = watched_claim  # type: ignore[assignment]  # passes everything on
    engine.conclude = watched_conclude  # type: ignore[assignment]  # passes everything on
    for line in sys.stdin:
        word, _blank, rest = line.strip().partition(" ")
        if word == "fork":
            pid = os.fork()
            if pid == 0:
                # The pipe is for answers only.
                os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
                run_worker(queues=["worker", "pipelines"], concurrency=4)
                os._exit(0)
            _answer(pid)
        else:
            _answer(os.waitpid(int(rest), os.WNOHANG) != (0, 0))


def _answer(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
