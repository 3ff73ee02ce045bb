"""What there is of a tenant's instance on this machine, without asking the platform's tables."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from tenantry.fleet.provisioning.drivers.local import processes, server
from tenantry.fleet.provisioning.instances import label_of
from tenantry.sdk.story import InstanceSeen

_PROCESSES = Path("/proc")


def count(short_id: str) -> InstanceSeen:
    """Count databases whose name begins with the tenant's label, and processes that carry it."""
    label = label_of(short_id)
    with server.connected() as provisioner:
        found = provisioner.execute(
            "SELECT count(*) FROM pg_database WHERE starts_with(datname, %s)", [label]
        ).fetchone()
    assert found is not None  # a count is always one row
    return InstanceSeen(databases=int(str(found[0])), processes=_carrying(label))


def kill(short_id: str) -> None:
    """Send SIGKILL to every process of a tenant's instance."""
    for pid in count(short_id).processes:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _carrying(label: str) -> tuple[int, ...]:
    if not _PROCESSES.is_dir():
        # Elsewhere than on Linux others' environments are not to be read: the hosts' own notes.
        folders = (Path(settings.INSTANCES_FOLDER) / "hosts").glob(f"*/{label}")
        found = [processes.pid_of(folder) for folder in folders]
        return tuple(pid for pid in found if pid is not None)
    mark = f"{processes.LABEL}={label}".encode()
    return tuple(
        int(folder.name)
        for folder in _PROCESSES.iterdir()
        if folder.name.isdigit() and mark in _environment(folder)
    )


def _environment(folder: Path) -> list[bytes]:
    try:
        return (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        # It ended just now, or belongs to somebody else.
        return []
