"""Steps that make what a tenant's instance needs, and undo that again."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from tenantry.core import tenancy
from tenantry.core.errors import DomainError
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants import services as tenant_services
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.domains import queries as domains
from tenantry.fleet.domains import services as domain_services
from tenantry.fleet.domains.errors import HostNameTaken
from tenantry.fleet.domains.states import DomainState
from tenantry.fleet.gateway import services as gateway
from tenantry.fleet.gateway.states import RouteState
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.hosts.errors import HostNotVisible, NoCapacity, RegionUnknown
from tenantry.fleet.hosts.placement import Demand
from tenantry.fleet.provisioning import instances, queries, recipes
from tenantry.fleet.provisioning.drivers.compute import AlreadyThere, DatabaseFound, InstanceFound
from tenantry.fleet.provisioning.failures import Failure
from tenantry.fleet.provisioning.models import Instance
from tenantry.fleet.provisioning.states import Desired, Observed, RunKind
from tenantry.fleet.provisioning.steps.work import Done, Facts, NotYet, Order, Outcome, Work
from tenantry.ledger.funnel.states import Step as FunnelStep

ACTOR = "system:provisioning"
_REFUSALS: Mapping[type[DomainError], Failure] = MappingProxyType(
    {
        NoCapacity: Failure.NO_CAPACITY,
        HostNotVisible: Failure.HOST_NOT_VISIBLE,
        RegionUnknown: Failure.REGION_UNKNOWN,
    }
)


def instance_of(order: Order) -> Instance:
    """Return the instance of the run's tenant, which a step before has made."""
    found = queries.instance_of(order.tenant_id)
    if found is None:
        message = "a step before this one makes the instance"
        raise LookupError(message)
    return found


def label_of(order: Order) -> str:
    """Return what everything of the run's tenant is called outside."""
    return instances.label_of(tenants.get_tenant(order.tenant_id).short_id)


def move(order: Order, target: TenantState) -> None:
    """Bring the run's tenant into a state, for the run's reason."""
    tenant_services.move_tenant(
        tenant_id=order.tenant_id,
        target=target,
        actor=ACTOR,
        reason=order.run.reason,
        now=order.now,
    )


def _place(order: Order) -> Outcome:
    recipe = recipes.recipe_of(order.run.recipe)
    demand = Demand(
        region=order.run.region,
        cpu_milli=recipe.needs.cpu_milli,
        memory_mb=recipe.needs.memory_mb,
        disk_mb=recipe.needs.disk_mb,
    )
    try:
        lease = hosts.reserve(tenant_id=order.tenant_id, demand=demand, now=order.now)
    except (NoCapacity, HostNotVisible, RegionUnknown) as error:
        return NotYet(code=_REFUSALS[type(error)], detail=error.text())
    return Done(result={"host_id": str(lease.host_id)})


def _settle_place(order: Order, result: Facts) -> None:
    label = label_of(order)
    recipe = recipes.recipe_of(order.run.recipe)
    placed = {"host_id": result["host_id"], "recipe": recipe.slug, "version": recipe.version}
    with tenancy.scope(order.tenant_id):
        Instance.objects.update_or_create(
            tenant_id=order.tenant_id,
            defaults=placed,
            create_defaults={**placed, "label": label, "created_at": order.now},
        )
    if order.run.kind == RunKind.CREATE:
        move(order, TenantState.PLACED)


def _undo_place(order: Order) -> Outcome:
    reason = order.run.cancel_reason
    hosts.release(tenant_id=order.tenant_id, now=order.now, reason=reason)
    # What comes back from the archive has data, and keeps the passwords to them.
    if order.run.kind == RunKind.CREATE:
        instances.forget(tenant_id=order.tenant_id, actor=ACTOR, reason=reason, now=order.now)
    return Done()


def keep_place(order: Order) -> Outcome | None:
    """Confirm what is held before anything is made there; held no more, it is placed anew."""
    placed = _place(order)
    if not isinstance(placed, Done):
        return placed
    with tenancy.scope(order.tenant_id):
        hosts.confirm(tenant_id=order.tenant_id, now=order.now)
        Instance.objects.filter(tenant_id=order.tenant_id).update(host_id=placed.result["host_id"])
    return None


def _database(order: Order) -> Outcome:
    refused = keep_place(order)
    if refused is not None:
        return refused
    instance = instances.ensure_secrets(tenant_id=order.tenant_id, now=order.now)
    if order.intent and (found := order.driver.find_database(label=instance.label)):
        order.say(f"found database {found.name} that was made before")
        return _database_done(found, adopted=True)
    if not order.driver.template_ready(recipe=instance.recipe):
        return NotYet(code=Failure.TEMPLATE_MISSING)
    order.intend({"label": instance.label})
    try:
        found = order.driver.create_database(
            label=instance.label,
            recipe=instance.recipe,
            password=instances.database_password(instance),
        )
    except AlreadyThere:
        adopted = order.driver.find_database(label=instance.label)
        if adopted is None:
            return NotYet(code=Failure.DATABASE_UNREACHABLE, detail="there, and not there")
        return _database_done(adopted, adopted=True)
    order.say(f"made database {found.name}")
    return _database_done(found, adopted=False)


