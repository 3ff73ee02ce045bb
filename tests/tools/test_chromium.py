import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import chromium

ROOT = Path(__file__).resolve().parents[2]


def make_program(path: Path, line: str) -> Path:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path


def run_tool(path: Path, named: Path) -> subprocess.CompletedProcess[str]:
    # No apt-get on this PATH: nothing is ever installed from here.
    return subprocess.run(
        [sys.executable, "-m", "tools.chromium"],
        cwd=ROOT,
        env={"PATH": str(path), "HOME": str(path), "TENANTRY_CHROMIUM": str(named)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_tool_names_the_browser_that_is_used(tmp_path: Path) -> None:
    browser = make_program(tmp_path / "my-chrome", "exit 0")
    make_program(tmp_path / "Xvfb", "exit 0")
    ended = run_tool(tmp_path, browser)
    assert ended.stderr == f"chromium: headless {browser}, headed {browser}\n"
    assert (ended.returncode, ended.stdout) == (0, "")


def test_tool_says_what_debug_mode_lacks(tmp_path: Path) -> None:
    browser = make_program(tmp_path / "headless-chrome", "exit 0")
    ended = run_tool(tmp_path, browser)
    assert ended.stderr == (
        f"chromium: headless {browser}, no headed browser for debug mode, "
        "no display for it (xvfb)\n"
    )
    assert ended.returncode == 0


@pytest.mark.parametrize("line", ["exit 127", "kill -SEGV $$"])
def test_tool_refuses_a_browser_that_does_not_start(tmp_path: Path, line: str) -> None:
    browser = make_program(tmp_path / "broken", line)
    ended = run_tool(tmp_path, browser)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"chromium: TENANTRY_CHROMIUM={browser} does not start; {chromium.REMEDY}\n"
    )


def test_tool_refuses_a_browser_that_is_not_there(tmp_path: Path) -> None:
    ended = run_tool(tmp_path, tmp_path / "absent")
    assert ended.returncode == 1
    assert chromium.REMEDY in ended.stderr


def test_playwright_driver_starts() -> None:
    driver = chromium.find_driver()
    assert driver is not None
    assert os.access(driver, os.X_OK)
    assert chromium.starts(driver)
