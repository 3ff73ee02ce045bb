"""Find Chromium or install it: what is here, else Playwright's download, else the distribution's.

Run by the .venv's Python. Says in one line what is used; exit code 1, with a remedy, when there is
no Chromium that starts.
"""

import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

from tenantry.work.automation.chromium import Chromium, find
from tools import debian

# Says that this machine was completed as far as it goes, so that it is not tried at each start.
COMPLETED = Path(sys.prefix) / ".chromium"
PLAYWRIGHT_SECONDS = 300
PATIENCE = {
    "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000",
    "DEBIAN_FRONTEND": "noninteractive",
}
KOREAN_FONTS = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
REMEDY = (
    "as root on Debian: "
    "apt-get install libatomic1 chromium-headless-shell chromium xvfb fonts-noto-cjk; "
    "elsewhere: .venv/bin/playwright install --with-deps chromium; "
    "or set TENANTRY_CHROMIUM to an executable"
)


def starts(executable: Path | None) -> bool:
    """Whether a program is there and its libraries are, too."""
    if executable is None:
        return False
    try:
        command = [str(executable), "--version"]
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def find_driver() -> Path | None:
    """Return the program through which Playwright drives any browser."""
    package = importlib.util.find_spec("playwright")
    return Path(package.origin).parent / "driver" / "node" if package and package.origin else None


def run_playwright(*arguments: str) -> None:
    """Let Playwright install something; it gives up soon where the network is closed."""
    said = f"chromium: playwright {' '.join(arguments)}"
    print(said, file=sys.stderr)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "playwright", *arguments],
            env={**os.environ, **PATIENCE},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PLAYWRIGHT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"{said}: no end after {PLAYWRIGHT_SECONDS} s", file=sys.stderr)
    else:
        if ended.returncode:
            print(f"{said}: not to be had here", file=sys.stderr)


def complete(chromium: Chromium, *, usable: bool) -> None:
    """Install what the distribution has of the rest: browsers, a display, Korean letters."""
    wanted = {"xvfb": chromium.xvfb is not None, "fonts-noto-cjk": KOREAN_FONTS.exists()}
    if platform.freedesktop_os_release()["ID"] == "debian":
        wanted |= {"chromium-headless-shell": usable, "chromium": starts(chromium.headed)}
    elif not usable:
        # Ubuntu's Chromium is a snap: rather bring the libraries that the downloaded one needs.
        run_playwright("install-deps", "chromium")
    if missing := [package for package, here in wanted.items() if not here]:
        debian.install(*missing)


def main() -> int:
    """Find or install; 1 when no Chromium starts."""
    driver = find_driver()
    if not starts(driver) and not (debian.can_install() and debian.install("libatomic1")):
        print(f"chromium: Playwright's driver {driver} does not start; {REMEDY}", file=sys.stderr)
        return 1
    chromium = find()
    usable = starts(chromium.headless)
    if not usable and not os.environ.get("TENANTRY_CHROMIUM"):
        run_playwright("install", "chromium")
        chromium = find()
        usable = starts(chromium.headless)
    if debian.can_install() and not (usable and COMPLETED.exists()):
        complete(chromium, usable=usable)
        COMPLETED.touch()
        chromium = find()
        usable = starts(chromium.headless)
    if not usable:
        named = os.environ.get("TENANTRY_CHROMIUM")
        reason = f"TENANTRY_CHROMIUM={named} does not start" if named else "none that starts"
        print(f"chromium: {reason}; {REMEDY}", file=sys.stderr)
        return 1
    headed = f"headed {chromium.headed}" if chromium.headed else "no headed browser for debug mode"
    display = "" if chromium.xvfb or "DISPLAY" in os.environ else ", no display for it (xvfb)"
    print(f"chromium: headless {chromium.headless}, {headed}{display}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
