"""After activation: looking at living instances, and sending on the runs that nobody works on."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from tenantry.core import tenancy
from tenantry.core.gates import Verdict, first_closed
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants import services as tenant_services
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.domains import queries as domains
from tenantry.fleet.gateway import queries as routes
from tenantry.fleet.gateway import services as gateway
from tenantry.fleet.gateway.states import RouteState
from tenantry.fleet.provisioning import conditions, drivers, instances, queries, turns
from tenantry.fleet.provisioning.drivers.compute import ComputeDriver, DriverError
from tenantry.fleet.provisioning.models import Instance, Step
from tenantry.fleet.provisioning.states import ConditionType

ACTOR = "system:provisioning"
LOOK_EVERY = timedelta(seconds=15)
# A full look, log-in and mail included, costs the application more.
PROVE_EVERY = timedelta(minutes=10)
_AT_ONCE = 200
_LIVING = frozenset({TenantState.ACTIVE, TenantState.DEGRADED})
_LOOKS = frozenset({ConditionType.ALIVE, ConditionType.CANONICAL_HOST, ConditionType.ROUTE})


def send_on(*, now: datetime) -> int:
    """Send on every live run that is due and that nobody works on; returns how many.

    Their message was lost, or its worker died; sent twice, one of the two finds nothing to do.
    """
    busy = Step.objects.filter(run_id=OuterRef("id")).filter(
        Q(lease_until__gt=now) | Q(next_try_at__gt=now)
    )
    with tenancy.platform("send on runs that nobody works on"):
        idle = list(queries.list_live_runs().exclude(Exists(busy))[:_AT_ONCE])
        for run in idle:
            turns.send(run)
    return len(idle)


def send_looks(*, now: datetime) -> int:
    """Have every instance looked at that was not for 15 s; returns how many."""
    with tenancy.platform("look at living instances"):
        due = list(queries.list_unlooked(since=now - LOOK_EVERY)[:_AT_ONCE])
        for instance in due:
            instances.look_soon(instance.tenant_id)
    return len(due)


def look(*, tenant_id: UUID, now: datetime) -> None:
    """Look at one living instance; its tenant is DEGRADED while a condition does not hold.

    Where a run is at work, or the tenant is not living, nothing is looked at.
    """
    instance = queries.instance_of(tenant_id)
    run = queries.run_of(tenant_id)
    if instance is None or (run is not None and run.is_live):
        return
    if tenants.get_tenant(tenant_id).state not in _LIVING:
        return
    driver = drivers.current()
    instance = _follow_upstream(instance, driver, now)
    asked = frozenset(ConditionType) if _proof_is_old(tenant_id, now) else _LOOKS
    verdicts = conditions.look(instance=instance, driver=driver, asked=asked, now=now)
    judge(tenant_id=tenant_id, verdicts=verdicts, now=now)


def _proof_is_old(tenant_id: UUID, now: datetime) -> bool:
    known = queries.conditions_of(tenant_id)
    # What did not hold is looked at until it does.
    return any(
        one.type not in _LOOKS and (one.reason or now - one.checked_at >= PROVE_EVERY)
        for one in known
    )


def _follow_upstream(instance: Instance, driver: ComputeDriver, now: datetime) -> Instance:
    """Let the route follow an instance that came back on another port."""
    try:
        found = driver.find_instance(label=instance.label)
    except DriverError:
        return instance
    domain = domains.find_canonical(instance.tenant_id)
    if found is None or not found.upstream or domain is None:
        return instance
    route = routes.find_route(domain.host)
    with tenancy.scope(instance.tenant_id):
        if found.upstream != instance.upstream:
            port = int(found.upstream.rpartition(":")[2])
            fresh = {"upstream": found.upstream, "port": port, "pid": found.pid}
            Instance.objects.filter(tenant_id=instance.tenant_id).update(**fresh)
            instance.upstream = found.upstream
        if route is not None and route.upstream != found.upstream:
            gateway.put_route(
                tenant_id=instance.tenant_id,
                host=domain.host,
                upstream=found.upstream,
                state=RouteState(route.state),
                now=now,
            )
    return instance


def judge(*, tenant_id: UUID, verdicts: tuple[Verdict, ...], now: datetime) -> bool:
    """Let the tenant's state say what was seen; returns whether it changed.

    It comes back only when no stored condition is broken either.
    """
    with tenancy.scope(tenant_id):
        run = queries.run_of(tenant_id)
        if run is not None and run.is_live:
            return False
        closed = first_closed(verdicts)
        broken = [one.reason for one in queries.conditions_of(tenant_id) if one.reason]
        reason = closed.code if closed else next(iter(broken), "")
        state = tenants.get_tenant(tenant_id).state
        target = TenantState.DEGRADED if reason else TenantState.ACTIVE
        if state not in _LIVING or state == target:
            return False
        return tenant_services.move_tenant(
            tenant_id=tenant_id, target=target, actor=ACTOR, reason=reason, now=now
        )
