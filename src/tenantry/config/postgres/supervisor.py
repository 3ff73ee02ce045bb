"""Who uses the server: the first starts it, the others join, the last stops it."""

import atexit
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from psycopg import pq

from tenantry.config.postgres.cluster import (
    ADMIN,
    HOST,
    State,
    Status,
    admin_conninfo,
    look,
    start,
    stop_cleanly,
)
from tenantry.config.postgres.errors import PostgresUnavailable
from tenantry.config.postgres.places import (
    Place,
    hold_lock,
    is_locked,
    make_folders,
    place_of,
    read_or_make_secret,
    read_port,
    take_lock,
)
from tenantry.config.postgres.provision import (
    DATABASE,
    MEETING_PLACE,
    PROVISIONER,
    ROLE,
    provision,
)


@dataclass(frozen=True, kw_only=True)
class Server:
    """How to connect. The passwords are in no `repr`; do not log the addresses."""

    host: str
    port: int
    dbname: str
    user: str
    password: str = field(repr=False)
    provisioner_user: str
    provisioner_password: str = field(repr=False)
    admin_user: str
    admin_password: str = field(repr=False)
    socket_dir: Path | None
    server_version: str

    @property
    def url(self) -> str:
        """The database address of the application's role."""
        return self._address(self.user, self.password)

    @property
    def provisioner_url(self) -> str:
        """Where the provisioner signs in: it makes tenants' databases, and cannot read this one."""
        return self._address(self.provisioner_user, self.provisioner_password, MEETING_PLACE)

    @property
    def admin_url(self) -> str:
        """The same database as the superuser: for tests and repairs, never for the application."""
        return self._address(self.admin_user, self.admin_password)

    def _address(self, user: str, password: str, dbname: str = "") -> str:
        secret = quote(password, safe="")
        return f"postgresql://{user}:{secret}@{self.host}:{self.port}/{dbname or self.dbname}"


@dataclass(frozen=True, kw_only=True)
class _Use:
    # The descriptor that counts this process as a user. A forked child inherits it and counts
    # as well, until it ends or releases.
    handle: int
    server: Server


_uses: dict[Place, _Use] = {}


def ensure(state_dir: Path) -> Server:
    """Answer with a server that accepts connections and count this process as its user.

    Starts it, or adopts the one that others started or left behind. May be called before every
    connection: while the server lives this costs some 50 us and no connection of its own.
    Refuses with `PostgresUnavailable`.
    """
    place = place_of(state_dir)
    with _explained(place):
        use = _uses.get(place)
        if use and is_locked(place.alive) and read_port(place) == use.server.port:
            return use.server
        make_folders(place)
        with hold_lock(place.lock):
            found = _bring_up(place)
            # Exclusively it is only ever held under the lock that is held here.
            handle = _uses[place].handle if place in _uses else take_lock(place.users, shared=True)
            if handle is None:
                raise PostgresUnavailable(
                    f"Another program holds {place.users}.", "End it, then try again."
                )
            _uses[place] = _Use(handle=handle, server=_describe(place, found))
            return _uses[place].server


def release(state_dir: Path | None = None) -> None:
    """Stop using this folder's server, or without one every server; the last user stops it cleanly.

    Runs by itself at the exit of the process, but not when a signal kills it: the server then
    runs on, and the next `ensure` adopts it.
    """
    for place in [place_of(state_dir)] if state_dir else list(_uses):
        with _explained(place):
            _give_up(place)


def _give_up(place: Place) -> None:
    if place not in _uses:
        return
    if not place.root.exists():
        os.close(_uses.pop(place).handle)
        return
    with hold_lock(place.lock):
        os.close(_uses.pop(place).handle)
        last = take_lock(place.users)
        if last is None:
            return
        try:
            stop_cleanly(place)
        finally:
            os.close(last)


def revive_if_dead(state_dir: Path) -> bool:
    """Start the server again if it died; True if that was done. Costs about 5 ms when it lives.

    Meant for a loop of a process that has called `ensure`. Crash recovery loses nothing that
    was committed. Refuses with `PostgresUnavailable`.
    """
    place = place_of(state_dir)
    with _explained(place):
        if is_locked(place.alive):
            answer = pq.PGconn.ping(admin_conninfo(place, dbname="postgres").encode())
            if answer in (pq.Ping.OK, pq.Ping.REJECT):
                return False
        make_folders(place)
        with hold_lock(place.lock):
            if look(place).state is State.RUNNING:
                return False
            _bring_up(place)
            return True


def stop(state_dir: Path) -> bool:
    """Stop the server whoever uses it; False if it was not running."""
    place = place_of(state_dir)
    with _explained(place):
        if not place.root.exists():
            return False
        with hold_lock(place.lock):
            ran = is_locked(place.alive)
            stop_cleanly(place)
            return ran


def status(state_dir: Path) -> Status:
    """Return what is known of the server now, found by connecting; changes nothing."""
    place = place_of(state_dir)
    with _explained(place):
        return look(place)


def _bring_up(place: Place) -> Status:
    found = look(place)
    if found.state is not State.RUNNING:
        found = start(place)
    provision(place)
    return found


def _describe(place: Place, found: Status) -> Server:
    if found.port is None:
        raise PostgresUnavailable(f"The file {place.port} is gone.", "Try again.")
    return Server(
        host=HOST,
        port=found.port,
        dbname=DATABASE,
        user=ROLE,
        password=read_or_make_secret(place.password),
        provisioner_user=PROVISIONER,
        provisioner_password=read_or_make_secret(place.provisioner_password),
        admin_user=ADMIN,
        admin_password=read_or_make_secret(place.admin_password),
        socket_dir=place.socket_dir,
        server_version=found.server_version,
    )


@contextlib.contextmanager
def _explained(place: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PostgresUnavailable(
            f"A file of the embedded PostgreSQL fails: {error.strerror} ({error.filename}).",
            f"Check the owner of {place.root} and the free space, or set TENANTRY_STATE_DIR to "
            "another folder.",
        ) from error


@atexit.register
def _release_at_exit() -> None:
    try:
        release()
    except PostgresUnavailable as error:
        sys.stderr.write(f"{error}\n")
