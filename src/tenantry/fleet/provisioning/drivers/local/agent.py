"""The host process: keeps every instance of its host as it is wished, and says what it sees.

It is woken by news and looks for itself every two seconds. Killed, it leaves its instances running
and finds them again when it starts; asked to end, it ends them first.
"""

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import DatabaseError, connections

from tenantry.core import clock, db, live
from tenantry.core.errors import DomainError
from tenantry.core.logs import get_logger
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.provisioning import instances, recipes
from tenantry.fleet.provisioning.drivers.compute import DriverError
from tenantry.fleet.provisioning.drivers.local import places, processes, templates, wishes
from tenantry.fleet.provisioning.drivers.local.keeping import Keeper, Kept
from tenantry.fleet.provisioning.drivers.local.wishes import Act
from tenantry.fleet.provisioning.errors import HostTaken
from tenantry.fleet.provisioning.models import Instance

_READ_SECONDS = 2.0
_BEAT_SECONDS = 5.0
_LOOK_SECONDS = 0.25
_RETRY_SECONDS = 20.0
_TAKE_OVER_SECONDS = 30.0
# How many instances are started or ended at once; most of that is waiting.
_JOBS = 8
_MIB = 1024 * 1024
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What a host has to give, measured on this machine."""

    cpu_milli: int
    memory_mb: int
    disk_mb: int


def measure(share: float) -> Capacity:
    """Return a share, 0 to 1, of this machine's processors, memory and free disk."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    disk = shutil.disk_usage(places.host_folder("")).free
    return Capacity(
        cpu_milli=max(1, int((os.cpu_count() or 1) * 1000 * share)),
        memory_mb=max(1, int(memory / _MIB * share)),
        disk_mb=max(1, int(disk / _MIB * share)),
    )


def _none_ready() -> set[str]:
    return set()


