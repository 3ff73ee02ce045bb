"""The runbooks of `docs/runbooks` that run: dry they only look, else they mend and prove."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from tenantry.config.cli import main
from tenantry.config.runbooks import free_mail_review, tenant_archive, tenant_stuck
from tenantry.config.runbooks.finding import Finding
from tenantry.core import tenancy
from tenantry.core.errors import NotFound, Unavailable
from tenantry.core.ids import uuid7
from tenantry.customers.accounts.models import User
from tenantry.customers.notices import queries as notices
from tenantry.customers.tenants import queries as tenants
from tenantry.fleet.provisioning import queries as runs
from tenantry.fleet.provisioning.drivers.fake import FakeDriver, Fault
from tenantry.fleet.provisioning.models import Run
from tenantry.journeys.onboarding.errors import ReasonMissing
from tenantry.journeys.onboarding.models import Registration
from tests.fleet.provisioning.conftest import (
    Time,
    _host,
    driver,
    register_host,
    request_tenant,
    start,
    state_of,
    tenant_id,
    time,
)
from tests.journeys.onboarding.conftest import names, served
from tests.journeys.onboarding.visitor import FREE, Visitor
from tests.probes import handle_messages

__all__ = ["_host", "driver", "names", "served", "tenant_id", "time"]

BROKEN = Fault(verb="create_instance", code="DRIVER_FAILED", retryable=False, times=100)


def call(*words: str) -> Result:
    return CliRunner().invoke(main, ["runbook", *words])


def short_id_of(tenant_id: UUID) -> str:
    return tenants.get_tenant(tenant_id).short_id


def mend(driver: FakeDriver) -> None:
    with driver.store.open() as world:
        world["faults"] = []


@pytest.fixture
def failed(tenant_id: UUID, driver: FakeDriver, time: Time) -> Run:
    """A tenant whose run has failed, for a cause that has gone since."""
    driver.plan(BROKEN)
    run = time.drive(start(tenant_id, time.now), driver)
    assert run.state == "failed"
    mend(driver)
    return run


@pytest.fixture
def active(tenant_id: UUID, driver: FakeDriver, time: Time) -> Run:
    """A tenant that is active."""
    run = time.drive(start(tenant_id, time.now), driver)
    assert state_of(tenant_id) == "active"
    return run


def told(found: list[Finding]) -> list[tuple[str, bool]]:
    """Return what was to be done, and whether it was."""
    return [(finding.act, finding.done) for finding in found if finding.act]


def stuck(short_id: str, *, now: datetime, dry_run: bool = False) -> list[Finding]:
    play = tenant_stuck.play(
        short_id=short_id, reason="the disk is mended", dry_run=dry_run, now=now
    )
    return list(play)[1:]


def test_stuck_tenant_is_only_looked_at_in_a_dry_run(failed: Run, time: Time) -> None:
    found = stuck(short_id_of(failed.tenant_id), now=time.now, dry_run=True)

    assert told(found) == [("retry the run from instance", False)]
    assert "run create failed" in found[0].seen
    assert "step instance failed" in found[0].seen
    assert runs.get_run(failed.id).state == "failed"


def test_failed_run_goes_on_from_its_step(failed: Run, driver: FakeDriver, time: Time) -> None:
    found = stuck(short_id_of(failed.tenant_id), now=time.now)

    assert told(found) == [("retry the run from instance", True)]
    assert time.drive(runs.get_run(failed.id), driver).state == "succeeded"
    assert state_of(failed.tenant_id) == "active"
    assert stuck(short_id_of(failed.tenant_id), now=time.now)[1:] == []


def test_without_a_name_only_those_that_are_stuck_are_found(
    failed: Run, owner: User, driver: FakeDriver, time: Time
) -> None:
    waiting, well = request_tenant(owner, time.now), request_tenant(owner, time.now)
    time.drive(start(well, time.now), driver)
    start(waiting, time.now)
    young = {finding.step for finding in stuck("", now=time.now, dry_run=True)}
    later = time.now + tenant_stuck.STUCK_AFTER + timedelta(seconds=1)
    old = {finding.step for finding in stuck("", now=later, dry_run=True)}

    name = "Hanbit Phones ({})"
    assert young == {name.format(short_id_of(failed.tenant_id))}
    assert old == young | {name.format(short_id_of(waiting))}


def test_tenant_without_a_run_is_said_to_have_none(tenant_id: UUID, time: Time) -> None:
    (found,) = stuck(short_id_of(tenant_id), now=time.now)
    assert found.seen == "no run was ever started for it"


def test_missing_workers_are_said_first(failed: Run) -> None:
    answer = call("tenant-stuck", "--dry-run", "--json")

    first, *_more = json.loads(answer.stdout)["findings"]
    assert (first["step"], first["seen"], first["done"]) == ("workers", "0 alive", False)
    assert "tenantry@worker" in first["act"]
    assert answer.exit_code == 0


def test_unknown_tenant_is_refused_with_a_remedy(db: None) -> None:
    for words in (("tenant-stuck",), ("tenant-archive",)):
        answer = call(*words, "--tenant", "nobody")
        assert (answer.exit_code, answer.stdout.count("retry")) == (1, 0)
        assert str(NotFound.remedy) in answer.stderr


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch, driver: FakeDriver, time: Time) -> None:
    """While the runbook waits, a worker works on whatever run there is."""

    def work(_seconds: float) -> None:
        with tenancy.platform("find the run that a runbook waits for"):
            (run,) = runs.list_live_runs()
        time.drive(run, driver)

    clock = SimpleNamespace(sleep=work, monotonic=lambda: 0.0)
    monkeypatch.setattr(tenant_archive, "time", clock)


def archive(short_id: str, now: datetime, *, dry_run: bool = False) -> list[Finding]:
    return list(
        tenant_archive.play(short_id=short_id, reason="the customer left", dry_run=dry_run, now=now)
    )


def test_archive_is_only_announced_in_a_dry_run(active: Run, time: Time) -> None:
    found = archive(short_id_of(active.tenant_id), time.now, dry_run=True)

    assert [finding.step for finding in found] == ["tenant", "instance", "archive"]
    assert [done for _act, done in told(found)] == [False]
    assert state_of(active.tenant_id) == "active"
    assert len(runs.runs_of(active.tenant_id)) == 1


def test_archive_leaves_nothing_running_and_keeps_the_data(
    active: Run, worked: None, driver: FakeDriver, time: Time
) -> None:
    short_id = short_id_of(active.tenant_id)
    found = archive(short_id, time.now)

    assert found[-1] == Finding(step="proof", seen="process: removed; routes: none")
    assert state_of(active.tenant_id) == "archived"
    label = f"tnt_{short_id}"
    assert driver.find_instance(label=label) is None
    assert driver.find_database(label=label) is not None
    last = runs.run_of(active.tenant_id)
    assert last is not None
    assert (last.kind, last.actor, last.reason) == (
        "archive",
        "system:runbook",
        "the customer left",
    )
    again = archive(short_id, time.now)
    assert [finding.step for finding in again] == ["tenant", "instance"]


def test_archive_without_a_worker_ends_after_its_patience(active: Run, time: Time) -> None:
    play = tenant_archive.play(
        short_id=short_id_of(active.tenant_id),
        reason="the customer left",
        dry_run=False,
        now=time.now,
        patience=0.0,
    )
    with pytest.raises(Unavailable):
        list(play)


MakeWaiting = Callable[[], Registration]


@pytest.fixture
def make_waiting(db: None, driver: FakeDriver, now: datetime) -> MakeWaiting:
    """Let one visitor with a free address come as far as an operator's decision."""
    register_host(now)

    def make() -> Registration:
        visitor = Visitor(now=now, journey_id=uuid7())
        visitor.proves(FREE)
        return visitor.tells(company="Kim's Bakery")

    return make


