"""The `tenantry` command: help, exit codes, and what programs read."""

import json
import socket
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import click
import pytest
from click.testing import CliRunner, Result
from django.conf import LazySettings

from tenantry.config.cli import main
from tenantry.core import clock, tenancy
from tenantry.core.ids import uuid7
from tenantry.customers.accounts import queries as accounts
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.states import OperatorRole
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants.models import Tenant
from tenantry.customers.tenants.states import Role
from tenantry.work.automation.models import Connection
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules.models import Schedule
from tenantry.work.schedules.states import AdminStatus
from tests.config.support import Installation
from tests.ledger.audit import support as book
from tools import registries

PASSWORD = "a long enough password"
COMMANDS = [path[1:] for path, _command in registries.commands()]
# Each takes a tenth of a second or more, and most processes never need it.
SLOW = ("dns.resolver", "fido2", "playwright.async_api", "requests", "unfold.admin")


def call(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, words, input=given)


# Help and words


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    command = next(command for words, command in registries.commands() if words[1:] == path)
    answer = call(*path, "--help")
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert answer.stdout.startswith(f"Usage: main {' '.join(path)} ")
    assert call(*path, "-h").stdout == answer.stdout
    said = " ".join(answer.stdout.split())
    assert command.help
    assert " ".join(command.help.split()) in said
    options = [one for one in command.params if isinstance(one, click.Option)]
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    words = [name for one in options for name in one.opts]
    words += [one.make_metavar(click.Context(command)) for one in arguments]
    assert [word for word in words if word not in said] == []


def test_command_imports_nothing_slow_that_it_seldom_needs(installation: Installation) -> None:
    program = (
        "import sys; from tenantry.config.cli import main; main(['--help'], standalone_mode=False);"
        f" print([name for name in ('django', *{SLOW}) if name in sys.modules])"
    )
    done = installation.run_program(program)
    assert (done.stdout.splitlines()[-1], done.stderr) == ("['django']", "")


def test_every_command_of_the_platform_is_there() -> None:
    wanted = "up web live scheduler worker browser migrate doctor audit schedule bench seed-demo"
    listed = call("--help").stdout
    assert [word for word in wanted.split() if f"\n  {word} " not in listed] == []


def test_version_is_told() -> None:
    assert call("--version").stdout == "main, version 0.1.0\n"


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("web", "--port", "many"),
        ("audit", "nonsense"),
        ("bench",),
        ("bench", "nonsense"),
        ("schedule", "simulate", "not-an-id"),
        ("schedule", "simulate", str(UUID(int=7)), "--at", "yesterday"),
        ("add-operator", "a@b.example", "--role", "king"),
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_two(words: tuple[str, ...]) -> None:
    answer = call(*words)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "Usage: main" in answer.stderr
    assert "Error: " in answer.stderr


# What is missing


def test_missing_database_ends_with_three_and_leads_to_the_doctor(
    installation: Installation,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"postgresql://tenantry:hush@127.0.0.1:{port}/tenantry"
    ended = installation.run("audit", "verify", DATABASE_URL=url)
    assert (ended.returncode, ended.stdout) == (3, "")
    lines = ended.stderr.splitlines()
    assert lines[-1] == "tenantry: `tenantry doctor` says what is missing."
    assert lines[-2].startswith("tenantry: ")
    assert "Connection refused" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hush" not in ended.stderr


# People


def test_seeding_the_demo_again_changes_nothing(db: None) -> None:
    first, second = call("seed-demo", "--json"), call("seed-demo", "--json")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == second.stdout
    people = json.loads(first.stdout)
    assert people["customer"]["email"] == "owner@hanbit.example"
    with tenancy.platform("test"):
        assert (User.objects.count(), Tenant.objects.count()) == (5, 2)
    for_people = call("seed-demo").stdout
    assert people["operator"]["password"] in for_people
    assert len(for_people.splitlines()) == 5


def test_operator_made_by_hand_may_sign_in(db: None) -> None:
    answer = call("add-operator", "First@Tenantry.example", given=f"{PASSWORD}\n{PASSWORD}\n")
    assert answer.exit_code == 0
    assert answer.stdout.splitlines()[-1] == (
        "first@tenantry.example may sign in as superuser at http://127.0.0.1:8000/console/"
    )
    assert PASSWORD not in answer.output
    user = accounts.find_by_email("first@tenantry.example")
    assert user is not None
    assert (user.operator_role, user.check_password(PASSWORD)) == (OperatorRole.SUPERUSER, True)


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("not-an-address", PASSWORD, "This is not an e-mail address."),
        ("owner@hanbit.example", PASSWORD, "Somebody has an account with this address already."),
        ("new@tenantry.example", "short", "This password cannot be used"),
    ],
)
def test_refusal_ends_with_one_and_says_the_remedy(
    owner: User, email: str, password: str, said: str
) -> None:
    answer = call("add-operator", email, "--role", "reviewer", "--password", password)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith(f"tenantry: {said}")
    assert len(answer.stderr.splitlines()) == 1
    owner.refresh_from_db()
    assert (User.objects.count(), owner.operator_role) == (1, OperatorRole.NONE)