@dataclass(kw_only=True)
class Agent:
    """One host of this machine."""

    name: str
    region: str
    share: float = 1.0
    now: Callable[[], datetime] = clock.now
    ending: threading.Event = field(default_factory=threading.Event)
    _wake: threading.Event = field(default_factory=threading.Event)
    _kept: dict[str, Kept] = field(default_factory=dict)
    _jobs: dict[str, Future[None]] = field(default_factory=dict)
    _ready: set[str] = field(default_factory=_none_ready)

    def run(self) -> None:
        """Keep the host until `ending` is set; raises `HostTaken` if another process does."""
        with _alone(self.name, self.ending), db.borrowed():
            host = hosts.register_host(
                name=self.name, region=self.region, now=self.now(), **vars(measure(self.share))
            )
            keeper = Keeper(now=self.now, ending=self.ending)
            preparing = threading.Thread(target=self._prepare, name="prepare", daemon=True)
            preparing.start()
            with self._woken(f"hosts:{host.id}"), ThreadPoolExecutor(_JOBS) as pool:
                self._keep(host.id, keeper, pool)
                self._stop_all(keeper, pool)

    def _keep(self, host_id: UUID, keeper: Keeper, pool: ThreadPoolExecutor) -> None:
        rows: list[Instance] = []
        next_read = next_beat = read_at = 0.0
        while not self.ending.is_set():
            moment = time.monotonic()
            news = self._wake.is_set()
            self._wake.clear()
            try:
                if moment >= next_beat:
                    hosts.beat_host(name=self.name, now=self.now())
                    next_beat = moment + _BEAT_SECONDS
                if news or moment >= next_read:
                    next_read = moment + _READ_SECONDS
                    rows, read_at = instances.asked_of(host_id), moment
                    self._clear_strays({row.label for row in rows}, keeper, pool)
                for row in rows:
                    # What a job has changed since the row was read is not in the row.
                    if self._of(row.label).worked_at < read_at:
                        self._tend(row, keeper, pool)
            except DatabaseError as error:
                # Instances run on without the platform.
                _log.warning("host_waits_for_database", reason=str(error).strip())
                connections.close_all()
                next_read = moment + _READ_SECONDS
            self._wake.wait(_LOOK_SECONDS)

    def _tend(self, row: Instance, keeper: Keeper, pool: ThreadPoolExecutor) -> None:
        kept = self._of(row.label)
        if self._is_busy(row.label):
            return
        kept.reap()
        act = wishes.decide(
            desired=row.desired,
            observed=row.observed,
            alive=processes.is_alive(kept.folder),
            proven=kept.proven,
            rested=time.monotonic() >= kept.next_start and row.recipe in self._ready,
        )
        work: dict[Act, Callable[[], None]] = {
            Act.START: lambda: keeper.start(kept, row),
            Act.AWAIT: lambda: keeper.wait_ready(kept, row),
            Act.NOTE_RUNNING: lambda: keeper.note_running(kept),
            Act.MOURN: lambda: keeper.mourn(kept),
            Act.STOP: lambda: keeper.stop(kept),
            Act.NOTE_STOPPED: lambda: keeper.stop(kept),
            Act.REMOVE: lambda: keeper.remove(kept),
        }
        if act in work:
            self._submit(kept, act, work[act], pool)

    def _submit(
        self, kept: Kept, act: str, work: Callable[[], None], pool: ThreadPoolExecutor
    ) -> None:
        def job() -> None:
            try:
                with db.borrowed():
                    work()
            except (DomainError, DriverError, DatabaseError) as error:
                kept.rest(time.monotonic())
                _log.warning("instance_not_kept", label=kept.label, act=act, reason=str(error))
            except Exception:  # noqa: BLE001  # a bug with one instance must not leave the others alone
                kept.rest(time.monotonic())
                _log.exception("instance_not_kept", label=kept.label, act=act)
            finally:
                kept.worked_at = time.monotonic()
                self._wake.set()

        self._jobs[kept.label] = pool.submit(job)

    def _of(self, label: str) -> Kept:
        if label not in self._kept:
            folder = places.instance_folder(self.name, label)
            self._kept[label] = Kept(label=label, folder=folder)
        return self._kept[label]

    def _is_busy(self, label: str) -> bool:
        job = self._jobs.get(label)
        return job is not None and not job.done()

    def _clear_strays(self, known: set[str], keeper: Keeper, pool: ThreadPoolExecutor) -> None:
        """Remove what nobody wishes for any more: its data is in its database, not here."""
        for folder in places.host_folder(self.name).iterdir():
            if folder.is_dir() and folder.name not in known and not self._is_busy(folder.name):
                kept = self._of(folder.name)
                self._submit(kept, "clear", partial(keeper.clear, kept), pool)
        for label in self._kept.keys() - known:
            if not self._is_busy(label) and not self._kept[label].folder.exists():
                del self._kept[label]

    def _stop_all(self, keeper: Keeper, pool: ThreadPoolExecutor) -> None:
        wait(self._jobs.values())
        for kept in self._kept.values():
            if processes.is_alive(kept.folder):
                self._submit(kept, Act.STOP, partial(keeper.stop, kept), pool)
            else:
                kept.reap()
        wait(self._jobs.values())

    def _prepare(self) -> None:
        """Make every installed recipe ready, again and again until it is."""
        waiting = list(recipes.installed())
        while waiting and not self.ending.is_set():
            for recipe in list(waiting):
                try:
                    templates.make_ready(recipe, _quietly)
                except DriverError as error:
                    _log.warning("recipe_not_ready", recipe=recipe.slug, reason=str(error))
                else:
                    waiting.remove(recipe)
                    self._ready.add(recipe.slug)
                    self._wake.set()
            if waiting:
                self.ending.wait(_RETRY_SECONDS)

    @contextmanager
    def _woken(self, topic: str) -> Iterator[None]:
        listener = live.Listener()
        listener.on(topic, lambda _topic, _facts: self._wake.set())
        listener.start()
        try:
            yield
        finally:
            listener.stop()


def _quietly(_what: str, _share: float) -> None:
    """Say nothing: `tenantry up` shows the progress."""


@contextmanager
def _alone(name: str, ending: threading.Event) -> Iterator[None]:
    """Be the only process that keeps this host; one that is ending gets time to."""
    folder = places.host_folder(name)
    with (folder.parent / f"{folder.name}.lock").open("w") as file:
        until = time.monotonic() + _TAKE_OVER_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until or ending.wait(_LOOK_SECONDS):
                    raise HostTaken(name=name) from None
            else:
                break
        yield
