"""The engine on a virtual clock against a small model: P-01, P-03, P-05, P-06, P-12, P-13, P-17,
P-24, P-25 and P-30, over any order of ticks, edits, rulings, ends of jobs and clocks going back.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tenantry.core import tenancy
from tenantry.core.errors import DomainError
from tenantry.core.ids import uuid7
from tenantry.customers.tenants.models import Tenant
from tenantry.governance.policies import queries as policies
from tenantry.governance.policies import services as setting
from tenantry.sdk import registry
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules import dispatch, queries, services
from tenantry.work.schedules import rule as rules
from tenantry.work.schedules.models import Schedule, Slot
from tenantry.work.schedules.services import Wanted
from tenantry.work.schedules.states import AdminStatus, Origin, Outcome
from tests.work.automation.probe import ProbeContent, Site, make_product

START = datetime(2026, 3, 7, 11, tzinfo=UTC)
ACCOUNT_LIMIT = 5
DEBUG_AFTER = 2
SUSPEND_AFTER = 3
ZONES = ["America/New_York", "Australia/Lord_Howe", "Asia/Seoul"]
TIMES = [[f"{h:02}:15" for h in range(24)], ["01:30", "02:30", "12:00", "23:30"], ["00:00"]]
which = st.integers(0, 1)


class Engine(RuleBasedStateMachine):
    """Two schedules on one account, and what a bookkeeper would know about them."""

    tenant: Tenant
    content: ProbeContent

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        policies.forget()
        self.now = START
        self.content.now_digest = "first"
        self.set_policy("connections.daily_limit", ACCOUNT_LIMIT)
        self.set_policy("schedules.debug_after", DEBUG_AFTER)
        self.set_policy("schedules.suspend_after", SUSPEND_AFTER)
        self.account = Connection(
            id=uuid7(),
            tenant_id=self.tenant.id,
            product="probe",
            connector="pageless",
            account="seller",
            session_state=SessionState.HEALTHY,
            created_at=START,
        )
        with tenancy.scope(self.tenant.id):
            self.account.save(force_insert=True)
        self.wanted = Wanted(
            name="Post",
            connection_id=self.account.id,
            content_id=uuid4(),
            zone=ZONES[0],
            weekdays=rules.EVERY_DAY,
            times=TIMES[0],
            daily_limit=3,
        )
        self.wishes = [self.wanted, replace(self.wanted, zone=ZONES[2])]
        self.schedules = [
            services.create_schedule(
                tenant_id=self.tenant.id, wanted=wish, actor="user:me", now=START
            ).id
            for wish in self.wishes
        ]
        for schedule_id in self.schedules:
            services.approve(schedule_id=schedule_id, actor="operator:me", now=START)
        self.due = [self.next_of(0, START), self.next_of(1, START)]
        self.watermark = [START, START]
        self.failures = [0, 0]
        self.used: Counter[tuple[str, str]] = Counter()
        self.open_jobs: list[tuple[int, Slot]] = []
        self.known: set[UUID] = set()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)
        policies.forget()

    def set_policy(self, key: str, value: int) -> None:
        with tenancy.platform("model"):
            setting.set_policy(
                key=key, value=value, reason="model", actor="operator:me", now=self.now
            )

    def next_of(self, index: int, after: datetime) -> datetime | None:
        wish = self.wishes[index]
        parsed = rules.parse(zone=wish.zone, weekdays=wish.weekdays, times=wish.times)
        return rules.next_after(parsed, after)

    def row(self, index: int) -> Schedule:
        with tenancy.scope(self.tenant.id):
            return queries.get_for_tenant(
                tenant_id=self.tenant.id, schedule_id=self.schedules[index]
            )

    def keys(self, index: int, day: str) -> tuple[tuple[str, str], tuple[str, str]]:
        own = (f"schedule:{self.schedules[index]}", day)
        return own, (f"connection:{self.account.id}", day)

    def take_over(self, index: int, slot: Slot, before: Schedule) -> None:
        """Check one new decision against the books, and enter it."""
        self.known.add(slot.id)
        verdicts = slot.gate_verdicts
        closed = [verdict for verdict in verdicts if not verdict.open]
        assert len(verdicts) == 4
        own, shared = self.keys(index, slot.local_day.isoformat())
        limit = min(before.daily_limit, policies.number("schedules.daily_limit"))
        facts = dict(verdicts[3].facts)
        assert facts == {
            "used": self.used[own],
            "limit": limit,
            "account_used": self.used[shared],
            "account_limit": ACCOUNT_LIMIT,
        }
        zone = rules.parse(zone=before.zone, weekdays=before.weekdays, times=before.times)
        assert slot.local_day == rules.local_day(zone, slot.nominal_at)
        if closed:
            assert (slot.code, slot.job) == (closed[0].code, None)
            return
        late = self.now - slot.nominal_at > timedelta(minutes=15)
        assert slot.code == ("SLOT_MISSED" if late else "ALL_OPEN")
        if late:
            return
        assert slot.outcome == Outcome.DISPATCHED
        assert slot.job is not None
        assert slot.job.content_digest == before.approved_digest == before.content_digest
        assert slot.job.debug == (self.failures[index] >= DEBUG_AFTER)
        self.used[own] += 1
        self.used[shared] += 1
        assert self.used[own] <= limit
        assert self.used[shared] <= ACCOUNT_LIMIT
        self.open_jobs.append((index, slot))

    def new_slots(self) -> list[Slot]:
        with tenancy.scope(self.tenant.id):
            rows = Slot.objects.filter(tenant_id=self.tenant.id).exclude(id__in=self.known)
            return list(rows.select_related("job").order_by("nominal_at", "schedule_id"))

    @rule(late=st.sampled_from([0, 0, 30, 14 * 60, 16 * 60, 3 * 3600]))
    def let_time_pass(self, late: int) -> None:
        """Go to the next due instant and somewhat further, then decide all that is due."""
        ahead = [due for due in self.due if due is not None]
        self.now = max(self.now, min(ahead) + timedelta(seconds=late))
        before = [self.row(0), self.row(1)]
        while claimed := dispatch.dispatch_batch(now=self.now).claimed:
            slots = self.new_slots()
            assert len(slots) == claimed
            for slot in slots:
                index = self.schedules.index(slot.schedule_id)
                assert slot.origin == Origin.CLOCK
                assert slot.nominal_at == self.due[index]
                self.watermark[index] = slot.nominal_at
                self.due[index] = self.next_of(index, slot.nominal_at)
                self.take_over(index, slot, before[index])
        assert all(due is None or due > self.now for due in self.due)

    @rule(minutes=st.integers(0, 60))
    def let_the_clock_step_back(self, minutes: int) -> None:
        """Nothing that was decided is decided again, whatever the clock says."""
        due = [one for one in self.due if one is not None and one <= self.now]
        if not due:
            batch = dispatch.dispatch_batch(now=self.now - timedelta(minutes=minutes))
            assert batch.claimed == 0

    @rule(index=which)
    def run_now(self, index: int) -> None:
        """Do what the simulation has just said."""
        self.now += timedelta(seconds=1)
        before = self.row(index)
        with tenancy.scope(self.tenant.id):
            foretold = queries.simulate(
                schedule_id=self.schedules[index], at=self.now, now=self.now
            )
        slot = services.run_now(
            tenant_id=self.tenant.id,
            schedule_id=self.schedules[index],
            actor="user:me",
            now=self.now,
        )
        assert (slot.outcome, slot.code) == (foretold.decision.outcome, foretold.decision.code)
        self.take_over(index, slot, before)

    @rule(
        index=which,
        zone=st.sampled_from(ZONES),
        times=st.sampled_from(TIMES),
        limit=st.integers(1, 4),
    )
    def edit(self, index: int, zone: str, times: list[str], limit: int) -> None:
        """Change rule and limit; only the new rule is due from now on."""
        self.now += timedelta(seconds=1)
        wish = replace(self.wishes[index], zone=zone, times=times, daily_limit=limit)
        try:
            services.edit_schedule(
                tenant_id=self.tenant.id,
                schedule_id=self.schedules[index],
                wanted=wish,
                actor="user:me",
                now=self.now,
            )
        except DomainError:
            return
        changed = (zone, times) != (self.wishes[index].zone, list(self.wishes[index].times))
        self.wishes[index] = wish
        if changed:
            self.due[index] = self.next_of(index, max(self.now, self.watermark[index]))

    @rule(limit=st.integers(1, 4))
    def change_the_policy(self, limit: int) -> None:
        """Lower or raise what a schedule may post a day."""
        self.set_policy("schedules.daily_limit", limit)

    @rule(index=which, on=st.booleans())
    def switch(self, index: int, on: bool) -> None:  # drawn by hypothesis
        """Turn a schedule on or off; off stops what is queued."""
        verb = services.enable if on else services.disable
        was_on = self.row(index).user_enabled
        try:
            verb(
                tenant_id=self.tenant.id,
                schedule_id=self.schedules[index],
                actor="user:me",
                now=self.now,
            )
        except DomainError:
            return
        if was_on and not on:
            self.stopped(index)

    @rule(index=which, word=st.sampled_from(["approve", "suspend", "reject", "unsuspend"]))
    def rule_on(self, index: int, word: str) -> None:
        """Let an operator rule; illegal moves are refused and change nothing."""
        before = self.row(index)
        given = {"schedule_id": self.schedules[index], "actor": "operator:me", "now": self.now}
        reason = {"reason": "why"} if word in {"suspend", "reject"} else {}
        try:
            getattr(services, word)(**given, **reason)
        except DomainError:
            assert self.row(index).admin_status == before.admin_status
            return
        after = self.row(index)
        if after.admin_status != before.admin_status:
            if after.admin_status == AdminStatus.APPROVED:
                self.failures[index] = 0
            else:
                self.stopped(index)

    @rule(state=st.sampled_from([SessionState.HEALTHY] * 3 + [SessionState.EXPIRED]))
    def change_the_session(self, state: SessionState) -> None:
        """Lose the login or get it back."""
        with tenancy.scope(self.tenant.id):
            Connection.objects.filter(id=self.account.id).update(session_state=state)

    @rule(digest=st.sampled_from(["first", "second"]))
    def change_the_content(self, digest: str) -> None:
        """Save other content, or the approved one again."""
        self.content.now_digest = digest
        services.follow_content(
            tenant_id=self.tenant.id,
            product="probe",
            content_id=self.wanted.content_id or uuid4(),
            now=self.now,
        )

    @rule(
        number=st.integers(0, 20),
        end=st.sampled_from(["SUCCESS", "FAILED", "FAILED", "FAILED", "UNKNOWN"]),
        twice=st.booleans(),
    )
    def end_a_job(self, number: int, end: str, twice: bool) -> None:  # drawn by hypothesis
        """Let a job end, and perhaps let it be heard twice."""
        if not self.open_jobs:
            return
        index, slot = self.open_jobs[number % len(self.open_jobs)]
        for _ in range(1 + twice):
            self.hear(slot, end, "UI_CHANGED" if end == "FAILED" else "")
        if end == "UNKNOWN":
            return
        self.open_jobs.remove((index, slot))
        if end == "SUCCESS":
            self.failures[index] = 0
            return
        self.give_back(index, slot)
        self.failures[index] += 1
        if (
            self.row(index).admin_status == AdminStatus.SUSPENDED
            and self.failures[index] >= SUSPEND_AFTER
        ):
            self.stopped(index)

    def hear(self, slot: Slot, state: str, code: str) -> None:
        services.record_job_end(
            tenant_id=self.tenant.id, slot_id=slot.id, state=state, error_code=code, now=self.now
        )

    def give_back(self, index: int, slot: Slot) -> None:
        for key in self.keys(index, slot.local_day.isoformat()):
            self.used[key] -= 1

    def stopped(self, index: int) -> None:
        """Enter that every job of a schedule that had not ended was cancelled."""
        for entry in [entry for entry in self.open_jobs if entry[0] == index]:
            self.open_jobs.remove(entry)
            self.give_back(*entry)
            with tenancy.scope(self.tenant.id):
                assert Job.objects.get(subject=entry[1].id).state == "CANCELLED"
            self.hear(entry[1], "CANCELLED", "")

    @invariant()
    def books_agree(self) -> None:
        """Counters, failures, next instants and approvals are what the books say."""
        for index in (0, 1):
            row = self.row(index)
            assert row.next_due_at == self.due[index]
            assert row.consecutive_failures == self.failures[index]
            if row.admin_status == AdminStatus.APPROVED:
                assert self.failures[index] < SUSPEND_AFTER
        with tenancy.scope(self.tenant.id):
            for (key, day), used in self.used.items():
                assert policies.used(key=key, window=day) == used


@pytest.mark.django_db
def test_engine_agrees_with_the_books(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    product = make_product(Site())
    monkeypatch.setattr(registry, "products", lambda: (product,))
    assert isinstance(product.content, ProbeContent)
    Engine.tenant, Engine.content = tenant, product.content
    run_state_machine_as_test(
        Engine,
        settings=settings(
            max_examples=15,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