def test_company_made_by_hand_has_its_owner(db: None) -> None:
    words = ("add-company", "Hanbit Phones", "owner@hanbit.example", "--zone", "Asia/Seoul")
    answer = call(*words, "--language", "ko")
    assert answer.exit_code == 0
    user = accounts.find_by_email("owner@hanbit.example")
    assert user is not None
    (access,) = tenants.list_for_user(user)
    tenant = access.tenant
    assert (tenant.name, tenant.zone, tenant.language) == ("Hanbit Phones", "Asia/Seoul", "ko")
    assert (access.role, user.language) == (Role.OWNER, "ko")
    assert answer.stdout.strip().endswith(f"/t/{tenant.short_id}/")
    assert call("add-company", "Second", "owner@hanbit.example").exit_code == 0
    assert len(tenants.list_for_user(user)) == 2


def test_company_that_is_refused_leaves_nobody_behind(db: None) -> None:
    answer = call("add-company", "Hanbit", "owner@hanbit.example", "--zone", "Moon/Crater")
    assert answer.exit_code == 1
    assert "There is no time zone “Moon/Crater”." in answer.stderr
    assert User.objects.count() == 0


# Checks and the audit log


def test_models_migrations_and_checks_agree(db: None) -> None:
    answer = call("check")
    assert (answer.exit_code, answer.exception) == (0, None)
    assert "No changes detected" in answer.stdout


def test_applied_migrations_are_told_by_exit_code(db: None) -> None:
    assert call("migrate", "--check").exit_code == 0


@pytest.fixture
def sealed(settings: LazySettings, tmp_path: Path, transactional_db: None) -> Path:
    """A committed audit log of a few entries, sealed; returns the folder of its checkpoints."""
    settings.OBJECT_STORE_URL = f"file://{tmp_path / 'objects'}"
    book.write(3)
    book.seal()
    return tmp_path / "objects" / "audit" / "checkpoints"


def test_whole_log_verifies(sealed: Path) -> None:
    answer = call("audit", "verify", "--json")
    report = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert (report["ok"], report["entries"], report["leaves"]) == (True, 3, 3)
    assert (report["first_bad"], report["findings"]) == (None, [])
    for_people = call("audit", "verify")
    assert for_people.exit_code == 0
    assert for_people.stdout.startswith("The audit log is whole.\n3 entries, 3 leaves")


def test_tampered_log_is_told_with_its_first_bad_row(sealed: Path) -> None:
    second = book.sealed_ids()[1]
    book.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER USER")
    book.execute("UPDATE audit_auditentry SET reason = 'nothing happened' WHERE id = %s", second)
    book.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER USER")
    answer = call("audit", "verify", "--json")
    report = json.loads(answer.stdout)
    assert (answer.exit_code, report["ok"]) == (1, False)
    assert report["first_bad"]["fault"] == "entry_changed"
    assert (report["first_bad"]["leaf_no"], report["first_bad"]["entry_id"]) == (1, str(second))
    for_people = call("audit", "verify")
    assert for_people.exit_code == 1
    assert f"entry_changed: The entry is not what was sealed. Leaf 1. Entry {second}." in (
        for_people.stdout.splitlines()
    )


