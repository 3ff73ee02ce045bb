"""Steps that stop, start again and put away a tenant's instance."""

from django.utils.translation import gettext_lazy as _

from tenantry.core import tenancy
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.gateway.states import RouteState
from tenantry.fleet.hosts import services as hosts
from tenantry.fleet.provisioning.failures import Failure
from tenantry.fleet.provisioning.models import Instance
from tenantry.fleet.provisioning.states import Desired, Observed
from tenantry.fleet.provisioning.steps.making import (
    instance_of,
    keep_place,
    label_of,
    lead,
    move,
    release_domain,
    remove_instance,
    remove_route,
    running,
    settle_running,
)
from tenantry.fleet.provisioning.steps.work import Done, Facts, NotYet, Order, Outcome, Work

_STOPPED = frozenset({Observed.STOPPED, Observed.REMOVED})


def _close_route(order: Order) -> Outcome:
    return lead(order, RouteState.SUSPENDED)


def _open_route(order: Order) -> Outcome:
    return lead(order, RouteState.SERVING)


def _stop(order: Order) -> Outcome:
    label = instance_of(order).label
    order.driver.stop_instance(label=label)
    found = order.driver.find_instance(label=label)
    if found is not None and found.observed not in _STOPPED:
        return NotYet(code=Failure.INSTANCE_STOPPING, detail=found.observed)
    order.say("the instance has stopped")
    return Done()


def _settle_stopped(order: Order, _result: Facts) -> None:
    _note(order, desired=Desired.STOPPED, observed=Observed.STOPPED, pid=None)


def _start(order: Order) -> Outcome:
    label = instance_of(order).label
    if not order.intent:
        order.intend({"label": label})
        order.driver.start_instance(label=label)
    outcome = running(order.driver.find_instance(label=label))
    if isinstance(outcome, NotYet) and outcome.code == Failure.INSTANCE_DEAD:
        order.driver.start_instance(label=label)
    return outcome


def _settle_removed(order: Order, _result: Facts) -> None:
    gone = {"upstream": "", "port": None, "pid": None}
    _note(order, desired=Desired.REMOVED, observed=Observed.REMOVED, **gone)


def _note(order: Order, **seen: object) -> None:
    with tenancy.scope(order.tenant_id):
        Instance.objects.filter(tenant_id=order.tenant_id).update(**seen)


def _lock_database(order: Order) -> Outcome:
    order.driver.lock_database(label=label_of(order))
    return Done()


def _unlock_database(order: Order) -> Outcome:
    refused = keep_place(order)
    if refused is not None:
        return refused
    order.driver.unlock_database(label=label_of(order))
    return Done()


def _release_capacity(order: Order) -> Outcome:
    hosts.release(tenant_id=order.tenant_id, now=order.now, reason=order.run.reason)
    return Done()


def _done(_order: Order) -> Outcome:
    return Done()


def _settle_suspended(order: Order, _result: Facts) -> None:
    move(order, TenantState.SUSPENDED)


def _settle_archived(order: Order, _result: Facts) -> None:
    move(order, TenantState.ARCHIVED)


CLOSING = (
    Work(
        name="route_closed",
        label=_("Closing the gateway"),
        perform=_close_route,
        undo=_open_route,
    ),
    Work(
        name="instance_stopped",
        label=_("Stopping the application"),
        perform=_stop,
        settle=_settle_stopped,
        undo=_start,
    ),
    Work(
        name="suspended",
        label=_("Suspending"),
        perform=_done,
        settle=_settle_suspended,
    ),
    Work(
        name="instance_started",
        label=_("Starting the application"),
        perform=_start,
        settle=settle_running,
        undo=_stop,
    ),
    Work(
        name="route_open",
        label=_("Opening the gateway"),
        perform=_open_route,
        undo=_close_route,
    ),
    Work(name="route_removed", label=_("Closing the gateway"), perform=remove_route),
    Work(
        name="instance_removed",
        label=_("Removing the application"),
        perform=remove_instance,
        settle=_settle_removed,
    ),
    Work(name="database_locked", label=_("Locking the data"), perform=_lock_database),
    Work(name="domain_released", label=_("Giving the name back"), perform=release_domain),
    Work(name="capacity_released", label=_("Giving the room back"), perform=_release_capacity),
    Work(name="archived", label=_("Archiving"), perform=_done, settle=_settle_archived),
    Work(
        name="database_unlocked",
        label=_("Opening the data"),
        perform=_unlock_database,
        undo=_lock_database,
    ),
)
