"""What the tests of the composition root stand on: our own commands as processes, and patience."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from django.db import connection

PATIENCE = 30.0


def until(condition: Callable[[], object], *, patience: float = PATIENCE) -> None:
    """Wait for a condition; the test fails when it does not come true in time."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def database_url() -> str:
    """Return how another process reaches the test database."""
    given = connection.get_connection_params()
    assert str(given["dbname"]).startswith("test_"), "this is a real database"
    names = ("host", "port", "user", "password", "dbname")
    return psycopg.conninfo.make_conninfo(**{name: given[name] for name in names if name in given})


@dataclass(kw_only=True)
class Installation:
    """Runs commands as a process of its own; `environment` is what it adds to this one's."""

    state_dir: Path
    environment: dict[str, str] = field(repr=False)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def whole_environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, **self.environment, **more}

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tenantry.config.cli", *words],
            env=self.whole_environment(**more),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def run_program(self, program: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program],
            env=self.whole_environment(**more),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        log = self.state_dir / f"{words[0]}-{len(self.started)}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tenantry.config.cli", *words],
                env=self.whole_environment(**more),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def left(self) -> dict[int, str]:
        """Return every live process of this installation with its command line."""
        mark = f"TENANTRY_STATE_DIR={self.state_dir}".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                ours = mark in entry.joinpath("environ").read_bytes().split(b"\0")
                words = entry.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if ours and words:
                found[int(entry.name)] = words
        return found
