"""Make the project's .venv from the hash-pinned lock, with any Python that runs the project.

Needs nothing but the standard library. A stamp (the digest of the lock and of the projects) makes
the next run return at once; uv, itself pinned in the lock, installs, and pip does where uv cannot.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tools import debian

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMP = VENV / ".stamp"
LOCK = ROOT / "requirements" / "dev.txt"
PIP = (str(BIN / "python"), "-I", "-m", "pip")
UV = (str(BIN / "uv"), "pip")
PINNED = ("--quiet", "--require-hashes", "--only-binary", ":all:")
INSTALL_SECONDS = 900


class BootstrapFailed(Exception):
    """The environment cannot be made; the text says why and how to mend it."""


def list_projects() -> list[Path]:
    """Return the folders to install in place: the platform, and each product beside it."""
    return [ROOT, *sorted(path.parent for path in ROOT.glob("products/*/pyproject.toml"))]


def compute_stamp() -> str:
    """Return the digest of everything that decides what is installed."""
    files = [LOCK, Path(__file__), *(folder / "pyproject.toml" for folder in list_projects())]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def is_usable() -> bool:
    """Whether .venv is whole and was made at this place: a moved or half-made one is made anew."""
    config = VENV / "pyvenv.cfg"
    whole = all((BIN / name).exists() for name in ("python", "pip")) and config.exists()
    return whole and str(VENV) in config.read_text(encoding="utf-8")


def create() -> None:
    """Make an empty .venv; as root on Debian, first add what Debian leaves out of Python."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    able = importlib.util.find_spec("ensurepip") is not None
    if not able and not (debian.can_install() and debian.install(package)):
        raise BootstrapFailed(
            f"{sys.executable} cannot make virtual environments; as root: apt-get install {package}"
        )
    say(f"making .venv with Python {sys.version.split()[0]}")
    run([sys.executable, "-I", "-m", "venv", "--clear", str(VENV)])


def install() -> None:
    """Install the lock, then the projects in place, built with what the lock brought."""
    say(f"installing {LOCK.relative_to(ROOT)}")
    environment = uv_environment()
    if not (BIN / "uv").exists():
        install_uv()
    if not attempt([*UV, "sync", "--python", str(VENV), *PINNED, str(LOCK)], environment):
        say("uv cannot install here; pip does it")
        run([*PIP, "install", *PINNED, "--requirement", str(LOCK)])
    editable = ["--quiet", "--no-deps", "--no-build-isolation"]
    editable += [word for folder in list_projects() for word in ("--editable", str(folder))]
    if not attempt([*UV, "install", "--offline", "--python", str(VENV), *editable], environment):
        run([*PIP, "install", "--no-index", *editable])


def install_uv() -> None:
    """Install the uv of the lock by pip."""
    pin = re.search(r"(?ms)^uv==.*?(?=^\S|\Z)", LOCK.read_text(encoding="utf-8"))
    if pin is None:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lines:
        lines.write(pin[0])
        lines.flush()
        run([*PIP, "install", *PINNED, "--requirement", lines.name])


def uv_environment() -> dict[str, str]:
    """Return this environment with pip's index and certificates, which uv would not look for."""
    environment = {"UV_HTTP_RETRIES": "2"}
    listed = subprocess.run(
        [*PIP, "config", "list"], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        if key.endswith(".index-url"):
            environment["UV_DEFAULT_INDEX"] = value.strip("'")
        elif key.endswith(".cert"):
            environment["SSL_CERT_FILE"] = value.strip("'")
    return environment | os.environ


def attempt(command: list[str], environment: Mapping[str, str]) -> bool:
    """Run a command quietly; False, with the end of what it said, when it failed or did not end."""
    try:
        ended = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        say(str(error))
        return False
    if ended.returncode:
        say(ended.stderr.strip()[-2000:])
    return ended.returncode == 0


def run(command: list[str]) -> None:
    """Run a command that must succeed."""
    if not attempt(command, os.environ | {"PIP_NO_INPUT": "1", "PIP_USER": "0"}):
        raise BootstrapFailed(f"failed: {' '.join(command)}; mend that, then run make again")


def say(text: str) -> None:
    """Tell a person, on stderr: stdout belongs to what runs afterwards."""
    print(f"venv: {text}", file=sys.stderr)


def main() -> int:
    """Make or complete .venv unless its stamp is up to date; 1 when that cannot be done."""
    started = time.monotonic()
    with (ROOT / "pyproject.toml").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two makes at once share one installation
        stamp = compute_stamp()
        if is_usable() and STAMP.exists() and STAMP.read_text() == stamp:
            return 0
        try:
            if not is_usable():
                create()
            install()
        except BootstrapFailed as failure:
            say(str(failure))
            return 1
        STAMP.write_text(stamp)
    say(f"ready in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
