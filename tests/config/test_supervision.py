"""Children that die are started again, slower each time; none outlives its supervisor."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tenantry.config import supervision
from tenantry.config.supervision import Child, Crew, tenantry
from tenantry.work.automation import chromium
from tests.config.support import until

# A process that starts another one; with `deaf` neither hears SIGTERM.
PARENT = """
import signal, subprocess, sys, time
deaf = "deaf" in sys.argv
if deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
program = "import time; time.sleep(600)"
if deaf:
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + program
subprocess.Popen([sys.executable, "-c", program])
print("ready", flush=True)
time.sleep(600)
"""
BROWSING = """
import sys, time
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    playwright.chromium.launch(executable_path=sys.argv[1])
    print("ready", flush=True)
    time.sleep(600)
"""

MakeChild = Callable[..., Child]


@pytest.fixture
def make_child(tmp_path: Path) -> Iterator[MakeChild]:
    """Make children that can be found, with all they start, by a mark in their environment."""
    made: list[Child] = []

    def make(program: str, *words: str, name: str = "child") -> Child:
        child = Child(
            name=name,
            command=[sys.executable, "-c", textwrap.dedent(program), *words],
            environment={"TENANTRY_PROBE": uuid4().hex},
            log=tmp_path / "logs" / f"{name}-{len(made)}.log",
        )
        made.append(child)
        return child

    yield make
    for child in made:
        for pid in family(child):
            os.kill(pid, signal.SIGKILL)
        if child.process:
            child.process.wait()


def family(child: Child) -> list[int]:
    """Return every live process that has the child's mark, wherever it was put."""
    mark = f"TENANTRY_PROBE={child.environment['TENANTRY_PROBE']}".encode()
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if is_marked(entry, mark)]


def is_marked(entry: Path, mark: bytes) -> bool:
    try:
        is_dead = entry.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return not is_dead and mark in entry.joinpath("environ").read_bytes()
    except OSError:
        return False


def is_ready(child: Child) -> bool:
    return child.log.exists() and "ready" in child.log.read_text()


def started(*children: Child) -> Crew:
    crew = Crew(children=list(children))
    crew.start()
    until(lambda: all(is_ready(child) for child in children))
    return crew


def test_child_gets_environment_log_and_a_group_of_its_own(make_child: MakeChild) -> None:
    child = make_child(
        """
        import os, sys
        print(os.environ["TENANTRY_PROBE"], os.getpid() == os.getpgid(0), os.environ["PATH"])
        print(repr(sys.stdin.read()), "said", file=sys.stderr)
        """
    )
    child.start()
    assert child.process
    assert child.process.wait(timeout=30) == 0
    mark, path = child.environment["TENANTRY_PROBE"], os.environ["PATH"]
    assert sorted(child.log.read_text().splitlines()) == sorted([f"{mark} True {path}", "'' said"])


def test_dead_child_is_started_again_after_a_growing_pause(make_child: MakeChild) -> None:
    child = make_child("print('ready', flush=True)")
    crew = Crew(children=[child])
    crew.start()
    deaths: list[float] = []
    starts: list[float] = []

    def tend() -> bool:
        before, now = child.starts, time.monotonic()
        if crew.tend(now) == ["child"]:
            deaths.append(now)
        if child.starts > before:
            starts.append(now)
        return child.starts == 4

    until(tend)
    pauses = [start - death for death, start in zip(deaths, starts, strict=True)]
    assert [
        pause for pause, least in zip(pauses, (0.2, 0.4, 0.8), strict=True) if pause < least
    ] == []
    assert child.next_start - deaths[-1] == pytest.approx(0.8)
    until(lambda: child.log.read_text() == "ready\n" * 4)


def test_pause_does_not_grow_for_ever(make_child: MakeChild) -> None:
    child = make_child("")
    child.pause = 8.0
    child.start()
    assert child.process
    child.process.wait(timeout=30)
    pauses = []
    for _ in range(3):
        now = time.monotonic()
        assert child.mourn(now)
        pauses.append(child.next_start - now)
        child.next_start = 0.0
    assert pauses == pytest.approx([8.0, 10.0, 10.0])


def test_child_that_lived_long_is_started_soon(make_child: MakeChild) -> None:
    child = make_child("")
    child.pause = 8.0
    child.start()
    assert child.process
    child.process.wait(timeout=30)
    child.started_at -= 21
    now = time.monotonic()
    assert child.mourn(now)
    assert child.next_start - now == pytest.approx(0.2)


