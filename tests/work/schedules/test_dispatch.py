"""Deciding batches: what one transaction writes, and what it never writes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import IntegrityError
from django.db import connection as database

from tenantry.core import db, tenancy
from tenantry.governance.policies import queries as policies
from tenantry.governance.policies import services as setting
from tenantry.ledger.audit import queries as audit
from tenantry.ledger.audit.services import body_text
from tenantry.work.automation.models import Connection
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules import dispatch, statements
from tenantry.work.schedules.dispatch import START, dispatch_batch
from tenantry.work.schedules.models import Schedule
from tenantry.work.schedules.services import run_now
from tenantry.work.schedules.states import AdminStatus, Outcome
from tests.probes import at_once
from tests.work.schedules.conftest import (
    OPERATOR,
    MakeConnection,
    MakeSchedule,
    jobs,
    reload,
    slots_of,
)

pytestmark = pytest.mark.django_db


def messages() -> list[tuple[str, str, str]]:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT queue_name, task_name, queueing_lock FROM procrastinate_jobs"
            " WHERE queue_name = 'browser' ORDER BY id"
        )
        rows: list[tuple[str, str, str]] = cursor.fetchall()
        return rows


def test_due_slot_becomes_a_job_with_everything_that_follows(
    schedule: Schedule, now: datetime
) -> None:
    batch = dispatch_batch(now=now + timedelta(seconds=2))
    assert (batch.claimed, batch.dispatched) == (1, 1)
    (slot,) = slots_of(schedule)
    assert (slot.outcome, slot.code, slot.nominal_at) == (Outcome.DISPATCHED, "ALL_OPEN", now)
    assert slot.decided_at == now + timedelta(seconds=2)
    assert slot.trace_id == slot.id.hex
    assert [verdict.open for verdict in slot.gate_verdicts] == [True] * 4
    job = slot.job
    assert job is not None
    assert (job.subject, job.kind, job.state) == (slot.id, "probe.publish", "QUEUED")
    assert (job.content_id, job.content_digest) == (schedule.content_id, schedule.approved_digest)
    assert (job.moment, job.zone, job.debug) == (now, "UTC", False)
    assert job.trace_id == slot.trace_id
    changed = reload(schedule)
    assert changed.watermark_at == now
    assert changed.next_due_at == now + timedelta(days=1)
    lane = f"lane:{schedule.connection_id}"
    assert messages() == [("browser", "tenantry.work.automation.tasks.drain_lane", lane)]
    with tenancy.scope(schedule.tenant_id):
        day = f"{now:%Y-%m-%d}"
        assert policies.used(key=f"schedule:{schedule.id}", window=day) == 1
        assert policies.used(key=f"connection:{schedule.connection_id}", window=day) == 1


def test_every_decision_and_job_is_audited_once(schedule: Schedule, now: datetime) -> None:
    dispatch_batch(now=now)
    (slot,) = slots_of(schedule)
    with tenancy.scope(schedule.tenant_id):
        (decided,) = audit.list_for_target("slot", slot.id)
        (queued,) = audit.list_for_target("job", str(slot.job_id))
    assert (decided.action, decided.actor) == ("schedules.slot.decided", "system:scheduler")
    assert decided.body == body_text(
        {"outcome": "DISPATCHED", "code": "ALL_OPEN", "schedule": schedule.id}
    )
    assert (queued.action, queued.trace_id) == ("automation.job.queued", slot.trace_id)
    assert queued.body == body_text({"kind": "probe.publish", "connection": schedule.connection_id})


CLOSED: dict[str, tuple[dict[str, object], Outcome, str]] = {
    "off": ({"user_enabled": False}, Outcome.SKIPPED, "USER_DISABLED"),
    "waiting": (
        {"admin_status": AdminStatus.NEEDS_REVIEW},
        Outcome.BLOCKED,
        "ADMIN_NEEDS_REVIEW",
    ),
    "changed": ({"content_digest": "another"}, Outcome.BLOCKED, "ADMIN_STALE"),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_gate_is_recorded_and_time_goes_on(
    name: str, make_schedule: MakeSchedule, now: datetime
) -> None:
    columns, outcome, code = CLOSED[name]
    schedule = make_schedule(**columns)
    batch = dispatch_batch(now=now)
    assert (batch.claimed, batch.dispatched) == (1, 0)
    (slot,) = slots_of(schedule)
    assert (slot.outcome, slot.code, slot.job_id) == (outcome, code, None)
    assert len(slot.gate_verdicts) == 4
    assert reload(schedule).next_due_at == now + timedelta(days=1)
    assert jobs() == []
    assert messages() == []


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (SessionState.PENDING, "SESSION_PENDING"),
        (SessionState.EXPIRED, "SESSION_EXPIRED"),
        (SessionState.CHALLENGE_REQUIRED, "SESSION_CHALLENGE"),
        (SessionState.ERROR, "SESSION_ERROR"),
    ],
)
def test_lost_session_blocks(
    state: SessionState,
    code: str,
    make_connection: MakeConnection,
    make_schedule: MakeSchedule,
    now: datetime,
) -> None:
    schedule = make_schedule(on=make_connection(state=state))
    dispatch_batch(now=now)
    (slot,) = slots_of(schedule)
    assert (slot.outcome, slot.code) == (Outcome.BLOCKED, code)


def test_removed_connection_blocks(
    schedule: Schedule, connection: Connection, now: datetime
) -> None:
    with tenancy.scope(connection.tenant_id):
        Connection.objects.filter(id=connection.id).update(removed_at=now)
    dispatch_batch(now=now)
    assert slots_of(schedule)[0].code == "SESSION_REMOVED"


def test_missed_slot_is_skipped_and_says_so(schedule: Schedule, now: datetime) -> None:
    dispatch_batch(now=now + timedelta(minutes=15, seconds=1))
    (slot,) = slots_of(schedule)
    assert (slot.outcome, slot.code) == (Outcome.SKIPPED, "SLOT_MISSED")
    assert [verdict.open for verdict in slot.gate_verdicts] == [True] * 4


def test_after_an_outage_every_slot_is_decided_and_only_the_last_runs(
    make_schedule: MakeSchedule, now: datetime
) -> None:
    schedule = make_schedule(
        times=[f"{hour:02}:00" for hour in range(24)], next_due_at=now - timedelta(hours=3)
    )
    while dispatch_batch(now=now + timedelta(minutes=1)).claimed:
        pass
    assert [slot.code for slot in slots_of(schedule)] == [*["SLOT_MISSED"] * 3, "ALL_OPEN"]
    assert reload(schedule).next_due_at == now + timedelta(hours=1)


def test_accounts_limit_holds_within_one_batch(make_schedule: MakeSchedule, now: datetime) -> None:
    with tenancy.platform("test"):
        setting.set_policy(
            key="connections.daily_limit", value=3, reason="test", actor=OPERATOR, now=now
        )
    made = [make_schedule(name=f"post {number}") for number in range(5)]
    batch = dispatch_batch(now=now)
    assert (batch.claimed, batch.dispatched) == (5, 3)
    codes = sorted(slots_of(schedule)[0].code for schedule in made)
    assert codes == ["ALL_OPEN"] * 3 + ["DAILY_LIMIT"] * 2


def test_run_now_takes_from_the_same_limit(make_schedule: MakeSchedule, now: datetime) -> None:
    schedule = make_schedule(daily_limit=2)
    dispatch_batch(now=now)
    moments = [now + timedelta(microseconds=n) for n in range(1, 4)]
    codes = [
        run_now(
            tenant_id=schedule.tenant_id, schedule_id=schedule.id, actor="user:me", now=moment
        ).code
        for moment in moments
    ]
    assert codes == ["ALL_OPEN", "DAILY_LIMIT", "DAILY_LIMIT"]
    assert reload(schedule).next_due_at == now + timedelta(days=1)


def test_lowered_limit_holds_at_once(make_schedule: MakeSchedule, now: datetime) -> None:
    schedule = make_schedule(daily_limit=10)
    dispatch_batch(now=now)
    with tenancy.platform("test"):
        setting.set_policy(
            key="schedules.daily_limit", value=1, reason="test", actor=OPERATOR, now=now
        )
    later = now + timedelta(hours=1)
    slot = run_now(
        tenant_id=schedule.tenant_id, schedule_id=schedule.id, actor="user:me", now=later
    )
    assert (slot.outcome, slot.code) == (Outcome.SKIPPED, "DAILY_LIMIT")
    assert slot.policy_version == policies.version()


def test_failures_in_a_row_make_a_debug_job(make_schedule: MakeSchedule, now: datetime) -> None:
    calm = make_schedule(consecutive_failures=2)
    failing = make_schedule(consecutive_failures=3)
    dispatch_batch(now=now)
    assert [slots_of(schedule)[0].job.debug for schedule in (calm, failing)] == [False, True]  # type: ignore[union-attr]  # both ran


def test_batches_go_on_where_the_last_one_ended(make_schedule: MakeSchedule, now: datetime) -> None:
    for number in range(5):
        due = now - timedelta(seconds=number % 2)
        make_schedule(name=f"post {number}", times=["11:00"], next_due_at=due)
    place, claimed = START, []
    for _ in range(4):
        batch = dispatch_batch(now=now, limit=2, after=place)
        claimed.append(batch.claimed)
        place = batch.last
    assert claimed == [2, 2, 1, 0]


def test_next_due_is_the_earliest(make_schedule: MakeSchedule, now: datetime) -> None:
    assert dispatch.next_due() is None
    make_schedule(next_due_at=now + timedelta(hours=2))
    make_schedule(next_due_at=now + timedelta(hours=1))
    make_schedule(next_due_at=None)
    assert dispatch.next_due() == now + timedelta(hours=1)


def test_older_servers_write_the_same(
    schedule: Schedule, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = statements.write
    monkeypatch.setattr(
        statements, "write", lambda **given: newest(**{**given, "server_version": 160_000})
    )
    assert dispatch_batch(now=now).dispatched == 1
    assert "uuidv7" not in newest(server_version=160_000, run_now=False)
    assert len(slots_of(schedule)) == 1


def test_a_clock_stepping_back_decides_nothing_twice(schedule: Schedule, now: datetime) -> None:
    dispatch_batch(now=now)
    for minutes in (-60, -5, 0):
        assert dispatch_batch(now=now + timedelta(minutes=minutes)).claimed == 0
    assert len(slots_of(schedule)) == 1


def test_the_database_refuses_a_second_decision(schedule: Schedule, now: datetime) -> None:
    dispatch_batch(now=now)
    (slot,) = slots_of(schedule)
    slot.id, slot.job = UUID(int=7), None
    slot.outcome = Outcome.SKIPPED
    with (
        pytest.raises(IntegrityError, match="schedules_slot_once"),
        tenancy.scope(schedule.tenant_id),
    ):
        slot.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_what_another_holds_is_skipped_and_taken_later(
    make_schedule: MakeSchedule, make_connection: MakeConnection, now: datetime
) -> None:
    held = make_schedule()
    free = make_schedule(on=make_connection())
    with psycopg.connect(**db.dsn()) as other:  # type: ignore[arg-type]  # Django's own parameters
        other.execute("SELECT set_config('tenantry.platform', 'hold an account', true)")
        other.execute(
            "SELECT FROM automation_connection WHERE id = %s FOR NO KEY UPDATE",
            [held.connection_id],
        )
        assert dispatch_batch(now=now).claimed == 1
        assert [len(slots_of(free)), len(slots_of(held))] == [1, 0]
    assert dispatch_batch(now=now).claimed == 1
    assert len(slots_of(held)) == 1


@pytest.mark.django_db(transaction=True)
def test_many_dispatchers_and_run_now_share_one_limit(
    make_schedule: MakeSchedule, now: datetime
) -> None:
    with tenancy.platform("test"):
        setting.set_policy(
            key="connections.daily_limit", value=7, reason="test", actor=OPERATOR, now=now
        )
    made = [make_schedule(name=f"post {number}") for number in range(10)]

    def tick() -> object:
        return dispatch_batch(now=now, limit=2)

    def by_hand(number: int) -> Callable[[], object]:
        schedule = made[number % len(made)]
        return lambda: run_now(
            tenant_id=schedule.tenant_id,
            schedule_id=schedule.id,
            actor="user:me",
            now=now + timedelta(microseconds=number + 1),
        )

    answers = at_once([tick, tick, tick, *(by_hand(number) for number in range(12))])
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    while dispatch_batch(now=now).claimed:
        pass
    decided = [slot for schedule in made for slot in slots_of(schedule)]
    assert len(decided) == 22
    assert sum(slot.outcome == Outcome.DISPATCHED for slot in decided) == 7
    assert len(jobs()) == 7
