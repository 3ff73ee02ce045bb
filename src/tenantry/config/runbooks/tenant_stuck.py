"""A tenant does not become ready: find out why, and let its run go on."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tenantry.config.runbooks.finding import ACTOR, Finding, find_tenant
from tenantry.core import tenancy
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants.models import Tenant
from tenantry.fleet.provisioning import queries as runs
from tenantry.fleet.provisioning import services as provisioning
from tenantry.fleet.provisioning.models import Run, Step
from tenantry.fleet.provisioning.states import DONE_STEPS, LIVE_RUNS, RunState
from tenantry.work.automation import queries as automation

# A run that works changes its steps far more often.
STUCK_AFTER = timedelta(minutes=2)


def play(*, short_id: str, reason: str, dry_run: bool, now: datetime) -> Iterator[Finding]:
    """Look at one tenant's latest run, or with no `short_id` at all that are stuck; retry failed.

    Raises `NotFound` for an unknown tenant.
    """
    yield _workers(now)
    for tenant in _tenants(short_id, now):
        run = runs.run_of(tenant.id)
        name = f"{tenant.name} ({tenant.short_id})"
        if run is None:
            yield Finding(step=name, seen="no run was ever started for it")
            continue
        step = next((one for one in runs.steps_of(run) if one.state not in DONE_STEPS), None)
        yield Finding(step=name, seen=_told(tenant, run, step, now))
        if run.state == RunState.FAILED:
            act = f"retry the run from {step.name if step else 'its end'}"
            if not dry_run:
                provisioning.retry_run(run_id=run.id, actor=ACTOR, reason=reason, now=now)
            yield Finding(step=name, seen="the run has failed", act=act, done=not dry_run)


def _workers(now: datetime) -> Finding:
    alive = [beat for beat, lives in automation.list_processes(now=now) if lives]
    found = sum(1 for beat in alive if beat.kind == "worker")
    act = "" if found else "start one: systemctl restart tenantry@worker"
    return Finding(step="workers", seen=f"{found} alive", act=act)


def _tenants(short_id: str, now: datetime) -> list[Tenant]:
    if short_id:
        return [find_tenant(short_id)]
    with tenancy.platform("find the tenants that are stuck"):
        live = runs.list_live_runs().filter(created_at__lt=now - STUCK_AFTER)
        stuck = {run.tenant_id for run in live}
        stuck |= {run.tenant_id for run in runs.list_runs(state=RunState.FAILED)}
        return list(tenants.list_tenants().filter(id__in=stuck))


def _told(tenant: Tenant, run: Run, step: Step | None, now: datetime) -> str:
    age = int((now - run.created_at).total_seconds())
    told = f"tenant {tenant.state}, run {run.kind} {run.state} for {age} s"
    if step is None:
        return told
    waits = f", again at {step.next_try_at:%H:%M:%S}" if step.next_try_at else ""
    lost = run.state in LIVE_RUNS and step.lease_until and step.lease_until < now
    cause = f": {step.message}" if step.message else ""
    gone = "; its worker is gone, another takes it" if lost else ""
    return f"{told}; step {step.name} {step.state}, attempt {step.attempts}{waits}{cause}{gone}"
