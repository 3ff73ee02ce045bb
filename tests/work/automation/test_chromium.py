from pathlib import Path

import pytest

from tenantry.work.automation.chromium import Chromium, find


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": str(tmp_path / "bin"), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "cache")}


def test_find_on_a_bare_machine_finds_nothing(environ: dict[str, str]) -> None:
    assert find(environ) == Chromium(headless=None, headed=None, xvfb=None)


def test_find_prefers_the_headless_shell_for_headless_work(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    shell = make_program(tmp_path / "bin" / "chromium-headless-shell")
    full = make_program(tmp_path / "bin" / "chromium")
    xvfb = make_program(tmp_path / "bin" / "Xvfb")
    assert find(environ) == Chromium(headless=shell, headed=full, xvfb=xvfb)


def test_find_takes_the_full_browser_for_both_where_there_is_no_shell(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    chrome = make_program(tmp_path / "bin" / "google-chrome")
    assert find(environ) == Chromium(headless=chrome, headed=chrome, xvfb=None)


def test_find_takes_the_newest_download(tmp_path: Path, environ: dict[str, str]) -> None:
    cache = tmp_path / "cache"
    for revision in (999, 1255):
        shell = make_program(
            cache / f"chromium_headless_shell-{revision}" / "linux64" / "chrome-headless-shell"
        )
        full = make_program(cache / f"chromium-{revision}" / "chrome-linux64" / "chrome")
    assert find(environ) == Chromium(headless=shell, headed=full, xvfb=None)


def test_find_skips_a_download_that_cannot_run(tmp_path: Path, environ: dict[str, str]) -> None:
    cache = tmp_path / "cache"
    old = make_program(cache / "chromium-1" / "chrome-linux64" / "chrome")
    make_program(cache / "chromium-2" / "chrome-linux64" / "chrome").chmod(0o644)
    assert find(environ).headless == old


def test_find_takes_a_download_before_the_distribution_wrapper(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    wrapper = make_program(tmp_path / "bin" / "chromium-browser")
    assert find(environ).headed == wrapper
    full = make_program(tmp_path / "cache" / "chromium-1" / "chrome-linux64" / "chrome")
    assert find(environ).headed == full


def test_find_obeys_the_variable(tmp_path: Path, environ: dict[str, str]) -> None:
    chromium = make_program(tmp_path / "bin" / "chromium")
    named = make_program(tmp_path / "elsewhere" / "my-chrome")
    environ["TENANTRY_CHROMIUM"] = str(named)
    assert find(environ) == Chromium(headless=named, headed=named, xvfb=None)
    shell = make_program(tmp_path / "elsewhere" / "chrome-headless-shell")
    environ["TENANTRY_CHROMIUM"] = str(shell)
    assert find(environ) == Chromium(headless=shell, headed=chromium, xvfb=None)


def test_find_takes_nothing_else_where_the_variable_names_nothing(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    make_program(tmp_path / "bin" / "chromium")
    environ["TENANTRY_CHROMIUM"] = str(tmp_path / "absent")
    assert find(environ) == Chromium(headless=None, headed=None, xvfb=None)
