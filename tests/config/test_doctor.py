"""The doctor sees what is wrong with everything the platform stands on, and says how to mend it."""

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from django.conf import LazySettings
from django.core import checks
from django.core.checks import CheckMessage
from psycopg import sql

from tenantry.config import doctor
from tenantry.config.cli import main
from tests.config.support import Installation, database_url

NAMES = [
    "python",
    "postgresql",
    "database role",
    "migrations",
    "clock",
    "keys",
    "object store",
    "chromium",
    "web port",
    "live port",
]


@pytest.fixture
def well(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing is wrong; returns its Chromium."""
    settings.OBJECT_STORE_URL = f"file://{tmp_path / 'objects'}"
    executable = tmp_path / "chromium"
    executable.write_text("#!/bin/sh\n")
    executable.chmod(0o755)
    monkeypatch.setenv("TENANTRY_CHROMIUM", str(executable))
    return executable


def examined() -> tuple[int, dict[str, Mapping[str, Any]]]:
    """Return the exit code and the findings as a program reads them."""
    answer = CliRunner().invoke(main, ["doctor", "--json"])
    (line,) = answer.stdout.splitlines()
    read = json.loads(line)
    findings = {finding["name"]: finding for finding in read["findings"]}
    assert read["well"] == (answer.exit_code == 0)
    assert len(findings) == len(read["findings"])
    return answer.exit_code, findings


def ill(findings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [name for name, finding in findings.items() if not finding["well"]]


def test_well_machine_is_found_well(db: None, well: Path, tmp_path: Path) -> None:
    code, findings = examined()
    assert (code, list(findings), ill(findings)) == (0, NAMES, [])
    assert findings["object store"]["seen"] == f"file://{tmp_path / 'objects'}"
    assert str(well) in findings["chromium"]["seen"]
    assert list((tmp_path / "objects" / "doctor").iterdir()) == []


def test_people_get_a_line_each(db: None, well: Path) -> None:
    answer = CliRunner().invoke(main, ["doctor"])
    assert answer.exit_code == 0
    lines = answer.stdout.splitlines()
    assert [line[:20].strip() for line in lines] == [f"ok   {name}" for name in NAMES]


def test_people_get_the_remedy_below(db: None, well: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANTRY_CHROMIUM", "/nowhere/chromium")
    answer = CliRunner().invoke(main, ["doctor"])
    assert answer.exit_code == 3
    lines = answer.stdout.splitlines()
    (number,) = [number for number, line in enumerate(lines) if line.startswith("bad")]
    assert lines[number].split()[1] == "chromium"
    assert lines[number + 1].strip() == (
        "→ Run `make` once, or install chromium-headless-shell, chromium and xvfb."
    )


def test_missing_chromium_is_seen(db: None, well: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANTRY_CHROMIUM", "/nowhere/chromium")
    code, findings = examined()
    assert (code, ill(findings)) == (3, ["chromium"])
    assert findings["chromium"]["seen"].startswith("headless None, headed None")


def blocked_folder(tmp_path: Path) -> str:
    (tmp_path / "file").write_text("")
    return f"file://{tmp_path / 'file' / 'objects'}"


@pytest.mark.parametrize(
    "make", [blocked_folder, lambda _folder: "nonsense://bucket", lambda _folder: "s3://"]
)
def test_object_store_that_cannot_be_used_is_seen(
    db: None,
    well: Path,
    settings: LazySettings,
    tmp_path: Path,
    make: Callable[[Path], str],
) -> None:
    settings.OBJECT_STORE_URL = make(tmp_path)
    code, findings = examined()
    assert (code, ill(findings)) == (3, ["object store"])
    assert findings["object store"]["seen"].startswith("The object store cannot be used: ")
    assert findings["object store"]["remedy"] == (
        "Check its address, rights and free space; `tenantry doctor` tries a write."
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ENCRYPTION_KEYS", "local:AAAA", "ENCRYPTION_KEYS must read id:base64-of-32-bytes"),
        ("ENCRYPTION_KEYS", "local:!", ""),
        ("AUDIT_SIGNING_KEY", "§", ""),
        ("AUDIT_SIGNING_KEY", "AAAA", ""),
    ],
)
def test_keys_that_are_none_are_seen(
    db: None, well: Path, settings: LazySettings, name: str, value: str, said: str
) -> None:
    setattr(settings, name, value)
    code, findings = examined()
    assert (code, ill(findings)[0]) == (3, "keys")
    assert findings["keys"]["seen"].startswith(said)
    assert findings["keys"]["remedy"]
    assert value not in findings["keys"]["seen"]


@pytest.mark.parametrize("right", ["SUPERUSER", "BYPASSRLS"])
def test_role_that_steps_around_row_level_security_is_seen(
    installation: Installation, admin: psycopg.Connection, right: str
) -> None:
    role = f"test_config_{uuid4().hex[:12]}"
    name, password = sql.Identifier(role), sql.Literal("probe")
    make = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE tenantry " + right)
    admin.execute(make.format(name, password))
    try:
        url = psycopg.conninfo.make_conninfo(database_url(), user=role, password="probe")
        ended = installation.run("doctor", "--json", DATABASE_URL=url)
    finally:
        admin.execute(sql.SQL("DROP ROLE {}").format(name))
    assert ended.returncode == 3
    findings = {one["name"]: one for one in json.loads(ended.stdout)["findings"]}
    assert findings["database role"]["well"] is False
    assert findings["database role"]["seen"] == (
        f"{role}: superuser={right == 'SUPERUSER'}, bypassrls={right == 'BYPASSRLS'}"
    )
    assert "NOSUPERUSER NOBYPASSRLS" in findings["database role"]["remedy"]


def test_bare_database_lacks_tables_only(
    installation: Installation, fresh_database: Callable[[str], str]
) -> None:
    ended = installation.run("doctor", "--json", DATABASE_URL=fresh_database("template0"))
    assert ended.returncode == 3
    findings = {one["name"]: one for one in json.loads(ended.stdout)["findings"]}
    lacking = [name for name, one in findings.items() if one["needed"] and not one["well"]]
    assert lacking == ["migrations"]
    assert findings["migrations"]["remedy"] == "Run `tenantry migrate`."


def test_database_that_does_not_answer_is_said_once_and_soon(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"postgresql://tenantry:hush@127.0.0.1:{port}/tenantry"
    ended = installation.run("doctor", "--json", DATABASE_URL=url)
    assert ended.returncode == 3
    findings = {one["name"]: one for one in json.loads(ended.stdout)["findings"]}
    assert list(findings) == [name for name in NAMES if name not in NAMES[2:5]]
    assert "Connection refused" in findings["postgresql"]["seen"]
    assert findings["postgresql"]["remedy"] == "Mend what the message names and ask again."
    assert "hush" not in ended.stdout + ended.stderr


def test_too_old_postgresql_is_seen(db: None, well: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST_POSTGRES", 99)
    code, findings = examined()
    assert (code, ill(findings)) == (3, ["postgresql"])
    assert findings["postgresql"]["remedy"].startswith("Use PostgreSQL 16 or newer")


def test_clock_that_is_apart_is_seen(db: None, well: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_CLOCK_TOLERANCE_SECONDS", -1.0)
    code, findings = examined()
    assert (code, ill(findings)) == (3, ["clock"])
    assert findings["clock"]["remedy"] == "Let both machines follow an NTP server."


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://127.0.0.1:8123", 8123),
        ("https://tenantry.example:8443/", 8443),
        ("https://tenantry.example", 443),
        ("http://tenantry.example", 80),
    ],
)
def test_port_of_an_address_is_understood(settings: LazySettings, url: str, port: int) -> None:
    settings.BASE_URL = url
    web, _live = doctor._ports()
    assert web.seen.split()[0] == str(port)
    assert (web.well, web.needed) == (True, False)


def test_port_in_use_is_told_and_no_fault(settings: LazySettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings.BASE_URL = f"http://127.0.0.1:{port}"
        web, _live = doctor._ports()
    assert (web.well, web.seen) == (True, f"{port} in use")
    again, _live = doctor._ports()
    assert again.seen == f"{port} free"


def test_failing_system_check_is_a_finding(
    db: None, well: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def planted(**_options: object) -> list[CheckMessage]:
        return [
            checks.Warning("Something is odd.", hint="Mend it.", id="probe.W001"),
            checks.Info("Nothing is wrong.", id="probe.I001"),
        ]

    registry = checks.registry.registry
    monkeypatch.setattr(registry, "registered_checks", set(registry.registered_checks))
    checks.register(planted)
    code, findings = examined()
    assert (code, ill(findings)) == (3, ["probe.W001"])
    assert findings["probe.W001"]["remedy"] == "Mend it."
