"""Stop the embedded PostgreSQL servers of this checkout, before their folders are removed."""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 20


def serves(pid: int, folder: Path) -> bool:
    """Whether the process lives and sits in the folder, as a server does in its data folder.

    A pid alone proves nothing: it may belong to somebody else by now. Where there is no /proc no
    server is found; PostgreSQL then ends by itself when it misses its folder.
    """
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
    except OSError:
        return False


def list_servers(root: Path) -> Iterator[tuple[int, Path]]:
    """Yield pid and data folder of each PostgreSQL that runs on a folder under `root`."""
    for file in root.rglob("postmaster.pid"):
        pid = int(file.read_text(encoding="utf-8").split("\n", 1)[0])
        if serves(pid, file.parent):
            yield pid, file.parent


def is_used(folder: Path) -> bool:
    """Whether a process of Tenantry uses the server: each holds a lock beside the data folder."""
    try:
        with (folder.parent / "users").open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def stop(pid: int, folder: Path) -> bool:
    """Ask a server for a fast shutdown and wait for its end; False when it does not end in time."""
    deadline = time.monotonic() + STOP_SECONDS
    os.kill(pid, signal.SIGINT)
    while serves(pid, folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def main() -> int:
    """Stop all servers; 1 when one is in use, or left."""
    servers = list(list_servers(ROOT / ".tenantry"))
    if any(is_used(folder) for _, folder in servers):
        print("Tenantry is running in this checkout: stop it, then try again", file=sys.stderr)
        return 1
    left = [pid for pid, folder in servers if not stop(pid, folder)]
    for pid in left:
        print(f"PostgreSQL (pid {pid}) does not stop: end it, then try again", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