def test_death_is_noticed_once(make_child: MakeChild) -> None:
    child, lasting = make_child(""), make_child(PARENT, name="lasting")
    crew = started(lasting)
    crew.children.append(child)
    child.start()
    assert child.process
    child.process.wait(timeout=30)
    now = time.monotonic()
    assert [crew.tend(now), crew.tend(now), crew.tend(now)] == [["child"], [], []]
    assert (child.starts, lasting.starts) == (1, 1)
    crew.stop()


def test_killed_child_takes_everything_it_started_along(make_child: MakeChild) -> None:
    child = make_child(PARENT, "deaf")
    crew = started(child)
    until(lambda: len(family(child)) == 2)
    assert child.process
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait(timeout=30)
    assert len(family(child)) == 1
    assert crew.tend(time.monotonic()) == ["child"]
    until(lambda: family(child) == [])
    crew.stop()


def test_browser_of_a_killed_child_ends_with_it(make_child: MakeChild) -> None:
    executable = chromium.find().headless
    if executable is None:
        pytest.skip("needs Chromium: `make chromium` finds or installs one")
    child = make_child(BROWSING, str(executable))
    crew = started(child)
    assert len(family(child)) > 2
    assert child.process
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait(timeout=30)
    assert crew.tend(time.monotonic()) == ["child"]
    until(lambda: family(child) == [])
    crew.stop()


def test_kill_strikes_every_child_of_the_name_and_no_other(make_child: MakeChild) -> None:
    doomed = [make_child(PARENT, name="worker") for _ in range(2)]
    spared = make_child(PARENT, name="web")
    crew = started(*doomed, spared)
    until(lambda: all(len(family(child)) == 2 for child in (*doomed, spared)))
    assert crew.kill("worker") == 2
    until(lambda: [len(family(child)) for child in (*doomed, spared)] == [0, 0, 2])
    assert crew.kill("nobody") == 0
    assert sorted(crew.tend(time.monotonic())) == ["worker", "worker"]
    crew.stop()


def test_stop_ends_children_and_grandchildren(make_child: MakeChild) -> None:
    children = [make_child(PARENT) for _ in range(2)]
    crew = started(*children)
    until(lambda: all(len(family(child)) == 2 for child in children))
    crew.stop()
    assert [child.alive() for child in children] == [False, False]
    until(lambda: [family(child) for child in children] == [[], []])


def test_stop_ends_who_does_not_listen(
    make_child: MakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "_GRACE_SECONDS", 0.5)
    child = make_child(PARENT, "deaf")
    crew = started(child)
    until(lambda: len(family(child)) == 2)
    crew.stop()
    assert child.process
    assert child.process.returncode == -signal.SIGKILL
    until(lambda: family(child) == [])


def test_stop_leaves_time_to_end_cleanly(make_child: MakeChild) -> None:
    child = make_child(
        """
        import signal, sys, time
        def end(*_):
            print("cleaned up", flush=True)
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        print("ready", flush=True)
        time.sleep(600)
        """
    )
    crew = started(child)
    crew.stop()
    assert child.process
    assert child.process.returncode == 0
    assert child.log.read_text() == "ready\ncleaned up\n"


def test_nobody_is_started_after_the_end(make_child: MakeChild) -> None:
    child = make_child(PARENT)
    crew = started(child)
    crew.stop()
    assert crew.tend(time.monotonic() + 60) == []
    assert (child.starts, child.alive()) == (1, False)


def test_command_of_our_own_is_run_by_this_python() -> None:
    words = [sys.executable, "-m", "tenantry.config.cli", "web", "--port", "8000"]
    assert tenantry("web", "--port", "8000") == words


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_child_is_not_forgotten_when_its_start_is_interrupted(
    make_child: MakeChild, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    start = subprocess.Popen

    def interrupted(*given: Any, **more: Any) -> Any:  # noqa: ANN401  # as Popen
        signal.raise_signal(number)
        made = start(*given, **more)
        signal.raise_signal(number)
        return made

    child = make_child(PARENT)
    crew = Crew(children=[child])
    monkeypatch.setattr(subprocess, "Popen", interrupted)
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            crew.start()
    finally:
        signal.signal(number, before)
    assert child.alive()
    crew.stop()
    assert not child.alive()