def seen(waiting: Registration) -> Registration:
    with tenancy.platform("look at a registration"):
        return Registration.objects.get(id=waiting.id)


def review(now: datetime, **given: str | bool) -> list[Finding]:
    words: dict[str, str | bool] = {"reference": "", "verdict": "", "reason": "", "dry_run": False}
    return list(free_mail_review.play(now=now, **(words | given)))  # type: ignore[arg-type]


def test_review_lists_what_waits_and_why(make_waiting: MakeWaiting, now: datetime) -> None:
    waiting = make_waiting()
    (found,) = review(now + timedelta(hours=5))

    assert found.step == f"{waiting.reference}: Kim's Bakery"
    assert found.seen == "awaiting_approval for 5 h; naver.com is free (FREE_MAIL); region sg"


def test_review_decides_only_for_real(make_waiting: MakeWaiting, now: datetime) -> None:
    waiting = make_waiting()
    given = {"reference": waiting.reference, "verdict": "approve", "reason": "known to us"}

    assert told(review(now, dry_run=True, **given)) == [("approve", False)]
    assert told(review(now)) == []
    assert told(review(now, **given)) == [("approve", True)]
    decided = seen(waiting)
    assert (decided.state, decided.reviewed_by) == ("accepted", "system:runbook")
    assert decided.tenant_id is not None
    assert runs.run_of(decided.tenant_id) is not None
    assert review(now) == []


def test_rejection_needs_a_reason_which_is_mailed(make_waiting: MakeWaiting, now: datetime) -> None:
    waiting = make_waiting()
    given = {"reference": waiting.reference, "verdict": "reject"}
    with pytest.raises(ReasonMissing):
        review(now, **given)

    review(now, reason="Please use your company's address.", **given)
    assert seen(waiting).state == "rejected"
    handle_messages()
    mail = notices.list_captured(to=FREE).order_by("-captured_at").first()
    assert mail is not None
    assert "Please use your company's address." in mail.letter.text


def test_review_says_what_it_needs(make_waiting: MakeWaiting) -> None:
    waiting = make_waiting()

    assert call("free-mail-review", "--approve").exit_code == 2
    assert call("free-mail-review", "--reference", "zzz").exit_code == 1
    listed = call("free-mail-review")
    assert (listed.exit_code, waiting.reference in listed.stdout) == (0, True)
    decided = call("free-mail-review", "--reference", waiting.reference, "--approve")
    assert "done: approve" in decided.stdout
    assert call("free-mail-review").stdout == "Nothing waits.\n"
