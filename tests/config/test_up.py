"""`tenantry up`: everything on one machine, mended while it runs, gone when it ends."""

import os
import re
import signal
import subprocess
import urllib.request

import pytest

from tenantry.config import machine
from tests.config.support import Installation, until

KINDS = {"web", "live", "scheduler", "worker", "browser", "gateway", "host"}
NOBODY = "postgresql://nobody@127.0.0.1:1/none"

pytestmark = pytest.mark.chaos


@pytest.fixture
def alone(installation: Installation) -> Installation:
    """A machine without any configuration.

    Where instances' databases are made, nobody listens: they are not what this is about.
    """
    installation.environment["DATABASE_URL"] = ""
    installation.environment["INSTANCES_DATABASE_URL"] = NOBODY
    return installation


def children(installation: Installation) -> dict[str, list[int]]:
    """Return the processes by the command that they run."""
    found: dict[str, list[int]] = {}
    for pid, words in sorted(installation.left().items()):
        command = re.search(r"tenantry\.config\.cli (\w+)", words)
        if command and command[1] != "up":
            found.setdefault(command[1], []).append(pid)
    return found


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def log_of(process: subprocess.Popen[str], installation: Installation) -> str:
    assert process.poll() is None
    return (installation.state_dir / "up-0.log").read_text()


def test_machine_mends_itself_and_leaves_nothing_behind(alone: Installation) -> None:
    port = machine.free_port(24_000)
    up = alone.start("up", "--port", str(port))
    last = re.compile(r"^superuser .*, password \w{24}, TOTP secret \w{32}\n", re.MULTILINE)
    until(lambda: last.search(log_of(up, alone)), patience=90)
    said = log_of(up, alone)
    portal = f"http://127.0.0.1:{port}"
    assert f"portal    {portal}/\n" in said
    assert f"console   {portal}/console/\n" in said
    assert answers(f"{portal}/sign-in/")
    running = children(alone)
    assert set(running) == KINDS

    os.kill(running["web"][0], signal.SIGKILL)
    os.kill(running["worker"][0], signal.SIGKILL)
    data = alone.state_dir / "postgres" / "data"
    os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    until(lambda: children(alone).get("worker", running["worker"]) != running["worker"])
    until(lambda: answers(f"{portal}/sign-in/"))

    up.send_signal(signal.SIGTERM)
    assert up.wait(timeout=60) == 0
    until(lambda: alone.left() == {})
    assert not (data / "postmaster.pid").exists()


@pytest.mark.django_db(transaction=True)
def test_interrupted_start_ends_at_once_and_leaves_nothing_behind(
    installation: Installation,
) -> None:
    installation.environment["INSTANCES_DATABASE_URL"] = NOBODY
    up = installation.start("up", "--port", str(machine.free_port(24_100)))
    until(lambda: log_of(up, installation) and set(children(installation)) == KINDS, patience=90)
    up.send_signal(signal.SIGINT)
    assert up.wait(timeout=60) == 1
    assert "Ctrl-C ends it" not in (installation.state_dir / "up-0.log").read_text()
    until(lambda: installation.left() == {})
    assert not (installation.state_dir / "postgres").exists()