def test_log_whose_checkpoints_cannot_be_read_is_not_called_tampered(
    sealed: Path, settings: LazySettings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    settings.OBJECT_STORE_URL = f"file://{tmp_path / 'file' / 'objects'}"
    answer = call("audit", "verify", "--json")
    assert (answer.exit_code, answer.stdout) == (3, "")
    assert answer.stderr.startswith("tenantry: The object store cannot be used: ")


# Schedules


@pytest.fixture
def schedule(tenant: Tenant, now: datetime) -> Schedule:
    """An approved schedule on a healthy account, with one post a day."""
    account = Connection(
        id=uuid7(),
        tenant_id=tenant.id,
        product="cafe",
        connector="browser",
        account="seller",
        session_state=SessionState.HEALTHY,
        created_at=now,
    )
    made = Schedule(
        id=uuid7(),
        tenant_id=tenant.id,
        connection=account,
        product="cafe",
        kind="cafe.publish",
        name="Morning post",
        content_id=uuid4(),
        content_digest="d",
        approved_digest="d",
        zone="Asia/Seoul",
        times=["09:00"],
        daily_limit=1,
        admin_status=AdminStatus.APPROVED,
        watermark_at=now,
        created_at=now,
    )
    with tenancy.scope(tenant.id):
        account.save(force_insert=True)
        made.save(force_insert=True)
    return made


def test_schedule_that_would_run_is_told_gate_by_gate(schedule: Schedule) -> None:
    answer = call("schedule", "simulate", str(schedule.id), "--json")
    told = json.loads(answer.stdout)
    assert (answer.exit_code, told["outcome"], told["code"]) == (0, "DISPATCHED", "ALL_OPEN")
    assert [(one["gate"], one["open"]) for one in told["verdicts"]] == [
        ("enabled", True),
        ("admin", True),
        ("session", True),
        ("limit", True),
    ]
    lines = call("schedule", "simulate", str(schedule.id)).stdout.splitlines()
    assert [line[:4] for line in lines[1:]] == ["  + "] * 4


def test_schedule_that_would_not_run_is_told_with_what_opens_the_gate(schedule: Schedule) -> None:
    with tenancy.scope(schedule.tenant_id):
        Schedule.objects.filter(id=schedule.id).update(
            admin_status=AdminStatus.SUSPENDED, admin_reason="Spam.", user_enabled=False
        )
    answer = call("schedule", "simulate", str(schedule.id), "--json")
    told = json.loads(answer.stdout)
    assert (answer.exit_code, told["outcome"], told["code"]) == (1, "SKIPPED", "USER_DISABLED")
    assert [one["gate"] for one in told["verdicts"] if not one["open"]] == ["enabled", "admin"]
    for_people = call("schedule", "simulate", str(schedule.id))
    assert for_people.exit_code == 1
    assert "    Turn the schedule on." in for_people.stdout.splitlines()


def test_another_moment_may_be_asked_about(schedule: Schedule) -> None:
    past = (clock.now() - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S+0000")
    answer = call("schedule", "simulate", str(schedule.id), "--at", past, "--json")
    told = json.loads(answer.stdout)
    assert (answer.exit_code, told["outcome"], told["code"]) == (1, "SKIPPED", "SLOT_MISSED")
    assert datetime.fromisoformat(told["at"]) == datetime.fromisoformat(past)


def test_simulation_changes_nothing(schedule: Schedule) -> None:
    with tenancy.platform("test"):
        before = Schedule.objects.filter(id=schedule.id).values().get()
    entries = book.count("audit_auditentry")
    call("schedule", "simulate", str(schedule.id))
    with tenancy.platform("test"):
        assert Schedule.objects.filter(id=schedule.id).values().get() == before
    assert book.count("audit_auditentry") == entries


def test_unknown_schedule_is_refused(db: None) -> None:
    answer = call("schedule", "simulate", str(uuid4()))
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith("tenantry: There is nothing at this address for you.")
