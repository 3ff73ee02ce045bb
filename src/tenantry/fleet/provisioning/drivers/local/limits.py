"""What keeps one instance from taking the machine: as much of it as the system allows.

Everywhere a bound on address space, on open files and on their length, no core dumps, and less
right to the processor than the platform has. Where cgroup v2 may be written to, also real memory
and processor time. Where there is `setpriv`, no power of root's and no way to get any: its files
stay readable to it, which another account could not read without opening the folders above them.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from tenantry.sdk.recipe import Needs

CGROUPS = Path("/sys/fs/cgroup")
_OURS = "tenantry"
_NICE = 5
_FILES = 1024
_MIB = 1024 * 1024
# A log that nobody stops must not fill the disk.
_LONGEST_FILE = 256 * _MIB
# Threads and libraries reserve much more than they use.
_ADDRESS_SPACE = 6
# Short work, like the start, may take more than its share of the processor.
_PERIOD_MICROSECONDS = 100_000
_BURST = 4


@cache
def confinement() -> tuple[str, ...]:
    """Return what goes before a command so that it runs without privileges; may be nothing."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    words = [setpriv, "--no-new-privs"]
    if os.geteuid() == 0:
        words += ["--bounding-set=-all", "--inh-caps=-all"]
    tried = [*words, "--", "true"]
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(tried, capture_output=True, timeout=10, check=False)  # noqa: S603
        if done.returncode == 0:
            return (*words, "--")
    return ()


def apply(pid: int, *, label: str, needs: Needs, cgroups: Path = CGROUPS) -> frozenset[str]:
    """Limit a process and what it starts; returns what could be limited."""
    applied = set()
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _NICE)
        applied.add("priority")
    if sys.platform == "linux":
        bytes_ = needs.memory_mb * _MIB * _ADDRESS_SPACE
        bounds = {
            resource.RLIMIT_AS: bytes_,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_NOFILE: _FILES,
            resource.RLIMIT_FSIZE: _LONGEST_FILE,
        }
        with suppress(OSError, ValueError):
            for kind, bound in bounds.items():
                resource.prlimit(pid, kind, (bound, bound))
            applied.add("address space")
    if _put_in_group(pid, label, needs, cgroups):
        applied |= {"memory", "processor"}
    return frozenset(applied)


def _put_in_group(pid: int, label: str, needs: Needs, cgroups: Path) -> bool:
    share = needs.cpu_milli * _BURST * _PERIOD_MICROSECONDS // 1000
    bounds: Mapping[str, str] = {
        "memory.max": str(needs.memory_mb * 2 * _MIB),
        "cpu.max": f"{share} {_PERIOD_MICROSECONDS}",
        "cgroup.procs": str(pid),
    }
    group = cgroups / _OURS / label
    try:
        if not {"memory", "cpu"} <= set((cgroups / "cgroup.controllers").read_text().split()):
            return False
        for parent in (cgroups, cgroups / _OURS):
            parent.mkdir(exist_ok=True)
            (parent / "cgroup.subtree_control").write_text("+memory +cpu")
        group.mkdir(exist_ok=True)
        for name, bound in bounds.items():
            (group / name).write_text(bound)
    except OSError:
        # Not ours to write, or the first version: then the other limits stand alone.
        return False
    return True


def forget(*, label: str, cgroups: Path = CGROUPS) -> None:
    """Remove the group of an instance that has ended."""
    with suppress(OSError):
        (cgroups / _OURS / label).rmdir()
