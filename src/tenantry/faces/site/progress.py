"""How far a registration's set-up is, as its page shows it."""

from dataclasses import dataclass
from datetime import datetime

from tenantry.core.errors import Text
from tenantry.customers.tenants import capabilities
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants.capabilities import Capability
from tenantry.faces.site import words
from tenantry.faces.site.words import Hitch
from tenantry.fleet.domains import queries as domains
from tenantry.fleet.provisioning import queries
from tenantry.fleet.provisioning.models import Condition, Run, Step
from tenantry.fleet.provisioning.states import (
    ConditionStatus,
    ConditionType,
    RunKind,
    RunState,
    StepState,
)
from tenantry.journeys.onboarding.capabilities import Act
from tenantry.journeys.onboarding.models import Registration
from tenantry.journeys.onboarding.states import RegistrationState

_LOOKS = {
    StepState.PENDING: "later",
    StepState.RUNNING: "now",
    StepState.WAITING: "now",
    StepState.SUCCEEDED: "done",
    StepState.SKIPPED: "done",
    StepState.FAILED: "bad",
    StepState.COMPENSATED: "later",
}
_READINESS = "readiness"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that is tried, and whether it works by now."""

    text: Text
    proven: bool


@dataclass(frozen=True, kw_only=True)
class StepShown:
    """One step: `look` is done, now, bad or later; `elapsed` seconds are set while it runs."""

    name: str
    title: Text
    doing: Text
    look: str
    took: str
    elapsed: float | None
    hitch: Hitch | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Everything on the page: `moving` is whether there may be news."""

    steps: tuple[StepShown, ...]
    moving: bool
    took: str = ""
    elapsed: float | None = None
    address: str = ""
    can_open: bool = False
    stopped: Hitch | None = None

    @property
    def done(self) -> int:
        """Return how many steps are done."""
        return sum(step.look == "done" for step in self.steps)

    @property
    def current(self) -> StepShown | None:
        """Return the step that is being done."""
        return next((step for step in self.steps if step.look == "now"), None)


def progress_of(registration: Registration, *, now: datetime) -> Progress:
    """Return how far it is; without a tenant there is nothing to show yet."""
    moving = registration.state in {
        RegistrationState.AWAITING_APPROVAL,
        RegistrationState.ACCEPTED,
        RegistrationState.FAILED,
    }
    tenant_id = registration.tenant_id
    if tenant_id is None:
        return Progress(steps=(), moving=moving)
    runs = queries.runs_of(tenant_id)
    run = next((run for run in runs if run.kind == RunKind.CREATE), None)
    conditions = _in_order(queries.conditions_of(tenant_id))
    rows = queries.steps_of(run) if run else []
    due = _due(rows) if run and run.state == RunState.RUNNING else None
    steps = tuple(_shown(row, conditions, now, is_due=row == due) for row in rows)
    domain = domains.find_canonical(tenant_id)
    state = tenants.get_tenant(tenant_id).state
    ready = registration.can(Act.ENTER)
    lasted = ((run.ended_at or now) - run.created_at).total_seconds() if run else 0.0
    return Progress(
        steps=steps,
        moving=moving,
        took=words.seconds(lasted) if run else "",
        elapsed=lasted if run and run.is_live else None,
        address=domains.public_url(domain.host) if domain and ready else "",
        can_open=ready and capabilities.allows(state, Capability.RUN_WORK),
        stopped=_stopped(registration, run),
    )


def _in_order(conditions: list[Condition]) -> list[Condition]:
    """Return them as they are tried: from the process outwards."""
    order = list(ConditionType)
    return sorted(conditions, key=lambda one: order.index(ConditionType(one.type)))


def _stopped(registration: Registration, run: Run | None) -> Hitch | None:
    if registration.state != RegistrationState.FAILED:
        return None
    return words.stopped(run.error_code if run else "")


def _due(steps: list[Step]) -> Step | None:
    """Return the step that a run is about to take, between two others."""
    if any(_LOOKS[StepState(step.state)] == "now" for step in steps):
        return None
    return next((step for step in steps if step.state == StepState.PENDING), None)


def _shown(step: Step, conditions: list[Condition], now: datetime, *, is_due: bool) -> StepShown:
    said, look = words.step(step.name), "now" if is_due else _LOOKS[StepState(step.state)]
    until = step.ended_at or now
    lasted = (until - step.started_at).total_seconds() if step.started_at else None
    return StepShown(
        name=step.name,
        title=said.title,
        doing=said.doing,
        look=look,
        took=words.seconds(lasted) if lasted is not None and look != "later" else "",
        elapsed=lasted if look == "now" else None,
        hitch=words.hitch(step.error_code) if look == "now" else None,
        checks=_checks(step, conditions) if look == "now" else (),
    )


def _checks(step: Step, conditions: list[Condition]) -> tuple[Check, ...]:
    if step.name != _READINESS:
        return ()
    return tuple(
        Check(text=words.check(one.type), proven=one.status == ConditionStatus.TRUE)
        for one in conditions
    )
