"""Verbs: starting, cancelling and retrying runs."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from tenantry.core import tenancy, trace
from tenantry.core.ids import uuid7
from tenantry.customers.tenants import queries as tenants
from tenantry.fleet.hosts import queries as hosts
from tenantry.fleet.provisioning import queries, recipes, turns
from tenantry.fleet.provisioning.errors import (
    RunInProgress,
    RunNotAllowed,
    RunNotCancellable,
    RunNotFailed,
    RunOvertaken,
    RunReasonMissing,
    StepUnknown,
)
from tenantry.fleet.provisioning.models import Run, Step
from tenantry.fleet.provisioning.states import (
    RUN_MOVES,
    STEP_MOVES,
    RunKind,
    RunState,
    StepState,
)
from tenantry.fleet.provisioning.steps import BEGIN_FROM, CANCELLABLE, plan
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action

_FRESH: Mapping[str, object] = {"since": None, "attempts": 0, "error_code": "", "message": ""}


def start_run(
    *,
    tenant_id: UUID,
    kind: str,
    actor: str,
    reason: str,
    now: datetime,
    subject: UUID | None = None,
    region: str = "",
    recipe: str = "",
) -> Run:
    """Begin a run of a kind of `states.RunKind`, in the caller's transaction; returns it.

    `recipe` empty means the instance's own, or the first installed one; `region` empty means where
    the instance is, or anywhere. Refuses: `RunInProgress`, `RunNotAllowed`, `RecipeUnknown`,
    `NotFound`; `RunReasonMissing` when an operator gives none.
    """
    _require_reason(actor, reason)
    tenant = tenants.get_tenant(tenant_id)
    instance = queries.instance_of(tenant_id)
    run = Run(
        id=uuid7(),
        tenant_id=tenant_id,
        kind=RunKind(kind),
        subject=subject,
        region=region or _region_of(tenant_id),
        recipe=recipes.recipe_of(recipe or (instance.recipe if instance else "")).slug,
        reason=reason.strip(),
        actor=actor,
        trace_id=trace.current().trace_id,
        created_at=now,
    )
    with tenancy.scope(tenant_id):
        Run.objects.bulk_create([run], ignore_conflicts=True)
        if not Run.objects.filter(id=run.id).exists():
            raise RunInProgress
        if tenant.state not in BEGIN_FROM[kind]:
            raise RunNotAllowed(state=tenant.get_state_display())
        _lay_out(run, plan(kind=kind, tenant_state=tenant.state))
        _record(run, Action.PROVISIONING_RUN_STARTED, actor, reason, now)
        turns.send(run)
        turns.tell(run)
    return run


def _lay_out(run: Run, names: tuple[str, ...]) -> None:
    Step.objects.bulk_create(
        Step(
            id=uuid7(),
            tenant_id=run.tenant_id,
            run=run,
            position=position,
            name=name,
            state=StepState.PENDING,
        )
        for position, name in enumerate(names)
    )


def _region_of(tenant_id: UUID) -> str:
    lease = hosts.find_lease(tenant_id)
    if lease is not None:
        return lease.host.region
    last = queries.run_of(tenant_id)
    return last.region if last else ""


def cancel_run(*, run_id: UUID, actor: str, reason: str, now: datetime) -> None:
    """Ask that all a run has made is undone; a failed run is undone too.

    Refuses: `RunNotCancellable`, `RunOvertaken`, `RunReasonMissing`, `NotFound`.
    """
    _require_reason(actor, reason)
    found = queries.get_run(run_id)
    with tenancy.scope(found.tenant_id):
        run = _locked(found)
        if run.cancel_asked or not (run.is_live or run.state == RunState.FAILED):
            raise RunNotCancellable
        begun = Step.objects.filter(run_id=run.id).exclude(state=StepState.PENDING)
        if run.kind not in CANCELLABLE and begun.exists():
            raise RunNotCancellable
        asked = {"cancel_asked": True, "cancel_reason": reason.strip()}
        if run.state == RunState.FAILED:
            _queue_again(run, Action.PROVISIONING_RUN_CANCELLED, actor, reason, now, extra=asked)
        else:
            Run.objects.filter(id=run.id).update(**asked)
            _record(run, Action.PROVISIONING_RUN_CANCELLED, actor, reason, now)
        begun.update(since=None, attempts=0, next_try_at=now)
        turns.send(run)
        turns.tell(run)


def retry_run(
    *,
    run_id: UUID,
    actor: str,
    reason: str,
    now: datetime,
    from_step: str = "",
) -> None:
    """Let a failed run go on from the step that failed, or from an earlier one.

    A run that failed while it was undone goes on with that. Refuses: `RunNotFailed`,
    `RunOvertaken`, `StepUnknown`, `RunReasonMissing`, `NotFound`.
    """
    _require_reason(actor, reason)
    found = queries.get_run(run_id)
    with tenancy.scope(found.tenant_id):
        run = _locked(found)
        if run.state != RunState.FAILED:
            raise RunNotFailed
        for step in _to_do_again(run, from_step):
            lifecycle.transition(
                step,
                field="state",
                target=StepState.PENDING,
                moves=STEP_MOVES,
                action=Action.PROVISIONING_STEP_CHANGED,
                actor=actor,
                at=now,
                tenant_id=run.tenant_id,
                reason=reason.strip(),
                body={"step": step.name},
                extra={**_FRESH, "ended_at": None},
            )
        Step.objects.filter(run_id=run.id).update(**_FRESH)
        again = {"attempts": run.attempts + 1}
        _queue_again(run, Action.PROVISIONING_RUN_RETRIED, actor, reason, now, extra=again)
        turns.send(run)
        turns.tell(run)


def _to_do_again(run: Run, from_step: str) -> list[Step]:
    reached = [
        step
        for step in Step.objects.filter(run_id=run.id).order_by("position")
        if step.state in {StepState.SUCCEEDED, StepState.FAILED}
    ]
    if run.cancel_asked:
        if from_step:
            raise StepUnknown(step=from_step)
        return []
    if not from_step:
        return [step for step in reached if step.state == StepState.FAILED]
    again = [step for step in reached if step.name == from_step]
    if not again:
        raise StepUnknown(step=from_step)
    return [step for step in reached if step.position >= again[0].position]


def _queue_again(
    run: Run,
    action: Action,
    actor: str,
    reason: str,
    now: datetime,
    *,
    extra: Mapping[str, object],
) -> None:
    try:
        with transaction.atomic():
            lifecycle.transition(
                run,
                field="state",
                target=RunState.QUEUED,
                moves=RUN_MOVES,
                action=action,
                actor=actor,
                at=now,
                tenant_id=run.tenant_id,
                reason=reason.strip(),
                body={"kind": run.kind},
                extra={"error_code": "", "ended_at": None, **extra},
            )
    except IntegrityError as error:
        raise RunInProgress from error


def _locked(found: Run) -> Run:
    run = Run.objects.select_for_update(no_key=True).get(id=found.id)
    if Run.objects.filter(created_at__gt=run.created_at).exists():
        raise RunOvertaken
    return run


def _require_reason(actor: str, reason: str) -> None:
    if actor.startswith("operator:") and not reason.strip():
        raise RunReasonMissing


def _record(run: Run, action: Action, actor: str, reason: str, now: datetime) -> None:
    audit.append(
        action=action,
        tenant_id=run.tenant_id,
        actor=actor,
        target=("run", str(run.id)),
        at=now,
        reason=reason.strip(),
        body={"kind": run.kind, "recipe": run.recipe, "region": run.region},
    )
