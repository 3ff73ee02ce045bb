"""Backup and restore, by the very commands of the operating guide."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import LazySettings
from psycopg import sql

from tenantry.config.postgres.accounts import find_binaries
from tests.config.support import Installation, database_url
from tests.ledger.audit import support as book

GUIDE = (Path(__file__).parents[2] / "docs/guides/operating.md").read_text(encoding="utf-8")
GUARDS = """
    SELECT relname, relrowsecurity, relforcerowsecurity,
        (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid),
        (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)
    FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""


def run(program: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the guide in a folder, with its variables filled in."""
    (line,) = re.findall(rf"^{program} .*$", GUIDE, re.MULTILINE)
    for name, value in variables.items():
        assert f'"${name}"' in line
        line = line.replace(f'"${name}"', shlex.quote(value))
    first, *words = shlex.split(line)
    return subprocess.run(
        [str(find_binaries() / first), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def guards(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as there:
        return there.execute(GUARDS).fetchall()


@pytest.fixture
def backup_url(admin: psycopg.Connection) -> Iterator[str]:
    """The role that the guide has made for backups."""
    pattern = r"^CREATE ROLE tenantry_backup .*?;\nGRANT .*?;$"
    (made,) = re.findall(pattern, GUIDE, re.MULTILINE | re.DOTALL)
    role = f"test_backup_{uuid4().hex[:12]}"
    admin.execute(made.replace("tenantry_backup", role).replace("…", "probe"))
    yield psycopg.conninfo.make_conninfo(database_url(), user=role, password="probe")
    admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.fixture
def log(transactional_db: None, settings: LazySettings, tmp_path: Path) -> str:
    """A sealed audit log of three entries; returns the address of its objects."""
    address = f"file://{tmp_path / 'objects'}"
    settings.OBJECT_STORE_URL = address
    book.write(3)
    book.seal()
    return address


def test_restored_backup_has_every_row_and_every_guard(
    installation: Installation,
    fresh_database: Callable[[str], str],
    backup_url: str,
    log: str,
    settings: LazySettings,
    tmp_path: Path,
) -> None:
    dumped = run("pg_dump", tmp_path, BACKUP_URL=backup_url)
    assert (dumped.returncode, dumped.stderr) == (0, "")
    restored = fresh_database("template1")
    ended = run("pg_restore", tmp_path, DATABASE_URL=restored)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert guards(restored) == guards(database_url())
    given = {
        "DATABASE_URL": restored,
        "OBJECT_STORE_URL": log,
        "AUDIT_SIGNING_KEY": settings.AUDIT_SIGNING_KEY,
    }
    verified = installation.run("audit", "verify", "--json", **given)
    report = json.loads(verified.stdout)
    assert (verified.returncode, report["ok"], report["entries"]) == (0, True, 3)
    assert installation.run("migrate", "--check", **given).returncode == 0


def test_backup_role_reads_all_rows_and_writes_none(backup_url: str, log: str) -> None:
    with psycopg.connect(backup_url) as there:
        assert there.execute("SELECT count(*) FROM audit_auditentry").fetchone() == (3,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            there.execute("DELETE FROM tenants_tenant")


def test_owner_of_the_tables_cannot_make_a_backup(log: str, tmp_path: Path) -> None:
    refused = run("pg_dump", tmp_path, BACKUP_URL=database_url())
    assert refused.returncode == 1
    assert "row-level security" in refused.stderr
