"""The processes of one machine: started, watched, started again when they die."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tenantry.core.logs import get_logger

_log = get_logger(__name__)
_GRACE_SECONDS = 15.0
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
# A process that lived this long starts again after the shortest pause.
_SETTLED_SECONDS = 20.0


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Let Ctrl-C wait until the block ends: what it starts must not be started and forgotten.

    The signals are not blocked, since what is started would inherit that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, lambda number, _frame: came.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


@dataclass(kw_only=True)
class Child:
    """One process: what runs, where its log goes, and how often it was started."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    started_at: float = 0.0
    next_start: float = 0.0
    pause: float = field(default=_FIRST_PAUSE_SECONDS)

    def start(self) -> None:
        """Start it in a process group of its own, so that it ends with all its children."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output, _interrupted_later():
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                list(self.command),
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.starts += 1
        self.started_at = time.monotonic()

    def alive(self) -> bool:
        """Return whether it runs."""
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Signal the process and everything it started."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    def mourn(self, now: float) -> bool:
        """Note a death once, clear what was left behind and set the time of the next start."""
        if self.next_start > self.started_at:
            return False
        # A browser that the dead one started must not outlive it.
        self.send(signal.SIGKILL)
        if now - self.started_at > _SETTLED_SECONDS:
            self.pause = _FIRST_PAUSE_SECONDS
        self.next_start = now + self.pause
        self.pause = min(self.pause * 2, _LONGEST_PAUSE_SECONDS)
        code = self.process.returncode if self.process else None
        _log.warning("process_died", name=self.name, exit_code=code, log=str(self.log))
        return True


@dataclass(kw_only=True)
class Crew:
    """All children of this supervisor."""

    children: list[Child] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: bool = False

    def start(self) -> None:
        """Start everybody."""
        for child in self.children:
            child.start()

    def tend(self, now: float) -> list[str]:
        """Start again whoever died, pausing longer each time; return the names of the dead.

        Once the crew was stopped nobody is started any more.
        """
        with self.lock:
            if self.ended:
                return []
            gone = [child for child in self.children if not child.alive()]
            dead = [child.name for child in gone if child.mourn(now)]
            for child in gone:
                if now >= child.next_start:
                    child.start()
        return dead

    def kill(self, name: str) -> int:
        """Send SIGKILL to every child of this name; return how many there were."""
        with self.lock:
            found = [child for child in self.children if child.name == name]
            for child in found:
                child.send(signal.SIGKILL)
                if child.process is not None:
                    child.process.wait()
        return len(found)

    def stop(self) -> None:
        """Ask everybody to end, wait a while, then end them."""
        with self.lock:
            self.ended = True
        for child in self.children:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        for child in self.children:
            if child.process is None:
                continue
            try:
                child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _log.warning("process_killed", name=child.name)
            child.send(signal.SIGKILL)
            child.process.wait()


def tenantry(name: str, *options: str) -> list[str]:
    """Return the command of one of our own processes."""
    return [sys.executable, "-m", "tenantry.config.cli", name, *options]
