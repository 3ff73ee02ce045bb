"""A customer leaves: stop and archive the instance, and prove that nothing of it runs on."""

import time
from collections.abc import Iterator
from datetime import datetime

from tenantry.config.runbooks.finding import ACTOR, Finding, find_tenant
from tenantry.core import tenancy
from tenantry.core.errors import Unavailable
from tenantry.customers.tenants.models import Tenant
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.gateway import queries as gateway
from tenantry.fleet.provisioning import queries as runs
from tenantry.fleet.provisioning import services as provisioning
from tenantry.fleet.provisioning.models import Run
from tenantry.fleet.provisioning.states import LIVE_RUNS, RunKind

PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.25


def play(
    *,
    short_id: str,
    reason: str,
    dry_run: bool,
    now: datetime,
    patience: float = PATIENCE_SECONDS,
) -> Iterator[Finding]:
    """Archive a tenant and wait until its instance is gone; its data is kept.

    Raises `NotFound` for an unknown tenant, what `start_run` refuses, and `Unavailable` when the
    run takes longer than `patience` seconds.
    """
    tenant = find_tenant(short_id)
    yield Finding(step="tenant", seen=f"{tenant.name}: {tenant.state}")
    instance = runs.instance_of(tenant.id)
    seen = f"{instance.label}: {instance.observed}" if instance else "it has none"
    yield Finding(step="instance", seen=seen)
    if tenant.state == TenantState.ARCHIVED:
        return
    act = "archive it: close its route, stop and remove its process, lock its database"
    if dry_run:
        yield Finding(step="archive", seen="not started", act=act)
        return
    run = provisioning.start_run(
        tenant_id=tenant.id, kind=RunKind.ARCHIVE, actor=ACTOR, reason=reason, now=now
    )
    ended = _ended(run, patience)
    yield Finding(step="archive", seen=f"run {ended.state}", act=act, done=True)
    yield Finding(step="proof", seen=_left(tenant))


def _ended(run: Run, patience: float) -> Run:
    deadline = time.monotonic() + patience
    while run.state in LIVE_RUNS:
        if time.monotonic() > deadline:
            raise Unavailable(part="worker")
        time.sleep(_POLL_SECONDS)
        run = runs.get_run(run.id)
    return run


def _left(tenant: Tenant) -> str:
    instance = runs.instance_of(tenant.id)
    with tenancy.scope(tenant.id):
        hosts = [route.host for route in gateway.list_routes(tenant.id)]
    process = instance.observed if instance else "none"
    return f"process: {process}; routes: {', '.join(hosts) or 'none'}"
