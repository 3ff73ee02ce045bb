"""Stop the embedded PostgreSQL servers of this checkout, before their folders are removed."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 20


def list_servers(root: Path) -> Iterator[int]:
    """Yield the pid of each PostgreSQL that runs on a data folder under `root`."""
    for file in root.rglob("postmaster.pid"):
        pid = int(file.read_text().split("\n", 1)[0])
        # A pid may belong to somebody else by now: only a server sits in its own data folder.
        if Path(f"/proc/{pid}/cwd").resolve() == file.parent.resolve():
            yield pid


def stop(pid: int) -> bool:
    """Ask a server for a fast shutdown and wait for its end; False when it does not end in time."""
    deadline = time.monotonic() + STOP_SECONDS
    os.kill(pid, signal.SIGINT)
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def main() -> int:
    """Stop all servers; 1 when one is left."""
    left = [pid for pid in list_servers(ROOT / ".tenantry") if not stop(pid)]
    for pid in left:
        print(f"PostgreSQL (pid {pid}) does not stop: end it, then try again", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
