"""Install packages of the distribution: only as root on Debian and its kin, and never for ever."""

import os
import shutil
import subprocess
import sys
from functools import cache

OPTIONS = (
    "--yes",
    "--no-install-recommends",
    "--option=DPkg::Lock::Timeout=120",
    "--option=Acquire::Retries=1",
    "--option=Acquire::http::Timeout=20",
    "--option=Acquire::https::Timeout=20",
)
UPDATE_SECONDS = 180
INSTALL_SECONDS = 600


def can_install() -> bool:
    """Whether packages can be installed here: root, with apt-get."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> bool:
    """Install all of the packages; False, with the reason on stderr, when that failed."""
    _update()
    print(f"apt-get install {' '.join(packages)}", file=sys.stderr)
    return _apt_get("install", *packages, seconds=INSTALL_SECONDS)


@cache
def _update() -> None:
    # A failure is no reason to give up: the lists and caches of this machine may do.
    _apt_get("update", seconds=UPDATE_SECONDS)


def _apt_get(*arguments: str, seconds: int) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        ended = subprocess.run(
            [shutil.which("apt-get") or "apt-get", "--quiet=2", *OPTIONS, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"apt-get {arguments[0]}: no end after {seconds} s", file=sys.stderr)
        return False
    if ended.returncode:
        print(f"apt-get {arguments[0]}: {ended.stderr.strip()[-2000:]}", file=sys.stderr)
    return ended.returncode == 0
