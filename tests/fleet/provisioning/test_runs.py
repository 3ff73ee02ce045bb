"""Whole runs on a pretended place: what they make, what they say, and how they are undone."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from tenantry.core import tenancy
from tenantry.customers.accounts.models import User
from tenantry.customers.notices import services as notices
from tenantry.customers.notices.models import Mail
from tenantry.customers.tenants import queries as tenants
from tenantry.fleet.domains import queries as domains
from tenantry.fleet.gateway import queries as gateway
from tenantry.fleet.hosts import queries as host_queries
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.provisioning import engine, instances, queries, services, turns
from tenantry.fleet.provisioning.drivers.fake import AFTER, BEFORE, MIDDLE, FakeDriver, Fault
from tenantry.fleet.provisioning.errors import (
    RecipeUnknown,
    RunInProgress,
    RunNotAllowed,
    RunNotCancellable,
    RunNotFailed,
    RunOvertaken,
    RunReasonMissing,
    StepUnknown,
)
from tenantry.fleet.provisioning.models import Run
from tenantry.fleet.provisioning.states import RunState
from tenantry.fleet.provisioning.steps import STEPS
from tenantry.fleet.provisioning.steps.work import Done
from tenantry.governance.policies import services as policies
from tenantry.governance.vault.errors import SecretMissing
from tenantry.ledger.audit.models import AuditEntry
from tests.fleet.provisioning.conftest import (
    ACTOR,
    REGION,
    Time,
    register_host,
    request_tenant,
    start,
    state_of,
    states,
    step_of,
)
from tests.probes import handle_messages

pytestmark = pytest.mark.django_db
OPERATOR = "operator:test"


def activation_mails(tenant_id: UUID) -> list[Mail]:
    with tenancy.scope(tenant_id):
        return list(Mail.objects.filter(template="tenant_active"))


def retry(run: Run, time: Time, *, from_step: str = "") -> None:
    services.retry_run(
        run_id=run.id, from_step=from_step, actor=OPERATOR, reason="mended", now=time.now
    )


def cancel(run: Run, time: Time) -> None:
    services.cancel_run(run_id=run.id, actor=OPERATOR, reason="not wanted", now=time.now)


def nothing_is_left(tenant_id: UUID, driver: FakeDriver) -> None:
    assert driver.labels() == frozenset()
    assert host_queries.find_lease(tenant_id) is None
    assert domains.find_canonical(tenant_id) is None
    assert gateway.desired().routes == {}
    assert queries.instance_of(tenant_id) is None


@pytest.fixture
def living(tenant_id: UUID, driver: FakeDriver, time: Time) -> UUID:
    run = time.drive(start(tenant_id, time.now), driver)
    assert run.state == RunState.SUCCEEDED, states(run)
    return tenant_id


def test_run_makes_a_living_tenant(tenant_id: UUID, driver: FakeDriver, time: Time) -> None:
    driver.looks_to_start = 3
    run = time.drive(start(tenant_id, time.now), driver)
    assert (run.state, run.error_code) == ("succeeded", "")
    assert list(states(run)) == list(STEPS["create"])
    assert set(states(run).values()) == {"succeeded"}
    assert state_of(tenant_id) == "active"
    assert {one.type: one.status for one in queries.conditions_of(tenant_id)} == {
        "alive": "true",
        "canonical_host": "true",
        "log_in": "true",
        "mail": "true",
        "route": "true",
    }
    short_id = tenants.get_tenant(tenant_id).short_id
    assert driver.labels() == {f"tnt_{short_id}"}
    lease = host_queries.find_lease(tenant_id)
    assert lease is not None
    assert lease.state == "confirmed"
    (target,) = gateway.desired().routes.values()
    assert (target.tenant_id, target.serving) == (tenant_id, True)


def test_activation_says_where_and_is_told_once(living: UUID, time: Time) -> None:
    (mail,) = activation_mails(living)
    assert (mail.recipient, mail.dedupe_key) == ("owner@hanbit.example", f"activation:{living}")
    run = queries.run_of(living)
    assert run is not None
    assert mail.trace_id == run.trace_id


def test_funnel_hears_of_every_step(living: UUID) -> None:
    run = queries.run_of(living)
    assert run is not None
    with tenancy.platform("look"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT step FROM funnel_event WHERE subject = %s ORDER BY id", [run.subject]
        )
        found = [row[0] for row in cursor.fetchall()]
    assert found == ["placed", "database_ready", "instance_ready", "routed", "ready", "activated"]


def test_log_says_what_was_done(living: UUID) -> None:
    run = queries.run_of(living)
    assert run is not None
    lines = [f"{line.step.name}: {line.text}" for line in queries.lines_of(run)]
    label = instances.label_of(tenants.get_tenant(living).short_id)
    assert lines[:6] == [
        "place: begun",
        "place: done",
        "database: begun",
        f"database: made database {label}",
        "database: done",
        "instance: begun",
    ]
    assert queries.lines_of(run, after=queries.lines_of(run)[-1].id) == []


def test_secrets_stand_nowhere_but_in_the_vault(living: UUID) -> None:
    instance = queries.instance_of(living)
    assert instance is not None
    run = queries.run_of(living)
    assert run is not None
    kept = instances.passwords(instance)
    held = {kept.admin, kept.owner, instances.database_password(instance)}
    assert len(held) == 3
    seen = [repr(kept), repr(instance)]
    seen += [f"{step.intent} {step.result} {step.message}" for step in queries.steps_of(run)]
    seen += [line.text for line in queries.lines_of(run)]
    with tenancy.scope(living):
        seen += [str(entry.body) for entry in AuditEntry.objects.all()]
    assert not any(secret in text for secret in held for text in seen)


@pytest.mark.parametrize("point", [BEFORE, MIDDLE, AFTER])
@pytest.mark.parametrize("verb", ["create_database", "create_instance"])
def test_create_that_broke_off_is_found_again_and_not_doubled(
    tenant_id: UUID, driver: FakeDriver, time: Time, verb: str, point: str
) -> None:
    driver.plan(Fault(verb=verb, at=point, code="TEMPLATE_LOCKED"))
    run = time.drive(start(tenant_id, time.now), driver)
    assert run.state == RunState.SUCCEEDED
    assert set(driver.world()["created"].values()) == {1}
    name = verb.removeprefix("create_")
    assert step_of(run, name).attempts == 2


def test_waits_for_room_with_its_reason_and_goes_on_by_itself(
    owner: User, driver: FakeDriver, time: Time
) -> None:
    hosts.register_host(
        name="small", region=REGION, cpu_milli=1, memory_mb=1, disk_mb=1, now=time.now
    )
    tenant_id = request_tenant(owner, time.now)
    run = start(tenant_id, time.now)
    time.turn(run, driver)
    waiting = queries.get_run(run.id)
    assert (waiting.state, waiting.error_code) == ("waiting", "NO_CAPACITY")
    assert waiting.trouble is not None
    assert str(waiting.trouble.remedy)
    assert state_of(tenant_id) == "requested"
    register_host(time.pass_by(seconds=10))
    assert time.drive(run, driver).state == RunState.SUCCEEDED


def test_fails_when_there_is_never_room(owner: User, driver: FakeDriver, time: Time) -> None:
    began = time.now
    hosts.register_host(name="full", region=REGION, cpu_milli=1, memory_mb=1, disk_mb=1, now=began)
    tenant_id = request_tenant(owner, began)
    run = start(tenant_id, began)
    for _ in range(200):
        hosts.beat_host(name="full", now=time.now)
        rest = time.turn(run, driver)
        if rest is None:
            continue
        if rest.until is None:
            break
        time.now = rest.until
    run = queries.get_run(run.id)
    assert (run.state, run.error_code) == ("failed", "NO_CAPACITY")
    assert state_of(tenant_id) == "failed"
    assert timedelta(minutes=30) <= time.now - began < timedelta(minutes=31)


def test_unknown_region_fails_at_once(owner: User, driver: FakeDriver, time: Time) -> None:
    tenant_id = request_tenant(owner, time.now)
    run = time.drive(start(tenant_id, time.now), driver)
    assert (run.state, run.error_code) == ("failed", "REGION_UNKNOWN")
    assert queries.steps_of(run)[0].attempts == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(verb="identity_of", times=10_000), "HOST_NOT_ANSWERING"),
        (Fault(verb="sign_in", times=10_000), "LOG_IN_REFUSED"),
    ],
)
def test_readiness_that_never_comes_fails_and_may_be_tried_again(
    tenant_id: UUID, driver: FakeDriver, time: Time, fault: Fault, code: str
) -> None:
    driver.plan(fault)
    began = time.now
    run = time.drive(start(tenant_id, began), driver)
    assert (run.state, run.error_code, state_of(tenant_id)) == ("failed", code, "failed")
    assert time.now - began >= timedelta(minutes=5)
    assert activation_mails(tenant_id) == []
    with driver.store.open() as world:
        world["faults"] = []
    retry(run, time)
    run = time.drive(run, driver)
    assert (run.state, run.error_code, run.attempts) == ("succeeded", "", 2)
    assert state_of(tenant_id) == "active"
    assert len(activation_mails(tenant_id)) == 1
    assert set(driver.world()["created"].values()) == {1}


def test_refused_mail_closes_its_gate_and_says_so(
    tenant_id: UUID, driver: FakeDriver, time: Time, settings: object
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]  # pytest's settings
    settings.EMAIL_HOST = "256.256.256.256"  # type: ignore[attr-defined]  # pytest's settings
    run = start(tenant_id, time.now)
    while step_of(run, "readiness").state != "waiting":
        time.turn(run, driver)
    known = {one.type: one for one in queries.conditions_of(tenant_id)}
    assert (known["mail"].status, known["mail"].reason) == ("false", "MAIL_REFUSED")
    assert known["mail"].message
    assert queries.get_run(run.id).error_code == "MAIL_REFUSED"
    settings.EMAIL_BACKEND = "tenantry.customers.notices.drivers.mailbox.MailboxBackend"  # type: ignore[attr-defined]  # pytest's settings
    assert time.drive(run, driver).state == RunState.SUCCEEDED


def test_closed_gateway_keeps_from_activation(
    tenant_id: UUID, driver: FakeDriver, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "desired", gateway.Desired)
    run = time.drive(start(tenant_id, time.now), driver)
    assert (run.state, run.error_code) == ("failed", "ROUTE_NOT_SERVING")


def test_old_evidence_lets_nobody_in(tenant_id: UUID, driver: FakeDriver, time: Time) -> None:
    run = start(tenant_id, time.now)
    while step_of(run, "readiness").state != "succeeded":
        time.turn(run, driver)
    register_host(time.pass_by(minutes=2))
    time.turn(run, driver)
    assert states(run)["readiness"] == "pending"
    assert state_of(tenant_id) == "verifying"
    assert activation_mails(tenant_id) == []
    assert time.drive(run, driver).state == RunState.SUCCEEDED
    assert len(activation_mails(tenant_id)) == 1


def test_activation_that_cannot_be_stored_is_done_again(
    tenant_id: UUID, driver: FakeDriver, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(tenant_id, time.now)
    while step_of(run, "readiness").state != "succeeded":
        time.turn(run, driver)
    with monkeypatch.context() as broken:
        broken.setattr(notices, "MAILS", {})
        time.turn(run, driver)
    assert (step_of(run, "activate").state, state_of(tenant_id)) == ("waiting", "verifying")
    assert queries.get_run(run.id).error_code == "UNEXPECTED"
    assert time.drive(run, driver).state == RunState.SUCCEEDED
    assert len(activation_mails(tenant_id)) == 1


def test_bug_in_a_driver_is_shown_and_tried_again(
    tenant_id: UUID, driver: FakeDriver, time: Time
) -> None:
    broken = iter([True])

    def strike(verb: str, at: str) -> None:
        if (verb, at) == ("create_database", MIDDLE) and next(broken, False):
            raise ZeroDivisionError

    driver.strike = strike
    run = start(tenant_id, time.now)
    while step_of(run, "database").state != "waiting":
        time.turn(run, driver)
    step = step_of(run, "database")
    assert (step.error_code, step.message) == ("UNEXPECTED", "ZeroDivisionError")
    assert time.drive(run, driver).state == RunState.SUCCEEDED


def test_driver_that_refuses_for_good_fails_the_run(
    tenant_id: UUID, driver: FakeDriver, time: Time
) -> None:
    driver.plan(Fault(verb="create_database", code="something new", retryable=False))
    run = time.drive(start(tenant_id, time.now), driver)
    assert (run.state, run.error_code) == ("failed", "DRIVER_FAILED")
    retry(run, time)
    assert time.drive(run, driver).state == RunState.SUCCEEDED


def test_run_is_tried_again_from_an_earlier_step(
    tenant_id: UUID, driver: FakeDriver, time: Time
) -> None:
    driver.plan(Fault(verb="sign_in", times=10_000))
    run = time.drive(start(tenant_id, time.now), driver)
    with driver.store.open() as world:
        world["faults"] = []
    retry(run, time, from_step="instance")
    assert list(states(run).values()) == ["succeeded"] * 2 + ["pending"] * 5
    assert time.drive(run, driver).state == RunState.SUCCEEDED
    assert set(driver.world()["created"].values()) == {1}


@pytest.mark.parametrize("steps", range(7))
def test_cancelling_undoes_whatever_was_made(
    tenant_id: UUID, driver: FakeDriver, time: Time, steps: int
) -> None:
    run = start(tenant_id, time.now)
    for _ in range(steps):
        time.turn(run, driver)
    cancel(run, time)
    run = time.drive(run, driver)
    assert run.state == RunState.CANCELLED
    assert set(states(run).values()) <= {"pending", "compensated"}
    assert state_of(tenant_id) == "failed"
    nothing_is_left(tenant_id, driver)
    assert activation_mails(tenant_id) == []


@pytest.mark.parametrize("verb", ["remove_instance", "remove_database"])
@pytest.mark.parametrize("point", [BEFORE, MIDDLE, AFTER])
def test_undoing_goes_on_after_errors(
    tenant_id: UUID, driver: FakeDriver, time: Time, verb: str, point: str
) -> None:
    driver.plan(Fault(verb=verb, at=point, times=3))
    run = start(tenant_id, time.now)
    for _ in range(5):
        time.turn(run, driver)
    cancel(run, time)
    assert time.drive(run, driver).state == RunState.CANCELLED
    nothing_is_left(tenant_id, driver)


def test_failed_run_is_undone_and_made_anew(
    tenant_id: UUID, driver: FakeDriver, time: Time
) -> None:
    driver.plan(Fault(verb="create_instance", at=MIDDLE, retryable=False, code="DRIVER_FAILED"))
    run = time.drive(start(tenant_id, time.now), driver)
    instance = queries.instance_of(tenant_id)
    assert instance is not None
    cancel(run, time)
    assert time.drive(run, driver).state == RunState.CANCELLED
    nothing_is_left(tenant_id, driver)
    with pytest.raises(SecretMissing):
        instances.database_password(instance)
    again = start(tenant_id, time.pass_by(seconds=1))
    assert time.drive(again, driver).state == RunState.SUCCEEDED
    assert state_of(tenant_id) == "active"
    with pytest.raises(RunOvertaken):
        retry(run, time)


def test_cancelling_while_the_last_step_runs_lets_nobody_in(
    tenant_id: UUID, driver: FakeDriver, time: Time
) -> None:
    run = start(tenant_id, time.now)
    while step_of(run, "readiness").state != "succeeded":
        time.turn(run, driver)
    given = turns.claim(run_id=run.id, tenant_id=tenant_id, now=time.now)
    assert isinstance(given, turns.Claim)
    cancel(run, time)
    order = engine._order(given, driver, time.now)
    engine.conclude(given, order, Done(), tries=1, now=time.now)
    assert state_of(tenant_id) == "verifying"
    assert time.drive(run, driver).state == RunState.CANCELLED
    assert activation_mails(tenant_id) == []
    nothing_is_left(tenant_id, driver)


def test_suspended_tenant_keeps_its_data_and_comes_back(
    living: UUID, driver: FakeDriver, time: Time
) -> None:
    before = driver.world()["databases"]
    run = time.drive(start(living, time.pass_by(seconds=1), "suspend"), driver)
    assert (run.state, state_of(living)) == ("succeeded", "suspended")
    (target,) = gateway.desired().routes.values()
    assert not target.serving
    label = instances.label_of(tenants.get_tenant(living).short_id)
    found = driver.find_instance(label=label)
    assert found is not None
    assert found.observed == "stopped"
    run = time.drive(start(living, time.pass_by(seconds=1), "resume"), driver)
    assert (run.state, state_of(living)) == ("succeeded", "active"), states(run)
    assert driver.world()["databases"] == before
    (target,) = gateway.desired().routes.values()
    assert target.serving
    assert len(activation_mails(living)) == 1


def test_archived_tenant_holds_nothing_but_data_and_comes_back(
    living: UUID, driver: FakeDriver, time: Time
) -> None:
    label = instances.label_of(tenants.get_tenant(living).short_id)
    run = time.drive(start(living, time.pass_by(seconds=1), "archive"), driver)
    assert (run.state, state_of(living)) == ("succeeded", "archived"), states(run)
    assert driver.find_instance(label=label) is None
    assert driver.world()["databases"][label]["locked"]
    assert host_queries.find_lease(living) is None
    assert domains.find_canonical(living) is None
    assert gateway.desired().routes == {}
    run = time.drive(start(living, time.pass_by(seconds=1), "resume"), driver)
    assert (run.state, state_of(living)) == ("succeeded", "active"), states(run)
    assert not driver.world()["databases"][label]["locked"]
    assert driver.world()["created"][f"database:{label}"] == 1
    lease = host_queries.find_lease(living)
    assert lease is not None
    assert lease.state == "confirmed"


def test_cancelled_return_from_the_archive_keeps_data_and_passwords(
    living: UUID, driver: FakeDriver, time: Time
) -> None:
    time.drive(start(living, time.pass_by(seconds=1), "archive"), driver)
    instance = queries.instance_of(living)
    assert instance is not None
    run = start(living, time.pass_by(seconds=1), "resume")
    for _ in range(4):
        time.turn(run, driver)
    cancel(run, time)
    run = time.drive(run, driver)
    assert (run.state, state_of(living)) == ("cancelled", "archived")
    assert driver.world()["databases"][instance.label]["locked"]
    assert driver.find_instance(label=instance.label) is None
    assert host_queries.find_lease(living) is None
    assert instances.passwords(instance).admin


def test_cancelled_suspension_serves_again(living: UUID, driver: FakeDriver, time: Time) -> None:
    run = start(living, time.pass_by(seconds=1), "suspend")
    for _ in range(2):
        time.turn(run, driver)
    cancel(run, time)
    run = time.drive(run, driver)
    assert (run.state, state_of(living)) == ("cancelled", "active")
    (target,) = gateway.desired().routes.values()
    assert target.serving
    found = driver.find_instance(label=instances.label_of(tenants.get_tenant(living).short_id))
    assert found is not None
    assert found.observed == "running"


def test_archiving_that_began_is_not_cancelled(
    living: UUID, driver: FakeDriver, time: Time
) -> None:
    run = start(living, time.pass_by(seconds=1), "archive")
    time.turn(run, driver)
    with pytest.raises(RunNotCancellable):
        cancel(run, time)
    assert time.drive(run, driver).state == RunState.SUCCEEDED
    with pytest.raises(RunNotCancellable):
        cancel(run, time)


def test_one_run_at_a_time(tenant_id: UUID, driver: FakeDriver, time: Time) -> None:
    start(tenant_id, time.now)
    with pytest.raises(RunInProgress):
        start(tenant_id, time.now)


@pytest.mark.parametrize("kind", ["suspend", "resume", "archive"])
def test_run_must_go_with_the_tenants_state(
    tenant_id: UUID, driver: FakeDriver, time: Time, kind: str
) -> None:
    with pytest.raises(RunNotAllowed) as refusal:
        start(tenant_id, time.now, kind)
    assert "requested" in refusal.value.text()
    assert queries.run_of(tenant_id) is None


def test_operators_give_reasons(tenant_id: UUID, driver: FakeDriver, time: Time) -> None:
    given = {"tenant_id": tenant_id, "now": time.now, "region": REGION, "kind": "create"}
    with pytest.raises(RunReasonMissing):
        services.start_run(actor=OPERATOR, reason="  ", **given)  # type: ignore[arg-type]  # a dict of words
    run = services.start_run(actor="system:onboarding", reason="", **given)  # type: ignore[arg-type]  # a dict of words
    with pytest.raises(RunReasonMissing):
        services.cancel_run(run_id=run.id, actor=OPERATOR, reason="", now=time.now)
    with pytest.raises(RunReasonMissing):
        services.retry_run(run_id=run.id, actor=OPERATOR, reason="", now=time.now)


def test_only_what_failed_is_tried_again(tenant_id: UUID, driver: FakeDriver, time: Time) -> None:
    driver.plan(Fault(verb="create_database", code="DRIVER_FAILED", retryable=False))
    run = start(tenant_id, time.now)
    with pytest.raises(RunNotFailed):
        retry(run, time)
    time.drive(run, driver)
    for name in ("instance", "nothing"):
        with pytest.raises(StepUnknown):
            retry(run, time, from_step=name)
    retry(run, time, from_step="place")
    assert time.drive(run, driver).state == RunState.SUCCEEDED


def test_unknown_recipe_is_refused(tenant_id: UUID, driver: FakeDriver, time: Time) -> None:
    with pytest.raises(RecipeUnknown):
        services.start_run(
            tenant_id=tenant_id,
            kind="create",
            actor=ACTOR,
            reason="",
            now=time.now,
            recipe="nothing",
        )


def test_operators_numbers_count(tenant_id: UUID, driver: FakeDriver, time: Time) -> None:
    policies.set_policy(
        key="provisioning.ready_minutes", value=1, actor=OPERATOR, reason="haste", now=time.now
    )
    driver.plan(Fault(verb="identity_of", times=10_000))
    began = time.now
    assert time.drive(start(tenant_id, began), driver).state == RunState.FAILED
    assert timedelta(minutes=1) <= time.now - began < timedelta(minutes=1, seconds=10)


def test_run_is_one_message_at_a_time(tenant_id: UUID, driver: FakeDriver, time: Time) -> None:
    run = start(tenant_id, time.now)
    turns.send(run)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(args->>'traceparent') FROM procrastinate_jobs"
            " WHERE queue_name = 'pipelines'"
        )
        count, traceparent = cursor.fetchone()
    assert count == 1
    assert run.trace_id in traceparent


def test_ended_run_is_told(living: UUID, now: datetime) -> None:
    # Whoever listens must be able to handle it.
    assert handle_messages(due=now + timedelta(days=1)) >= 1


def test_deleted_run_is_nobodys_work(tenant_id: UUID, driver: FakeDriver, time: Time) -> None:
    rest = turns.claim(run_id=uuid4(), tenant_id=tenant_id, now=time.now)
    assert rest == turns.Rest()
