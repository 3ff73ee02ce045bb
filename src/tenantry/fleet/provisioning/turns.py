"""Turns of a run: one step is claimed under a lease, worked on outside, and concluded.

Claiming and concluding are one transaction each, with the run's row locked first. Whoever lost the
lease can conclude nothing. Between the two nothing is held but the lease.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import Q

from tenantry.core import live, tenancy, trace
from tenantry.core.queue import defer, publish
from tenantry.customers.tenants import services as tenants
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.provisioning.failures import trouble
from tenantry.fleet.provisioning.messages import AdvanceRun, RunEnded
from tenantry.fleet.provisioning.models import LogLine, Run, Step
from tenantry.fleet.provisioning.states import (
    DONE_STEPS,
    RUN_MOVES,
    STEP_MOVES,
    UNDONE_STEPS,
    Level,
    RunKind,
    RunState,
    StepState,
)
from tenantry.fleet.provisioning.steps import WORK
from tenantry.fleet.provisioning.steps.work import Facts, Order, Work
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.audit.vocabulary import Action
from tenantry.ledger.funnel import services as funnel

LEASE = timedelta(seconds=15)
ACTOR = "system:provisioning"
_LONGEST = 500


class LeaseLost(Exception):
    """The step belongs to somebody else now; what this caller did is found again by its label."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One step to work on, and the names of those after it; `undoing` when the run is cancelled."""

    run: Run
    step: Step
    later: frozenset[str]
    undoing: bool

    @property
    def work(self) -> Work:
        """Return what the step does."""
        return WORK[self.step.name]


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Nothing to do before `until`; None: the run has ended, or somebody else is at it."""

    until: datetime | None = None


def claim(*, run_id: UUID, tenant_id: UUID, now: datetime) -> Claim | Rest:
    """Take the step that is due under a lease of 15 s; each goes to one caller."""
    with tenancy.scope(tenant_id):
        run = Run.objects.select_for_update(no_key=True).filter(id=run_id).first()
        if run is None or not run.is_live:
            return Rest()
        step = _due(run)
        if step is None:
            _end(run, RunState.CANCELLED if run.cancel_asked else RunState.SUCCEEDED, now)
            return Rest()
        if step.lease_until is not None and step.lease_until > now:
            return Rest()
        if step.next_try_at is not None and step.next_try_at > now:
            return Rest(until=step.next_try_at)
        if run.state != RunState.RUNNING:
            _move_run(run, RunState.RUNNING, now, {"started_at": run.started_at or now})
        undoing = run.cancel_asked
        _lease(step, now, undoing=undoing)
        if not undoing and run.kind == RunKind.CREATE:
            _begin_phase(run, step, now)
        tell(run)
        later = Step.objects.filter(run_id=run.id, position__gt=step.position)
        names = frozenset(later.values_list("name", flat=True))
    return Claim(run=run, step=step, later=names, undoing=undoing)


def _due(run: Run) -> Step | None:
    steps = Step.objects.filter(run_id=run.id)
    if run.cancel_asked:
        return steps.exclude(state__in=UNDONE_STEPS).order_by("-position").first()
    return steps.exclude(state__in=DONE_STEPS).order_by("position").first()


def _lease(step: Step, now: datetime, *, undoing: bool) -> None:
    taken_over = step.lease_token is not None
    fresh = {
        "attempts": step.attempts + 1,
        "lease_token": uuid4(),
        "lease_until": now + LEASE,
        "next_try_at": None,
        "since": step.since or now,
        "started_at": step.started_at or now,
    }
    if undoing or step.state == StepState.RUNNING:
        Step.objects.filter(id=step.id).update(**fresh)
        for name, value in fresh.items():
            setattr(step, name, value)
    else:
        _move_step(step, StepState.RUNNING, now, fresh)
    if taken_over:
        write(step, "taken over from a process that has gone", now, level=Level.WARNING)
    elif step.attempts == 1 and not undoing:
        write(step, "begun", now)


def _begin_phase(run: Run, step: Step, now: datetime) -> None:
    phase = WORK[step.name].phase
    if phase is not None:
        tenants.move_tenant(
            tenant_id=run.tenant_id, target=phase, actor=ACTOR, reason=run.reason, now=now
        )


def renew(given: Claim, *, now: datetime) -> bool:
    """Prolong the lease; returns whether the run was asked to be cancelled meanwhile.

    Raises `LeaseLost`.
    """
    step, run = given.step, given.run
    with tenancy.scope(run.tenant_id):
        mine = Step.objects.filter(id=step.id, lease_token=step.lease_token)
        if not mine.update(lease_until=now + LEASE):
            raise LeaseLost
        asked = Run.objects.filter(id=run.id).values_list("cancel_asked", flat=True).get()
    return bool(asked) and not given.undoing


def intend(given: Claim, facts: Facts) -> None:
    """Store what is about to be made outside; raises `LeaseLost`, and then nothing may be made."""
    step = given.step
    with tenancy.scope(step.tenant_id):
        mine = Step.objects.filter(id=step.id, lease_token=step.lease_token)
        if not mine.update(intent=dict(facts)):
            raise LeaseLost


def succeed(given: Claim, order: Order, result: Facts, *, now: datetime) -> None:
    """Complete the step with what changes inside, and the run with its last step.

    Of a run that is to be cancelled nothing more changes inside. Raises `LeaseLost`, `GoBack`.
    """
    # A copy: when what changes inside is refused, the claim still stands.
    step, work = copy(given.step), given.work
    with tenancy.scope(step.tenant_id):
        run = _locked(given)
        _conclude(step, StepState.SUCCEEDED, now, {"result": dict(result), "ended_at": now})
        write(step, "done", now)
        if not run.cancel_asked:
            work.settle(order, result)
            if work.funnel is not None and run.subject is not None:
                funnel.record(
                    step=work.funnel, subject=run.subject, at=now, tenant_id=run.tenant_id
                )
            if _due(run) is None:
                _end(run, RunState.SUCCEEDED, now)
        tell(run)


def go_back(given: Claim, *, to: str, now: datetime) -> None:
    """Do an earlier step again, and this one after it."""
    step = given.step
    with tenancy.scope(step.tenant_id):
        run = _locked(given)
        _conclude(step, StepState.PENDING, now, {})
        earlier = Step.objects.get(run_id=run.id, name=to)
        _move_step(earlier, StepState.PENDING, now, {})
        write(step, f"back to {to}: what it showed is too old", now, level=Level.WARNING)
        tell(run)


def wait(
    given: Claim, *, code: str, detail: str, until: datetime, tries: int, now: datetime
) -> None:
    """Try the step again at a moment, and have a message sent then."""
    step = given.step
    noted = _noted(code, detail) | {"next_try_at": until, "attempts": step.attempts + tries - 1}
    with tenancy.scope(step.tenant_id):
        run = _locked(given)
        if run.cancel_asked and not given.undoing:
            noted["next_try_at"] = now
        if given.undoing and step.state != StepState.RUNNING:
            _release(step, noted)
        else:
            _conclude(step, StepState.WAITING, now, noted)
        write(step, f"{code}: {detail}" if detail else code, now, level=Level.WARNING)
        if run.state == RunState.RUNNING:
            _move_run(run, RunState.WAITING, now, {"error_code": noted["error_code"]})
        send(run, at=until)
        tell(run)


def fail(given: Claim, *, code: str, detail: str, now: datetime) -> None:
    """Give the step up, and the run with it; an operator can retry or cancel it."""
    step = given.step
    noted = _noted(code, detail)
    with tenancy.scope(step.tenant_id):
        run = _locked(given)
        if given.undoing and step.state not in {StepState.RUNNING, StepState.WAITING}:
            _release(step, noted)
        else:
            _conclude(step, StepState.FAILED, now, noted | {"ended_at": now})
        write(step, f"given up: {code} {detail}".strip(), now, level=Level.ERROR)
        if run.cancel_asked and not given.undoing:
            # What was given up is undone like all the rest.
            tell(run)
            return
        _end(run, RunState.FAILED, now, {"error_code": noted["error_code"]})
        tell(run)


def undone(given: Claim, *, now: datetime) -> None:
    """Complete the undoing of a step, and of the run with its first one."""
    step = given.step
    with tenancy.scope(step.tenant_id):
        run = _locked(given)
        _conclude(step, StepState.COMPENSATED, now, {"ended_at": now})
        write(step, "undone", now)
        if _due(run) is None:
            _end(run, RunState.CANCELLED, now)
        tell(run)


def _locked(given: Claim) -> Run:
    return Run.objects.select_for_update(no_key=True).get(id=given.run.id)


def _noted(code: str, detail: str) -> dict[str, object]:
    return {"error_code": str(trouble(code).code), "message": detail[:_LONGEST]}


_FREE: Mapping[str, object] = {"lease_token": None, "lease_until": None}


def _conclude(step: Step, target: StepState, now: datetime, extra: Mapping[str, object]) -> None:
    clean = {"error_code": "", "message": "", "next_try_at": None}
    try:
        _move_step(
            step, target, now, {**clean, **_FREE, **extra}, guard=Q(lease_token=step.lease_token)
        )
    except Stale as error:
        raise LeaseLost from error


def _release(step: Step, noted: Mapping[str, object]) -> None:
    mine = Step.objects.filter(id=step.id, lease_token=step.lease_token)
    if not mine.update(**_FREE, **noted):
        raise LeaseLost


def _move_step(
    step: Step,
    target: StepState,
    now: datetime,
    extra: Mapping[str, object],
    *,
    guard: Q | None = None,
) -> None:
    lifecycle.transition(
        step,
        field="state",
        target=target,
        moves=STEP_MOVES,
        action=Action.PROVISIONING_STEP_CHANGED,
        actor=ACTOR,
        at=now,
        tenant_id=step.tenant_id,
        body={"step": step.name, "code": extra.get("error_code", "")},
        guard=guard,
        extra=extra,
    )


def _move_run(run: Run, target: RunState, now: datetime, extra: Mapping[str, object]) -> None:
    lifecycle.transition(
        run,
        field="state",
        target=target,
        moves=RUN_MOVES,
        action=Action.PROVISIONING_RUN_CHANGED,
        actor=ACTOR,
        at=now,
        tenant_id=run.tenant_id,
        body={"kind": run.kind},
        extra={"error_code": "", **extra},
    )


def _end(
    run: Run, target: RunState, now: datetime, extra: Mapping[str, object] | None = None
) -> None:
    if run.state != RunState.RUNNING:
        _move_run(run, RunState.RUNNING, now, {})
    _move_run(run, target, now, {"ended_at": now, **(extra or {})})
    if run.kind == RunKind.CREATE and target != RunState.SUCCEEDED:
        tenants.move_tenant(
            tenant_id=run.tenant_id,
            target=TenantState.FAILED,
            actor=ACTOR,
            reason=run.error_code or run.cancel_reason,
            now=now,
        )
    publish(
        RunEnded(
            run_id=run.id,
            tenant_id=run.tenant_id,
            kind=run.kind,
            state=target,
            error_code=run.error_code,
        )
    )
    live.notify("console", kind="run")


def send(run: Run, *, at: datetime | None = None) -> None:
    """Have somebody go on with a run, under its own trace; many wishes at once are one.

    No lock: the lease of a step keeps others away, and a message for later stands in no one's way.
    """
    when = "later" if at else "now"
    with trace.rejoin(run.trace_id):
        advance = AdvanceRun(run_id=run.id, tenant_id=run.tenant_id)
        defer(advance, queueing_lock=f"run:{run.id}:{when}", at=at)


def write(step: Step, text: str, now: datetime, *, level: Level = Level.INFO) -> None:
    """Add a line to the step's log, in the caller's transaction."""
    LogLine.objects.create(
        tenant_id=step.tenant_id, step_id=step.id, at=now, level=level, text=text[:_LONGEST]
    )


def say(given: Claim, text: str, *, now: datetime) -> None:
    """Add a line to the step's log and show it at once."""
    with tenancy.scope(given.step.tenant_id):
        write(given.step, text, now)
        tell(given.run)


def tell(run: Run) -> None:
    """Tell open pages that something about a run has changed."""
    live.notify(f"tenant:{run.tenant_id}", kind="run")
