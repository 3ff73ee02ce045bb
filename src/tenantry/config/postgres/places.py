"""The files of one embedded server: where they lie, who may read them, and the locks among them.

Three locks (flock), all released by the kernel however a process ends:

- ``lock``: held for a moment by the process that starts, provisions or stops the server;
- ``users``: held shared by every process that uses the server;
- ``alive``: inherited by PostgreSQL itself and by each of its children, so it is free exactly
  when no process of the cluster is left. A process number in a file proves nothing: it may
  belong to another program by now.
"""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tenantry.config.postgres.errors import PostgresUnavailable

LOCK_SECONDS = 120.0
# sun_path holds 108 bytes with its final zero.
SOCKET_PATH_BYTES = 107


@dataclass(frozen=True, kw_only=True)
class Place:
    """The paths of the embedded server of one state folder."""

    state: Path
    root: Path
    data: Path
    # Where initdb works; renamed to `data` when it is done, so `data` is always whole.
    unfinished: Path
    # The folder of the Unix socket; None where its path is longer than the system takes.
    socket_dir: Path | None
    lock: Path
    users: Path
    alive: Path
    port: Path
    provisioned: Path
    admin_password: Path
    password: Path
    provisioner_password: Path
    # Where the server writes `<weekday>.log`, each replaced after a week.
    logs: Path
    # What the server said at its last start, before its own log was open.
    start_log: Path


def place_of(state_dir: Path) -> Place:
    """Return the paths that belong to a state folder, which need not exist."""
    state = state_dir.expanduser().resolve()
    root = state / "postgres"
    socket_dir = root / "socket"
    longest = os.fsencode(socket_dir / ".s.PGSQL.65535")
    return Place(
        state=state,
        root=root,
        data=root / "data",
        unfinished=root / "data.new",
        socket_dir=socket_dir if len(longest) <= SOCKET_PATH_BYTES else None,
        lock=root / "lock",
        users=root / "users",
        alive=root / "alive",
        port=root / "port",
        provisioned=root / "provisioned",
        admin_password=root / "admin-password",
        password=root / "password",
        provisioner_password=root / "provisioner-password",
        logs=root / "data" / "log",
        start_log=root / "data" / "start.log",
    )


def make_folders(place: Place) -> None:
    """Make the state folder and the server's own, closed to everybody else."""
    place.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.root.mkdir(mode=0o700, exist_ok=True)
    if place.socket_dir:
        place.socket_dir.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_text(path: Path) -> str | None:
    """Return the stripped content of a file, or None where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def read_port(place: Place) -> int | None:
    """Return the port the server was given at its last start."""
    text = read_text(place.port)
    return int(text) if text and text.isdecimal() else None


def read_or_make_secret(path: Path) -> str:
    """Return the password kept in a file; a random one of 256 bits is made the first time."""
    if found := read_text(path):
        return found
    made = secrets.token_urlsafe(32)
    write_private(path, made)
    return made


def take_lock(path: Path, *, shared: bool = False) -> int | None:
    """Take a lock without waiting: return what holds it, or None where somebody else does."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def is_locked(path: Path) -> bool:
    """Tell whether a process holds the lock exclusively now; costs some 10 us."""
    if not path.exists():
        return False
    handle = take_lock(path, shared=True)
    if handle is None:
        return True
    os.close(handle)
    return False


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold a lock for a block; refused with `PostgresUnavailable` after two minutes of waiting."""
    until = time.monotonic() + LOCK_SECONDS
    while (handle := take_lock(path)) is None:
        if time.monotonic() > until:
            raise PostgresUnavailable(
                f"Another process has been starting or stopping PostgreSQL for too long ({path}).",
                "End that process, then try again.",
            )
        time.sleep(0.02)
    try:
        yield
    finally:
        os.close(handle)
