"""Each process beats, logs, says when the clock was set, and ends when it is asked to."""

import json
import re
import signal
import threading
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from django.db import DatabaseError
from structlog.typing import EventDict

from tenantry.config import machine, serving
from tenantry.config.postgres import PostgresUnavailable
from tenantry.work.automation import services as automation
from tenantry.work.automation.models import ProcessBeat
from tests.config.support import Installation, until

KINDS = ("web", "live", "scheduler", "worker", "browser")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the module logs."""
    lines: list[dict[str, Any]] = []

    def remember(_logger: object, _name: str, event: EventDict) -> EventDict:
        lines.append(dict(event))
        raise structlog.DropEvent

    logger = structlog.wrap_logger(None, processors=[remember])
    monkeypatch.setattr(serving, "_log", logger)
    return lines


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every beat, none of them written; the pause between them is short."""
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(serving, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(automation, "beat", lambda **beat: given.append(beat))
    monkeypatch.setattr(automation, "end_beat", lambda **_whose: None)
    return given


@pytest.mark.django_db(transaction=True)
def test_every_process_beats_and_ends_when_asked(installation: Installation) -> None:
    (installation.state_dir / "static").mkdir()
    web = machine.free_port(21_000)
    live = machine.free_port(web + 1)
    options = {"web": ("--port", str(web)), "live": ("--port", str(live))}
    processes = {kind: installation.start(kind, *options.get(kind, ())) for kind in KINDS}

    until(lambda: set(ProcessBeat.objects.values_list("kind", flat=True)) == set(KINDS))
    for kind, port in (("web", web), ("live", live)):
        until(lambda port=port: answers(f"http://127.0.0.1:{port}/health/"))  # type: ignore[misc]  # a default argument
        assert ProcessBeat.objects.get(kind=kind).note == f"127.0.0.1:{port}"
    own = [ProcessBeat.objects.get(kind=kind).pid for kind in KINDS[2:]]
    assert own == [processes[kind].pid for kind in KINDS[2:]]
    assert {beat.version for beat in ProcessBeat.objects.all()} == {"0.1.0"}

    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    assert {kind: process.wait(timeout=30) for kind, process in processes.items()} == dict.fromkeys(
        KINDS, 0
    )
    assert list(ProcessBeat.objects.values_list("kind", flat=True)) == []
    for number, kind in enumerate(KINDS):
        log = (installation.state_dir / f"{kind}-{number}.log").read_text()
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        assert [line["process"] for line in lines if line["event"] == "process_started"] == [kind]
        assert [line for line in lines if line["level"] == "error"] == []
        assert not re.search(r"Traceback|password=", log)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def beating() -> Iterator[threading.Event]:
    """The event that ends the beats; set when the test is over."""
    ending = threading.Event()
    yield ending
    ending.set()


def beat_in_background(ending: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=serving._beat_until, args=(ending, "probe", "note"))
    thread.start()
    return thread


def test_beat_says_who_is_alive_since_when(
    beats: list[dict[str, Any]], said: list[dict[str, Any]], beating: threading.Event
) -> None:
    thread = beat_in_background(beating)
    until(lambda: len(beats) >= 3)
    beating.set()
    thread.join()
    assert {(beat["kind"], beat["note"], beat["version"]) for beat in beats} == {
        ("probe", "note", "0.1.0")
    }
    assert len({(beat["host"], beat["pid"], beat["started_at"]) for beat in beats}) == 1
    moments = [beat["now"] for beat in beats]
    assert moments == sorted(moments)
    assert said == []


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_clock_that_was_set_is_said_once(
    beats: list[dict[str, Any]],
    said: list[dict[str, Any]],
    beating: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    step: float,
) -> None:
    wall = {"offset": 1_000_000.0, "now": 0.0}
    clock = SimpleNamespace(
        time=lambda: wall["now"] + wall["offset"], monotonic=lambda: wall["now"]
    )
    monkeypatch.setattr(serving, "time", clock)
    thread = beat_in_background(beating)
    until(lambda: len(beats) >= 2)
    assert said == []
    # Slewing, as NTP does it, is no step.
    wall["offset"] += 1.5
    seen = len(beats)
    until(lambda: len(beats) >= seen + 2)
    assert said == []
    wall["offset"] += step
    until(lambda: said)
    seen = len(beats)
    until(lambda: len(beats) >= seen + 3)
    beating.set()
    thread.join()
    assert [(line["event"], line["seconds"]) for line in said] == [("clock_stepped", step + 1.5)]


@pytest.mark.parametrize(
    "error", [DatabaseError("gone"), PostgresUnavailable("It is gone.", "Start it.")]
)
def test_beats_go_on_when_the_database_is_back(
    beats: list[dict[str, Any]],
    said: list[dict[str, Any]],
    beating: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    failures = [error, error]

    def beat(**given: object) -> None:
        if failures:
            raise failures.pop()
        beats.append(given)

    monkeypatch.setattr(automation, "beat", beat)
    thread = beat_in_background(beating)
    until(lambda: beats)
    beating.set()
    thread.join()
    assert [(line["event"], line["reason"]) for line in said] == [
        ("heartbeat_failed", str(error))
    ] * 2


def test_signals_ask_for_the_end() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            stop = serving.stop_event()
            assert not stop.is_set()
            signal.raise_signal(number)
            assert stop.is_set()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
