"""Processes of instances: started apart from the platform, found again, ended.

An instance lives while the lock `alive` of its folder is held: its process and all it starts
inherit the lock, and the kernel frees it however they end. So neither a killed agent nor a used-up
process number can make anybody take something else for the instance.
"""

import fcntl
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import IO

from tenantry.fleet.provisioning.drivers.compute import DriverError
from tenantry.fleet.provisioning.drivers.local import limits
from tenantry.fleet.provisioning.failures import Failure
from tenantry.sdk.recipe import Launch

LABEL = "TENANTRY_LABEL"
# Below the ports that systems give to outgoing connections.
PORTS = range(12_000, 20_000)
_TRIES = 200
_LONGEST_LOG = 5_000_000
_LOOK_SECONDS = 0.02
# Somebody may just be looking whether it lives, which takes the lock for an instant.
_LOOKERS_SECONDS = 0.2
# The process writes its own number down before it becomes the instance, so none is ever unknown.
_SCRIPT = 'echo $$ > process.new && mv process.new process && exec "$@"'
_random = SystemRandom()


def is_free(port: int) -> bool:
    """Tell whether something could listen on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(wanted: int | None) -> int:
    """Return the wanted port if it is free, else another one; raises `DriverError`."""
    if wanted is not None and is_free(wanted):
        return wanted
    for _try in range(_TRIES):
        port = _random.choice(PORTS)
        if is_free(port):
            return port
    raise DriverError(Failure.PORT_TAKEN, retryable=True, detail="no free port was found")


def start(folder: Path, launch: Launch, *, label: str, port: int) -> subprocess.Popen[bytes]:
    """Start an instance in a session of its own, with its own environment and nothing of ours.

    Its port is written down beside its number, for whoever finds it.
    Raises `DriverError`, also when one lives already.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, text in launch.files.items():
            _write_private(folder / name, text)
        _write_private(folder / "port", str(port))
        (folder / "process").unlink(missing_ok=True)
        alive = _take(folder)
        if alive is None:
            raise DriverError(Failure.UNEXPECTED, retryable=True, detail="it lives already")
        try:
            with _log(folder) as output:
                return subprocess.Popen(  # noqa: S603 - the recipe's command, quoted by nobody
                    ["/bin/sh", "-c", _SCRIPT, label, *limits.confinement(), *launch.command],
                    env={**launch.environment, LABEL: label},
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(alive,),
                    start_new_session=True,
                    umask=0o077,
                )
        finally:
            os.close(alive)
    except OSError as error:
        code = Failure.DRIVER_FAILED
        raise DriverError(code, retryable=True, detail=f"{label}: {error}") from error


def is_alive(folder: Path) -> bool:
    """Tell whether any process of the instance is left; costs some 10 us."""
    try:
        handle = os.open(folder / "alive", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def pid_of(folder: Path) -> int | None:
    """Return the number of the living instance's process."""
    pid = _number(folder / "process")
    return pid if is_alive(folder) else None


def port_of(folder: Path) -> int | None:
    """Return the port that the instance was last started with."""
    return _number(folder / "port")


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def end(folder: Path, *, grace: float) -> None:
    """Ask all processes of the instance to end, then make them; returns when none is left."""
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
        until = time.monotonic() + seconds
        while is_alive(folder):
            # A process that was just started may not have written its number yet.
            if (pid := pid_of(folder)) is not None:
                with suppress(ProcessLookupError):
                    os.killpg(pid, number)
            if time.monotonic() > until:
                break
            _wait(folder, min(0.5, seconds))
    if is_alive(folder):
        raise DriverError(Failure.DRIVER_TIMEOUT, retryable=True, detail="a process does not end")


def last_words(folder: Path, *, longest: int = 300) -> str:
    """Return the last line that the instance wrote, for the host's log."""
    try:
        text = (folder / "instance.log").read_bytes()[-4096:].decode(errors="replace")
    except FileNotFoundError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:longest] if lines else ""


def _wait(folder: Path, seconds: float) -> None:
    until = time.monotonic() + seconds
    while is_alive(folder) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)


def _take(folder: Path) -> int | None:
    handle = os.open(folder / "alive", os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + _LOOKERS_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(handle)
                return None
            time.sleep(_LOOK_SECONDS)
        else:
            return handle


def _log(folder: Path) -> IO[bytes]:
    path = folder / "instance.log"
    if path.exists() and path.stat().st_size > _LONGEST_LOG:
        path.replace(folder / "instance.log.1")
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
