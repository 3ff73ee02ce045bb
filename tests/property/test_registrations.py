"""Registrations against a small model, over any order of visitors, operators, runs and time."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck
from hypothesis import settings as searching
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tenantry.core import tenancy
from tenantry.core.errors import DomainError
from tenantry.core.ids import uuid7
from tenantry.customers.accounts.errors import CodeRefused
from tenantry.customers.tenants.models import Tenant
from tenantry.fleet.provisioning.failures import Failure
from tenantry.fleet.provisioning.models import Run
from tenantry.fleet.provisioning.states import ENDED_RUNS
from tenantry.governance.policies import queries as policies
from tenantry.governance.policies import services as setting
from tenantry.journeys.onboarding import services
from tenantry.journeys.onboarding.capabilities import ACTS, Act
from tenantry.journeys.onboarding.errors import AddressRefused, NotNow, RegistrationMissing
from tenantry.journeys.onboarding.models import Registration
from tenantry.journeys.onboarding.states import RUNNING, UNFINISHED, RegistrationState
from tenantry.ledger.funnel.models import FunnelEvent
from tenantry.ledger.funnel.states import ORDER
from tests.fleet.provisioning.conftest import driver, register_host
from tests.journeys.onboarding.name_server import names, served
from tests.journeys.onboarding.visitor import Visitor, code_for

__all__ = ["driver", "names", "served"]

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPERATOR = "operator:0"
COMPANY, FREE, THROW_AWAY = "kim@hanbit.kr", "kim@naver.com", "kim@mailinator.com"
browsers = st.integers(0, 2)
S = RegistrationState


@dataclass(frozen=True, kw_only=True)
class Believed:
    """What a bookkeeper knows of one registration."""

    state: str
    email: str
    browser: int
    expires_at: datetime
    tenants: int = 0


class Trials(RuleBasedStateMachine):
    """Three browsers, two mailboxes, one operator."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        # As Django marks the transaction around a test, so that a durable one may begin in it.
        self.undo._from_testcase = True  # type: ignore[attr-defined]  # Django's own mark
        self.undo.__enter__()
        policies.forget()
        register_host(START)
        for key in (
            "codes.per_address_hour",
            "codes.per_browser_hour",
            "codes.attempts_per_address_day",
        ):
            self.set_policy(key, 100)
        self.set_policy("codes.per_network_hour", 10_000)
        self.set_policy("onboarding.per_network_hour", 10_000)
        self.now = START
        self.browsers = [Visitor(now=START, browser=f"browser-{n}") for n in range(3)]
        self.model: dict[UUID, Believed] = {}
        self.codes: dict[UUID, str] = {}
        for number in range(len(self.browsers)):
            self.visit(number)

    def set_policy(self, key: str, value: int) -> None:
        setting.set_policy(key=key, value=value, reason="test", actor=OPERATOR, now=START)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)
        policies.forget()

    def at(self, number: int) -> Visitor:
        return replace(self.browsers[number], now=self.now)

    def knows(self, number: int) -> Believed | None:
        """Return what is believed of the registration that this browser leads."""
        known = self.model.get(self.browsers[number].journey_id)
        return known if known is not None and known.browser == number else None

    def put(self, registration_id: UUID, **changes: object) -> None:
        known = self.model[registration_id]
        self.model[registration_id] = replace(known, **changes)  # type: ignore[arg-type]  # by name

    def can(self, number: int, act: Act) -> type[DomainError] | None:
        """Return the refusal that this act must meet, if any."""
        known = self.knows(number)
        if known is None:
            return RegistrationMissing
        return None if act in ACTS[known.state] else NotNow

    @property
    def expiry(self) -> datetime:
        return self.now + timedelta(hours=24)

    @rule(number=browsers)
    def visit(self, number: int) -> None:
        visitor = self.at(number)
        known = self.model.get(visitor.journey_id)
        if known is None or known.browser == number:
            visitor.begins()
            self.model.setdefault(
                visitor.journey_id,
                Believed(state=S.STARTED, email="", browser=number, expires_at=self.expiry),
            )
        else:
            with pytest.raises(RegistrationMissing):
                visitor.begins()

    @rule(number=browsers, email=st.sampled_from([COMPANY, FREE]), most=st.integers(1, 3))
    def go_on(self, number: int, email: str, most: int) -> None:
        """Do what the page offers, some steps long: random steps alone seldom get anywhere."""
        for _step in range(most):
            known = self.knows(number)
            match known.state if known else S.EXPIRED:
                case S.STARTED | S.REFUSED:
                    self.give_address(number, email)
                case S.CODE_SENT if self.browsers[number].journey_id in self.codes:
                    self.enter_code(number, right=True)
                case S.CODE_SENT:
                    self.resend(number)
                case S.VERIFIED:
                    self.give_details(number)
                case S.EXPIRED | S.REJECTED | S.ABANDONED:
                    self.start_anew(number)

    def start_anew(self, number: int) -> None:
        self.browsers[number] = replace(self.browsers[number], journey_id=uuid7())
        self.visit(number)

    @rule(number=browsers, email=st.sampled_from([COMPANY, FREE, THROW_AWAY]))
    def give_address(self, number: int, email: str) -> None:
        visitor = self.at(number)
        if refusal := self.can(number, Act.GIVE_ADDRESS):
            with pytest.raises(refusal):
                visitor.gives(email)
            return
        journey_id = visitor.journey_id
        if email == THROW_AWAY:
            with pytest.raises(AddressRefused):
                visitor.gives(email)
            self.put(journey_id, state=S.REFUSED, email="", expires_at=self.expiry)
            self.codes.pop(journey_id, None)
            return
        visitor.gives(email)
        self.put(journey_id, state=S.CODE_SENT, email=email, expires_at=self.expiry)
        self.learn(journey_id, email)
        self.pass_time(1 / 60)

    def learn(self, journey_id: UUID, email: str) -> None:
        """A new code for a mailbox ends the one of any other journey."""
        self.codes = {
            other: code for other, code in self.codes.items() if self.model[other].email != email
        }
        self.codes[journey_id] = code_for(email)

    @rule(number=browsers)
    def resend(self, number: int) -> None:
        visitor = self.at(number)
        if refusal := self.can(number, Act.RESEND):
            with pytest.raises(refusal):
                visitor.wants_another_code()
            return
        visitor.wants_another_code()
        self.put(visitor.journey_id, expires_at=self.expiry)
        self.learn(visitor.journey_id, self.model[visitor.journey_id].email)
        self.pass_time(1 / 60)

    @rule(number=browsers, right=st.booleans())
    def enter_code(self, number: int, right: bool) -> None:
        visitor, known = self.at(number), self.knows(number)
        code = self.codes.get(visitor.journey_id, "") if right else "hello"
        if known is not None and known.state in RUNNING:
            assert visitor.enters(code).id == visitor.journey_id
            return
        refusal = self.can(number, Act.ENTER_CODE) or (None if code and right else CodeRefused)
        if refusal:
            with pytest.raises(refusal):
                visitor.enters(code)
            return
        assert known is not None
        self.proven(visitor, known, number)

    def proven(self, visitor: Visitor, known: Believed, number: int) -> None:
        running = [
            other
            for other, believed in self.model.items()
            if believed.email == known.email and believed.state in RUNNING
        ]
        goes_on = visitor.enters(self.codes.pop(visitor.journey_id))
        if running:
            assert goes_on.id == running[0]
            self.put(visitor.journey_id, state=S.ABANDONED, email="")
            self.put(running[0], browser=number, expires_at=self.expiry)
            self.browsers[number] = replace(self.browsers[number], journey_id=running[0])
        else:
            assert goes_on.id == visitor.journey_id
            self.put(visitor.journey_id, state=S.VERIFIED, expires_at=self.expiry)

    @rule(number=browsers)
    def give_details(self, number: int) -> None:
        visitor, known = self.at(number), self.knows(number)
        if known is not None and known.state in RUNNING - {S.VERIFIED}:
            assert visitor.tells(company="Another").state == known.state
            return
        if refusal := self.can(number, Act.GIVE_DETAILS):
            with pytest.raises(refusal):
                visitor.tells()
            return
        assert known is not None
        visitor.tells()
        if known.email == FREE:
            self.put(visitor.journey_id, state=S.AWAITING_APPROVAL)
        else:
            self.put(visitor.journey_id, state=S.ACCEPTED, tenants=1)

    @rule(yes=st.booleans(), pick=st.integers(0, 5))
    def review(self, yes: bool, pick: int) -> None:
        if not self.model:
            return
        registration_id = list(self.model)[pick % len(self.model)]
        known = self.model[registration_id]

        def answer() -> Registration:
            if yes:
                return services.approve(
                    registration_id=registration_id, actor=OPERATOR, now=self.now
                )
            return services.reject(
                registration_id=registration_id, reason="no", actor=OPERATOR, now=self.now
            )

        if known.state == S.AWAITING_APPROVAL:
            answer()
            self.put(
                registration_id,
                state=S.ACCEPTED if yes else S.REJECTED,
                tenants=1 if yes else 0,
            )
        elif (yes and known.tenants) or (not yes and known.state == S.REJECTED):
            assert answer().state == known.state
        else:
            with pytest.raises(NotNow):
                answer()

    @rule(
        state=st.sampled_from(["succeeded", "failed", "cancelled", "queued"]), heard=st.booleans()
    )
    def run(self, state: str, heard: bool) -> None:
        """Runs come to a state; the news may be late, and may come twice."""
        for registration_id, known in list(self.model.items()):
            if known.state not in {S.ACCEPTED, S.FAILED}:
                continue
            with tenancy.platform("test"), connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE provisioning_run SET state = %s, error_code = %s,"
                    " ended_at = CASE WHEN %s THEN now() END WHERE subject = %s"
                    " RETURNING tenant_id",
                    [
                        state,
                        Failure.NO_CAPACITY.value if state == "failed" else "",
                        state in ENDED_RUNS,
                        registration_id,
                    ],
                )
                (tenant_id,) = cursor.fetchone()
            if heard:
                for _time in range(2):
                    services.follow_run(tenant_id=tenant_id, now=self.now)
                to = {"succeeded": S.READY, "queued": S.ACCEPTED}.get(state, S.FAILED)
                self.put(registration_id, state=to)

    @rule(hours=st.sampled_from([0.1, 0.1, 5.0, 20.0]))
    def pass_time(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def expire(self) -> None:
        over = [
            registration_id
            for registration_id, known in self.model.items()
            if known.state in UNFINISHED and known.expires_at <= self.now
        ]
        assert services.expire(now=self.now) == len(over)
        for registration_id in over:
            self.put(registration_id, state=S.EXPIRED, email="")
            self.codes.pop(registration_id, None)

    @invariant()
    def rows_are_as_believed(self) -> None:
        with tenancy.platform("look"):
            rows = {row.id: (row.state, row.email) for row in Registration.objects.all()}
        assert rows == {key: (known.state, known.email) for key, known in self.model.items()}

    @invariant()
    def whoever_was_let_in_has_one_tenant_and_one_run(self) -> None:
        with tenancy.platform("look"):
            tenants, runs = Tenant.objects.count(), Run.objects.count()
        assert tenants == runs == sum(known.tenants for known in self.model.values())

    @invariant()
    def mailbox_has_one_running_registration(self) -> None:
        running = [known.email for known in self.model.values() if known.state in RUNNING]
        assert len(running) == len(set(running))

    @invariant()
    def funnel_has_no_gaps(self) -> None:
        with tenancy.platform("look"):
            events = list(FunnelEvent.objects.values_list("subject", "step"))
        for registration_id in self.model:
            reached = {ORDER.index(step) for subject, step in events if subject == registration_id}
            optional = {step.value for step in ORDER} & {"approved"}
            gaps = {n for n in range(max(reached)) if n not in reached}
            assert {ORDER[n].value for n in gaps} <= optional


@pytest.mark.usefixtures("db", "driver", "names")
def test_registrations_behave_as_the_model_says() -> None:
    run_state_machine_as_test(
        Trials,
        settings=searching(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