def _database_done(found: DatabaseFound, *, adopted: bool) -> Done:
    return Done(result={"database": found.name, "adopted": adopted})


def _settle_database(order: Order, result: Facts) -> None:
    with tenancy.scope(order.tenant_id):
        Instance.objects.filter(tenant_id=order.tenant_id).update(database=result["database"])


def _undo_database(order: Order) -> Outcome:
    order.driver.remove_database(label=label_of(order))
    order.say("removed database and role")
    return Done()


def _instance(order: Order) -> Outcome:
    label = instance_of(order).label
    found = order.driver.find_instance(label=label) if order.intent else None
    if found is None:
        order.intend({"label": label})
        try:
            order.driver.create_instance(label=label, tenant_id=order.tenant_id)
        except AlreadyThere:
            order.say("found an instance that was made before")
        else:
            order.say("asked the host for an instance")
        found = order.driver.find_instance(label=label)
    return running(found)


def running(found: InstanceFound | None) -> Outcome:
    """Say whether an instance runs and its address is known, or what is missing."""
    if found is None:
        return NotYet(code=Failure.INSTANCE_GONE)
    if found.observed in {Observed.DEAD, Observed.STOPPED}:
        return NotYet(code=Failure.INSTANCE_DEAD, detail=found.observed)
    if found.observed != Observed.RUNNING or not found.upstream:
        return NotYet(code=Failure.INSTANCE_STARTING, detail=found.observed)
    return Done(result={"upstream": found.upstream, "pid": found.pid})


def settle_running(order: Order, result: Facts) -> None:
    """Keep where the instance answers."""
    seen = {"upstream": result["upstream"], "port": int(result["upstream"].rpartition(":")[2])}
    seen |= {"pid": result["pid"], "observed": Observed.RUNNING, "desired": Desired.RUNNING}
    with tenancy.scope(order.tenant_id):
        Instance.objects.filter(tenant_id=order.tenant_id).update(**seen)


def remove_instance(order: Order) -> Outcome:
    """Ask for process and folder to go, and see that they went."""
    label = label_of(order)
    # Asked whatever is found: of one that was cut off while it was made, not all is.
    order.driver.remove_instance(label=label)
    if (found := order.driver.find_instance(label=label)) is not None:
        return NotYet(code=Failure.INSTANCE_STOPPING, detail=found.observed)
    order.say("the instance is gone")
    return Done()


def _domain(order: Order) -> Outcome:
    short_id = tenants.get_tenant(order.tenant_id).short_id
    try:
        domain = domain_services.claim_canonical(
            tenant_id=order.tenant_id, short_id=short_id, now=order.now
        )
    except HostNameTaken as error:
        return NotYet(code=Failure.HOST_NAME_TAKEN, detail=error.text())
    if domain.state != DomainState.ACTIVE:
        domain_services.activate_domain(tenant_id=order.tenant_id, host=domain.host, now=order.now)
    return Done(result={"host": domain.host})


def release_domain(order: Order) -> Outcome:
    """Give the tenant's host names back."""
    reason = order.run.cancel_reason or order.run.reason
    domain_services.release_domains(tenant_id=order.tenant_id, reason=reason, now=order.now)
    return Done()


def _route(order: Order) -> Outcome:
    return lead(order, RouteState.SERVING)


def lead(order: Order, state: RouteState) -> Outcome:
    """Let the gateway lead the tenant's host name to its instance, or show that it is closed."""
    domain = domains.find_canonical(order.tenant_id)
    if domain is None:
        return NotYet(code=Failure.HOST_NAME_TAKEN, detail="no host name", retryable=False)
    upstream = instance_of(order).upstream
    gateway.put_route(
        tenant_id=order.tenant_id, host=domain.host, upstream=upstream, state=state, now=order.now
    )
    return Done(result={"host": domain.host, "upstream": upstream})


def remove_route(order: Order) -> Outcome:
    """Let the tenant's host names lead nowhere."""
    gateway.remove_routes(tenant_id=order.tenant_id, now=order.now)
    return Done()


MAKING = (
    Work(
        name="place",
        label=_("Finding a place"),
        perform=_place,
        settle=_settle_place,
        undo=_undo_place,
        funnel=FunnelStep.PLACED,
    ),
    Work(
        name="database",
        label=_("Making a database"),
        perform=_database,
        settle=_settle_database,
        undo=_undo_database,
        phase=TenantState.PROVISIONING,
        funnel=FunnelStep.DATABASE_READY,
    ),
    Work(
        name="instance",
        label=_("Starting the application"),
        perform=_instance,
        settle=settle_running,
        undo=remove_instance,
        phase=TenantState.PROVISIONING,
        funnel=FunnelStep.INSTANCE_READY,
    ),
    Work(
        name="domain",
        label=_("Naming it"),
        perform=_domain,
        undo=release_domain,
        phase=TenantState.PROVISIONING,
    ),
    Work(
        name="route",
        label=_("Opening the gateway"),
        perform=_route,
        undo=remove_route,
        phase=TenantState.PROVISIONING,
        funnel=FunnelStep.ROUTED,
    ),
)
