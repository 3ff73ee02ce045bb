"""What an agent does with one instance: each of these may take seconds, and may be cut off."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tenantry.core.logs import get_logger
from tenantry.fleet.provisioning import instances, recipes
from tenantry.fleet.provisioning.drivers.compute import DriverError
from tenantry.fleet.provisioning.drivers.local import (
    databases,
    limits,
    places,
    processes,
    wishes,
)
from tenantry.fleet.provisioning.models import Instance
from tenantry.fleet.provisioning.states import Observed
from tenantry.sdk.recipe import DatabaseAccess, Identity, InstanceUnreachable, Recipe, RecipeFailed

READY_SECONDS = 60.0
GRACE_SECONDS = 8.0
_LOOK_SECONDS = 0.05
_REAP_SECONDS = 2.0
_log = get_logger(__name__)


@dataclass(kw_only=True)
class Kept:
    """What an agent remembers of an instance it keeps; times are monotonic seconds."""

    label: str
    folder: Path
    child: subprocess.Popen[bytes] | None = None
    proven: bool = False
    started_at: float = field(default_factory=time.monotonic)
    pause: float = wishes.FIRST_PAUSE_SECONDS
    next_start: float = 0.0
    worked_at: float = 0.0

    def reap(self) -> int | None:
        """Take note of a child's end; returns its exit code, None for one of another agent.

        The kernel frees a process's locks an instant before it can be waited for.
        """
        if self.child is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(timeout=0.0 if processes.is_alive(self.folder) else _REAP_SECONDS)
        return self.child.returncode

    def rest(self, now: float) -> None:
        """Set the time of the next start, later each time it dies soon."""
        self.pause = wishes.next_pause(self.pause, lived=now - self.started_at)
        self.next_start = now + self.pause
        self.proven = False


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Does what was decided, for one host of this machine; `ending` cuts waits short."""

    now: Callable[[], datetime]
    ending: threading.Event

    def start(self, kept: Kept, row: Instance) -> None:
        """Settle the database if that is due, start the process, and wait until it is ready."""
        recipe = recipes.recipe_of(row.recipe)
        identity = instances.identity_of(row.tenant_id)
        try:
            access = databases.access(label=row.label, password=instances.database_password(row))
            kept.folder.mkdir(mode=0o700, exist_ok=True)
            _settle(recipe, row, kept.folder, access, identity)
            port = processes.choose_port(row.port)
        except (DriverError, RecipeFailed):
            self._see(kept, Observed.DEAD)
            raise
        launch = recipe.launch(
            folder=places.recipe_folder(recipe.slug),
            workdir=kept.folder,
            database=access,
            port=port,
            identity=identity,
        )
        kept.proven = False
        kept.started_at = time.monotonic()
        kept.child = processes.start(kept.folder, launch, label=row.label, port=port)
        limited = limits.apply(kept.child.pid, label=row.label, needs=recipe.needs)
        _log.info("instance_started", label=row.label, port=port, limits=sorted(limited))
        self._see(kept, Observed.STARTING, pid=kept.child.pid, port=port, started=True)
        self._wait_ready(kept, recipe, identity)

    def wait_ready(self, kept: Kept, row: Instance) -> None:
        """Take over a process that lives: wait until it says whose it is."""
        _log.info("instance_adopted", label=row.label, pid=processes.pid_of(kept.folder))
        recipe = recipes.recipe_of(row.recipe)
        self._wait_ready(kept, recipe, instances.identity_of(row.tenant_id))

    def _wait_ready(self, kept: Kept, recipe: Recipe, identity: Identity) -> None:
        upstream = f"127.0.0.1:{processes.port_of(kept.folder)}"
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and not self.ending.is_set():
            kept.reap()
            if not processes.is_alive(kept.folder):
                return
            try:
                stated = recipe.identity_of(url=f"http://{upstream}", host=identity.host)
            except InstanceUnreachable:
                stated = ""
            # Another program may have the port: ours then ends, and takes another one.
            if stated == identity.short_id:
                kept.proven = True
                self.note_running(kept)
                return
            time.sleep(_LOOK_SECONDS)
        if not self.ending.is_set():
            _log.warning("instance_never_ready", label=kept.label, said=_said(kept))
            processes.end(kept.folder, grace=GRACE_SECONDS)

    def note_running(self, kept: Kept) -> None:
        """Write that it runs, and where."""
        port = processes.port_of(kept.folder)
        self._see(
            kept,
            Observed.RUNNING,
            pid=processes.pid_of(kept.folder),
            port=port,
            upstream=f"127.0.0.1:{port}",
        )

    def mourn(self, kept: Kept) -> None:
        """Write that it died, and let some time pass before it is started again."""
        code = kept.reap()
        kept.rest(time.monotonic())
        _log.warning(
            "instance_died",
            label=kept.label,
            exit_code=code,
            next_start=round(kept.pause, 1),
            said=_said(kept),
        )
        self._see(kept, Observed.DEAD)

    def stop(self, kept: Kept) -> None:
        """End the process, and write that it has."""
        processes.end(kept.folder, grace=GRACE_SECONDS)
        kept.reap()
        kept.proven, kept.next_start = False, 0.0
        limits.forget(label=kept.label)
        self._see(kept, Observed.STOPPED)

    def remove(self, kept: Kept) -> None:
        """End the process, remove its folder, and write that nothing is left."""
        self.clear(kept)
        self._see(kept, Observed.REMOVED)

    def clear(self, kept: Kept) -> None:
        """End the process and remove its folder."""
        processes.end(kept.folder, grace=GRACE_SECONDS)
        kept.reap()
        kept.proven, kept.next_start = False, 0.0
        limits.forget(label=kept.label)
        shutil.rmtree(kept.folder, ignore_errors=True)

    def _see(
        self,
        kept: Kept,
        observed: Observed,
        *,
        pid: int | None = None,
        port: int | None = None,
        upstream: str = "",
        started: bool = False,
    ) -> None:
        instances.observe(
            label=kept.label,
            observed=observed,
            now=self.now(),
            pid=pid,
            port=port,
            upstream=upstream,
            started=started,
        )


def _settle(
    recipe: Recipe, row: Instance, folder: Path, access: DatabaseAccess, identity: Identity
) -> None:
    """Settle a database once; another copy, or other passwords, are settled anew."""
    mark = " ".join(
        [
            databases.birth_of(row.label),
            recipe.version,
            str(row.admin_secret_id),
            str(row.owner_secret_id),
        ]
    )
    settled = folder / "settled"
    if settled.exists() and settled.read_text(encoding="utf-8") == mark:
        return
    recipe.settle(
        folder=places.recipe_folder(recipe.slug),
        database=access,
        identity=identity,
        passwords=instances.passwords(row),
    )
    settled.write_text(mark, encoding="utf-8")
    _log.info("instance_settled", label=row.label)


def _said(kept: Kept) -> str:
    return processes.last_words(kept.folder)
