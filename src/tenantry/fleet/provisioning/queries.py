"""Runs, steps, instances and conditions as others see them; inside `tenancy.scope` or `platform`.

Those with a tenant's id enter its scope themselves.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from tenantry.core import tenancy
from tenantry.core.errors import NotFound
from tenantry.fleet.provisioning.models import Condition, Instance, LogLine, Run, Step
from tenantry.fleet.provisioning.states import LIVE_RUNS, Desired, RunState


def run_of(tenant_id: UUID) -> Run | None:
    """Return a tenant's latest run."""
    with tenancy.scope(tenant_id):
        return Run.objects.filter(tenant_id=tenant_id).order_by("-created_at", "-id").first()


def get_run(run_id: UUID) -> Run:
    """Return one run, of whatever tenant; raises `NotFound`."""
    with tenancy.platform("find a run"):
        run = Run.objects.filter(id=run_id).first()
    if run is None:
        raise NotFound
    return run


def runs_of(tenant_id: UUID) -> list[Run]:
    """Return all runs of a tenant, the newest first."""
    with tenancy.scope(tenant_id):
        return list(Run.objects.filter(tenant_id=tenant_id).order_by("-created_at", "-id"))


def list_runs(*, state: RunState | None = None) -> QuerySet[Run]:
    """Return the runs in reach, the newest first."""
    runs = Run.objects.order_by("-created_at", "-id")
    return runs if state is None else runs.filter(state=state)


def list_live_runs() -> QuerySet[Run]:
    """Return the runs in reach that have not ended, the oldest first."""
    return Run.objects.filter(state__in=LIVE_RUNS).order_by("created_at", "id")


def runs_of_trace(trace_id: str) -> QuerySet[Run]:
    """Return the runs in reach that carry a trace id."""
    return Run.objects.filter(trace_id=trace_id).order_by("created_at", "id")


def steps_of(run: Run) -> list[Step]:
    """Return the steps of a run, in order."""
    with tenancy.scope(run.tenant_id):
        return list(Step.objects.filter(run_id=run.id).order_by("position"))


def lines_of(run: Run, *, after: UUID | None = None) -> list[LogLine]:
    """Return the log of a run in order, or what came after a line."""
    with tenancy.scope(run.tenant_id):
        lines = LogLine.objects.filter(step__run_id=run.id).select_related("step").order_by("id")
        return list(lines if after is None else lines.filter(id__gt=after))


def instance_of(tenant_id: UUID) -> Instance | None:
    """Return a tenant's instance."""
    with tenancy.scope(tenant_id):
        return Instance.objects.filter(tenant_id=tenant_id).first()


def list_instances(*, host_id: UUID | None = None) -> QuerySet[Instance]:
    """Return the instances in reach, by label; of one host or of all."""
    instances = Instance.objects.order_by("label")
    return instances if host_id is None else instances.filter(host_id=host_id)


def conditions_of(tenant_id: UUID) -> list[Condition]:
    """Return what is known of a tenant's instance, by type."""
    with tenancy.scope(tenant_id):
        return list(Condition.objects.filter(tenant_id=tenant_id).order_by("type"))


def list_unlooked(*, since: datetime) -> QuerySet[Instance]:
    """Return the instances in reach that should run and were not probed since a moment."""
    wanted = Instance.objects.filter(desired=Desired.RUNNING)
    return wanted.exclude(looked_at__gt=since).order_by("looked_at", "tenant_id")
