from collections.abc import Callable
from pathlib import Path

import pytest

from tools import debian

AptGet = Callable[[str], None]


@pytest.fixture
def apt_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AptGet:
    """Put a stand-in on PATH: a line of shell that sees its arguments as apt-get would."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    debian._update.cache_clear()

    def write(line: str) -> None:
        program = tmp_path / "apt-get"
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)

    return write


def test_install_updates_the_lists_once_and_asks_nothing(apt_get: AptGet, tmp_path: Path) -> None:
    log = tmp_path / "log"
    apt_get(f'for word; do last="$word"; done; echo "$DEBIAN_FRONTEND $last" >> {log}')
    assert debian.install("one", "two")
    assert debian.install("three")
    assert log.read_text().splitlines() == [
        "noninteractive update",
        "noninteractive two",
        "noninteractive three",
    ]


def test_install_that_fails_says_why(apt_get: AptGet, capsys: pytest.CaptureFixture[str]) -> None:
    apt_get('echo "E: Unable to locate package" >&2; exit 100')
    assert not debian.install("absent")
    assert capsys.readouterr().err.endswith(
        "apt-get install absent\napt-get install: E: Unable to locate package\n"
    )


def test_install_never_hangs(
    apt_get: AptGet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    apt_get("exec sleep 60")
    monkeypatch.setattr(debian, "UPDATE_SECONDS", 0.1)
    monkeypatch.setattr(debian, "INSTALL_SECONDS", 0.1)
    assert not debian.install("slow")
    assert capsys.readouterr().err.endswith("apt-get install: no end after 0.1 s\n")


def test_can_install_needs_root_and_apt_get(
    apt_get: AptGet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt_get("exit 0")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not debian.can_install()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert debian.can_install()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert not debian.can_install()
