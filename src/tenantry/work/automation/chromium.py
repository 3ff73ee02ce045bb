"""Where Chromium is on this machine: an existing one is used, nothing is installed here.

`tools/chromium.py` installs one where there is none; `tenantry doctor` says what was found.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HEADLESS_SHELL = ("chromium-headless-shell",)
FULL = ("chromium", "google-chrome", "google-chrome-stable")
# Last of all: on some distributions this is a mere note saying where the browser might be had.
WRAPPER = ("chromium-browser",)
DOWNLOADED_SHELL = ("chromium_headless_shell-*/*/chrome-headless-shell",)
DOWNLOADED_FULL = ("chromium-*/*/chrome", "chromium-*/*/*.app/Contents/MacOS/*")


@dataclass(frozen=True, kw_only=True)
class Chromium:
    """The executables found; None where there is none.

    `headless` may be the headless shell, which opens pages several times faster than the full
    browser; `headed` is a full browser; it needs a display, for which `xvfb` is a virtual one.
    """

    headless: Path | None
    headed: Path | None
    xvfb: Path | None


def find(environ: Mapping[str, str] = os.environ) -> Chromium:
    """Return what this machine has, without starting anything.

    TENANTRY_CHROMIUM names one executable and is final: where it names none, there is no Chromium.
    """
    xvfb = next(_on_path(("Xvfb",), environ), None)
    headed = next(_find_full(environ), None)
    if named := environ.get("TENANTRY_CHROMIUM"):
        browser = next(_on_path((named,), environ), None)
        is_full = browser is None or "headless" not in browser.name
        return Chromium(headless=browser, headed=browser if is_full else headed, xvfb=xvfb)
    return Chromium(headless=next(_find_shell(environ), headed), headed=headed, xvfb=xvfb)


def _find_shell(environ: Mapping[str, str]) -> Iterator[Path]:
    yield from _on_path(HEADLESS_SHELL, environ)
    yield from _downloaded(DOWNLOADED_SHELL, environ)


def _find_full(environ: Mapping[str, str]) -> Iterator[Path]:
    yield from _on_path(FULL, environ)
    yield from _downloaded(DOWNLOADED_FULL, environ)
    yield from _on_path(WRAPPER, environ)


def _on_path(names: tuple[str, ...], environ: Mapping[str, str]) -> Iterator[Path]:
    for name in names:
        if found := shutil.which(name, path=environ.get("PATH", os.defpath)):
            yield Path(found)


def _downloaded(patterns: tuple[str, ...], environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield what Playwright downloaded, the newest revision first."""
    cache = "Library/Caches" if sys.platform == "darwin" else ".cache"
    folder = environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / cache / "ms-playwright"
    found = [path for pattern in patterns for path in Path(folder).glob(pattern)]
    yield from filter(_is_executable, sorted(found, key=_revision, reverse=True))


def _revision(path: Path) -> int:
    match = re.search(r"chromium(?:_headless_shell)?-(\d+)/", str(path))
    return int(match[1]) if match else 0


def _is_executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
