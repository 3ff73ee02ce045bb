"""Verbs: hosts come, beat, close and open; capacity is held, confirmed and given back."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from tenantry.core import live, tenancy
from tenantry.core.errors import InvalidInput
from tenantry.core.ids import uuid7
from tenantry.fleet.hosts import queries
from tenantry.fleet.hosts.errors import HostReasonMissing, LeaseLost, NoCapacity
from tenantry.fleet.hosts.models import LONGEST_NAME, LONGEST_REGION, Host, Lease
from tenantry.fleet.hosts.placement import SILENT_AFTER, Demand, Placement, place
from tenantry.fleet.hosts.states import HOST_MOVES, LEASE_MOVES, HostState, LeaseState
from tenantry.governance.policies import queries as policies
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.audit.lifecycle import transition
from tenantry.ledger.audit.vocabulary import Action

SYSTEM = "system:hosts"
TOPIC = "fleet.hosts"
_NAME = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{LONGEST_NAME - 2}}}[a-z0-9])?")
_REGION = re.compile(rf"[a-z][a-z0-9-]{{0,{LONGEST_REGION - 1}}}")
_MOST = 2**31 - 1
# A race is lost only to a winner: with so many tries every room there was has gone to somebody.
_TRIES = 64
# An explanation is for reading: of a large fleet the chosen host and the first ones by name.
_LONGEST_EXPLANATION = 20


class _AlreadyHeld(Exception):
    """Another call placed the same tenant first; undo ours."""


class _Outrun(Exception):
    """Another tenant took the room; undo ours and choose again."""


def register_host(
    *, name: str, region: str, cpu_milli: int, memory_mb: int, disk_mb: int, now: datetime
) -> Host:
    """Make a host known, or say what it has now; its process does this when it starts.

    A machine that shrank keeps what leases hold: nothing new fits, and nothing is over-committed.
    Refuses: `InvalidInput`.
    """
    said: dict[str, str | int] = {
        "region": region,
        "cpu_milli": cpu_milli,
        "memory_mb": memory_mb,
        "disk_mb": disk_mb,
    }
    _require_valid(name, said)
    made = Host(id=uuid7(), name=name, created_at=now, measured_at=now, beat_at=now, **said)
    with tenancy.platform("register a host"):
        Host.objects.bulk_create([made], ignore_conflicts=True)
        host = Host.objects.select_for_update(no_key=True).get(name=name)
        if host.region != region and (host.cpu_used or host.memory_used or host.disk_used):
            raise InvalidInput(field="region")
        if host.id == made.id or any(getattr(host, field) != said[field] for field in said):
            _record(host, Action.HOSTS_HOST_REGISTERED, now, body=said)
        Host.objects.filter(id=host.id).update(
            region=region,
            cpu_milli=Greatest(cpu_milli, F("cpu_used")),
            memory_mb=Greatest(memory_mb, F("memory_used")),
            disk_mb=Greatest(disk_mb, F("disk_used")),
            measured_at=now,
            beat_at=now,
        )
        host.refresh_from_db()
        _find_again(host, now)
        live.notify(TOPIC)
    return host


def _require_valid(name: str, said: Mapping[str, str | int]) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(field="name")
    for field, value in said.items():
        fits = _REGION.fullmatch(value) if isinstance(value, str) else 0 < value <= _MOST
        if not fits:
            raise InvalidInput(field=field)


def beat_host(*, name: str, now: datetime) -> bool:
    """Note that a host lives; a lost one is open again. False for one that is not registered."""
    with tenancy.platform("hear a host"):
        if not Host.objects.filter(name=name).update(beat_at=now):
            return False
        host = Host.objects.get(name=name)
        if host.state == HostState.LOST:
            _find_again(host, now)
            live.notify(TOPIC)
    return True


def _find_again(host: Host, now: datetime) -> None:
    if host.state == HostState.LOST:
        _move(host, HostState.OPEN, Action.HOSTS_HOST_FOUND, actor=SYSTEM, reason="", now=now)


def drain_host(*, host_id: UUID, operator: str, reason: str, now: datetime) -> Host:
    """Let a host take no new tenants; those it has stay.

    Refuses: `NotFound`, `HostReasonMissing`, `Stale`.
    """
    return _set_by_hand(
        host_id, HostState.DRAINING, Action.HOSTS_HOST_DRAINED, operator, reason, now
    )


def open_host(*, host_id: UUID, operator: str, reason: str, now: datetime) -> Host:
    """Let a host take new tenants again. Refuses: `NotFound`, `HostReasonMissing`, `Stale`."""
    return _set_by_hand(host_id, HostState.OPEN, Action.HOSTS_HOST_OPENED, operator, reason, now)


def _set_by_hand(
    host_id: UUID, target: HostState, action: Action, operator: str, reason: str, now: datetime
) -> Host:
    if not reason.strip():
        raise HostReasonMissing
    with tenancy.platform("an operator closes or opens a host"):
        host = queries.get_host(host_id)
        _move(host, target, action, actor=operator, reason=reason.strip(), now=now)
        live.notify(TOPIC)
    return host


def watch_hosts(*, now: datetime) -> int:
    """Call silent hosts lost and release held leases that ran out; returns how many leases."""
    with tenancy.platform("look for silent hosts"):
        silent = Host.objects.filter(state=HostState.OPEN, beat_at__lt=now - SILENT_AFTER)
        for host in silent:
            unheard = Q(beat_at=host.beat_at)
            with suppress(Stale):  # it was heard of meanwhile
                _move(
                    host,
                    HostState.LOST,
                    Action.HOSTS_HOST_LOST,
                    actor=SYSTEM,
                    reason="",
                    now=now,
                    guard=unheard,
                )
                live.notify(TOPIC)
    return _expire_leases(now)


def _expire_leases(now: datetime) -> int:
    with tenancy.platform("find leases that ran out"):
        overdue = list(Lease.objects.filter(state=LeaseState.HELD, expires_at__lte=now))
    freed = 0
    for lease in overdue:
        with suppress(Stale), tenancy.platform("free a lease that ran out"):
            # Not if it was renewed or confirmed since it was read.
            unchanged = Q(expires_at=lease.expires_at)
            freed += _give_back(lease, actor=SYSTEM, reason="expired", now=now, guard=unchanged)
    return freed


def reserve(
    *, tenant_id: UUID, demand: Demand, now: datetime, actor: str = "system:provisioning"
) -> Lease:
    """Choose a host for a tenant and hold what it needs there until the lease runs out.

    A tenant that has a live lease keeps it, whatever is asked for; a held one lasts longer again.
    Two tenants never get the same room: the host's row is taken by one guarded UPDATE, in the
    transaction of the lease; who loses the race chooses again. Refuses: `NoCapacity`,
    `HostNotVisible`, `RegionUnknown`.
    """
    for _try in range(_TRIES):
        if lease := _renewed(tenant_id, now):
            return lease
        placement = place(demand, queries.list_facts(), now)
        with suppress(_AlreadyHeld, _Outrun):
            return _take(tenant_id, demand, placement, actor=actor, now=now)
    raise NoCapacity(region=demand.region or _("any"))


def _renewed(tenant_id: UUID, now: datetime) -> Lease | None:
    lease = queries.find_lease(tenant_id)
    if lease is None or lease.state == LeaseState.CONFIRMED:
        return lease
    until = _until(now)
    with tenancy.scope(tenant_id):
        held = Lease.objects.filter(id=lease.id, state=LeaseState.HELD)
        if not held.update(expires_at=until):
            return queries.find_lease(tenant_id)
    lease.expires_at = until
    return lease


def _until(now: datetime) -> datetime:
    return now + timedelta(minutes=policies.number("hosts.hold_minutes"))


def _take(
    tenant_id: UUID, demand: Demand, placement: Placement, *, actor: str, now: datetime
) -> Lease:
    needs = {
        "cpu_milli": demand.cpu_milli,
        "memory_mb": demand.memory_mb,
        "disk_mb": demand.disk_mb,
    }
    lease = Lease(
        id=uuid7(),
        tenant_id=tenant_id,
        host_id=placement.host_id,
        explanation=_readable(placement),
        created_at=now,
        expires_at=_until(now),
        **needs,
    )
    # First the lease, then the host, as whoever gives back does: no two can wait for each other.
    with tenancy.scope(tenant_id):
        Lease.objects.bulk_create([lease], ignore_conflicts=True)
        if not Lease.objects.filter(id=lease.id).exists():
            raise _AlreadyHeld
        if not _with_room(placement.host_id, demand).update(
            cpu_used=F("cpu_used") + demand.cpu_milli,
            memory_used=F("memory_used") + demand.memory_mb,
            disk_used=F("disk_used") + demand.disk_mb,
        ):
            raise _Outrun
        audit.append(
            action=Action.HOSTS_LEASE_HELD,
            tenant_id=tenant_id,
            actor=actor,
            target=("lease", str(lease.id)),
            at=now,
            body={"host": _chosen(placement), "region": demand.region, **needs},
        )
        live.notify(TOPIC)
    return lease


def _with_room(host_id: UUID, demand: Demand) -> QuerySet[Host]:
    return Host.objects.filter(
        id=host_id,
        state=HostState.OPEN,
        cpu_used__lte=F("cpu_milli") - demand.cpu_milli,
        memory_used__lte=F("memory_mb") - demand.memory_mb,
        disk_used__lte=F("disk_mb") - demand.disk_mb,
    )


def _chosen(placement: Placement) -> str:
    return next(said.name for said in placement.explanation if said.chosen)


def _readable(placement: Placement) -> list[dict[str, object]]:
    said = sorted(placement.explanation, key=lambda one: (not one.chosen, one.name))
    return [one.as_json() for one in said[:_LONGEST_EXPLANATION]]


def confirm(*, tenant_id: UUID, now: datetime, actor: str = "system:provisioning") -> Lease:
    """Keep what is held: the tenant runs there now. Confirmed already is fine.

    Refuses: `LeaseLost` (it ran out or was given back), `Stale` (it is just being given back).
    """
    with tenancy.scope(tenant_id):
        lease = queries.find_lease(tenant_id)
        if lease is None:
            raise LeaseLost
        transition(
            lease,
            field="state",
            target=LeaseState.CONFIRMED,
            moves=LEASE_MOVES,
            action=Action.HOSTS_LEASE_CONFIRMED,
            actor=actor,
            at=now,
            tenant_id=tenant_id,
        )
    return lease


def release(
    *, tenant_id: UUID, now: datetime, reason: str, actor: str = "system:provisioning"
) -> bool:
    """Give back what a tenant holds, exactly once; False when it holds nothing."""
    with tenancy.scope(tenant_id):
        lease = queries.find_lease(tenant_id)
        if lease is None:
            return False
        try:
            _give_back(lease, actor=actor, reason=reason, now=now)
        except Stale:  # confirmed or given back meanwhile
            lease = queries.find_lease(tenant_id)
            return lease is not None and _give_back(lease, actor=actor, reason=reason, now=now)
    return True


def _give_back(
    lease: Lease, *, actor: str, reason: str, now: datetime, guard: Q | None = None
) -> bool:
    with transaction.atomic():
        moved = transition(
            lease,
            field="state",
            target=LeaseState.RELEASED,
            moves=LEASE_MOVES,
            action=Action.HOSTS_LEASE_RELEASED,
            actor=actor,
            at=now,
            tenant_id=lease.tenant_id,
            reason=reason,
            guard=guard,
            extra={"ended_at": now},
        )
        Host.objects.filter(id=lease.host_id).update(
            cpu_used=F("cpu_used") - lease.cpu_milli,
            memory_used=F("memory_used") - lease.memory_mb,
            disk_used=F("disk_used") - lease.disk_mb,
        )
        live.notify(TOPIC)
    return moved


def _move(
    host: Host,
    target: HostState,
    action: Action,
    *,
    actor: str,
    reason: str,
    now: datetime,
    guard: Q | None = None,
) -> None:
    transition(
        host,
        field="state",
        target=target,
        moves=HOST_MOVES,
        action=action,
        actor=actor,
        at=now,
        tenant_id=None,
        reason=reason,
        guard=guard,
    )


def _record(host: Host, action: Action, now: datetime, body: Mapping[str, object]) -> None:
    audit.append(
        action=action,
        tenant_id=None,
        actor=SYSTEM,
        target=("host", str(host.id)),
        at=now,
        body=body,
    )
