"""What a machine without configuration gets, and that nothing of it is made when it is given."""

import base64
import json
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections

from tenantry.config import state
from tenantry.config.state import LocalDefaults
from tests.config.support import Installation, database_url

GIVEN_KEYS = {
    "SECRET_KEY": "s",
    "PEPPER": "p",
    "ENCRYPTION_KEYS": f"given:{base64.b64encode(bytes(32)).decode()}",
    "AUDIT_SIGNING_KEY": base64.b64encode(bytes(32)).decode(),
}

MAKE_KEYS = """
import sys
from pathlib import Path
from tenantry.config.state import LocalDefaults
sys.stdin.readline()
made = LocalDefaults(Path(sys.argv[1]))
print(made.secret("pepper"), made.encryption_key(), made.signing_key())
"""


def test_keys_are_made_once_however_many_processes_ask(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE_KEYS, str(tmp_path / "state")]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(8)]
    for process in processes:
        assert process.stdin
        process.stdin.write("now\n")
        process.stdin.flush()
    answers = {process.communicate(timeout=60)[0] for process in processes}
    assert len(answers) == 1
    pepper, encryption, signing = answers.pop().split()
    local = LocalDefaults(tmp_path / "state")
    assert (local.secret("pepper"), local.encryption_key()) == (pepper, encryption)
    assert local.signing_key() == signing
    assert encryption.startswith("local:")
    assert [len(base64.b64decode(text)) for text in (encryption[6:], signing)] == [32, 32]
    keys = tmp_path / "state" / "keys"
    assert sorted(path.name for path in keys.iterdir()) == [
        "audit_signing_key",
        "encryption_keys",
        "pepper",
    ]


def test_keys_are_open_to_their_owner_only(tmp_path: Path) -> None:
    local = LocalDefaults(tmp_path)
    local.secret("pepper")
    local.encryption_key()
    local.signing_key()
    keys = tmp_path / "keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()] == [0o600] * 3


def test_two_installations_have_nothing_in_common(tmp_path: Path) -> None:
    one, other = LocalDefaults(tmp_path / "one"), LocalDefaults(tmp_path / "other")
    assert one.secret("pepper") != other.secret("pepper")
    assert one.encryption_key() != other.encryption_key()
    assert one.signing_key() != other.signing_key()


def test_given_keys_leave_the_state_folder_alone(installation: Installation) -> None:
    program = "from tenantry.config import settings; print(settings.ENCRYPTION_KEYS)"
    ended = installation.run_program(program, **GIVEN_KEYS)
    assert (ended.stdout.strip(), ended.stderr) == (GIVEN_KEYS["ENCRYPTION_KEYS"], "")
    assert list(installation.state_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://tenantry:pa%2Fss%40@db.example:6543/books",
            ("books", "tenantry", "pa/ss@", "db.example", "6543", {}),
        ),
        (
            "postgres://me@db.example/books?sslmode=verify-full&connect_timeout=3",
            (
                *("books", "me", "", "db.example", "5432"),
                {"sslmode": "verify-full", "connect_timeout": "3"},
            ),
        ),
        ("postgresql:///books?host=/run/pg", ("books", "", "", "/run/pg", "5432", {})),
    ],
)
def test_database_url_is_understood(
    monkeypatch: pytest.MonkeyPatch, url: str, expected: tuple[object, ...]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    read = state.database()
    assert read["ENGINE"] == "tenantry.config.pooled"
    options = dict(read["OPTIONS"])
    assert options.pop("application_name") == "tenantry"
    assert options.pop("pool") == {"min_size": 0, "max_size": 10, "timeout": 10}
    names = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
    assert (*(read[name] for name in names), options) == expected


@pytest.mark.parametrize(
    "url", ["mysql://me:hush@db.example/books", "postgresql://me:hush@db.example", "hush"]
)
def test_database_url_that_leads_nowhere_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match=r"postgresql://user:password@") as refusal:
        state.database()
    assert "hush" not in str(refusal.value)


def test_size_of_the_pool_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_POOL", "3")
    assert state.database()["OPTIONS"]["pool"]["max_size"] == 3


def test_without_database_url_the_embedded_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    read = state.database()
    assert (read["ENGINE"], read["NAME"]) == ("tenantry.config.embedded", "tenantry")
    assert "PASSWORD" not in read


ASK = """
import django, json, sys
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT current_database()")
    answer = cursor.fetchone()[0]
print(json.dumps([answer, sorted(name for name in sys.modules if name.startswith("embedded_"))]))
"""


def test_embedded_server_is_not_started_when_another_is_named(
    installation: Installation,
) -> None:
    ended = installation.run_program(ASK, DJANGO_SETTINGS_MODULE="tenantry.config.settings")
    assert ended.stderr == ""
    assert json.loads(ended.stdout) == [connection.settings_dict["NAME"], []]
    assert not (installation.state_dir / "postgres").exists()


def test_embedded_server_is_not_started_by_commands_without_a_database(
    installation: Installation,
) -> None:
    del installation.environment["DATABASE_URL"]
    ended = installation.run("--help", DATABASE_URL="")
    assert ended.returncode == 0
    assert [path.name for path in installation.state_dir.iterdir()] == ["keys"]


@pytest.mark.django_db(transaction=True)
def test_connections_that_died_in_the_pool_are_not_given_out() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    connections.close_all()
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchone() != (pid,)
        connections.close_all()


def test_instances_database_is_the_given_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INSTANCES_DATABASE_URL", "postgresql://maker@instances.example/postgres")
    found = state.instances_database(tmp_path)
    assert found() == "postgresql://maker@instances.example/postgres"
    assert not list(tmp_path.iterdir())


def test_instances_database_that_cannot_be_started_is_said_as_one_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("INSTANCES_DATABASE_URL", raising=False)
    blocked = tmp_path / "state"
    blocked.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(psycopg.OperationalError, match="embedded PostgreSQL"):
        state.instances_database(blocked)()
