"""Hosts and leases on real PostgreSQL: what is held is held once, and given back once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from tenantry.core import tenancy
from tenantry.core.errors import InvalidInput, NotFound
from tenantry.fleet.hosts import queries, services
from tenantry.fleet.hosts.errors import (
    HostNotVisible,
    HostReasonMissing,
    LeaseLost,
    NoCapacity,
)
from tenantry.fleet.hosts.models import Host, Lease
from tenantry.fleet.hosts.placement import SILENT_AFTER, Demand
from tenantry.fleet.hosts.states import HostState, LeaseState
from tenantry.ledger.audit import queries as audit
from tenantry.ledger.audit.vocabulary import Action
from tests.probes import at_once

OPERATOR = "operator:test"
DEMAND = Demand(region="sg", cpu_milli=500, memory_mb=512, disk_mb=1024)


def register(
    name: str, now: datetime, *, region: str = "sg", cpu: int = 2000, memory: int = 2048
) -> Host:
    return services.register_host(
        name=name, region=region, cpu_milli=cpu, memory_mb=memory, disk_mb=50_000, now=now
    )


def used(name: str) -> tuple[int, int, int]:
    host = Host.objects.get(name=name)
    return host.cpu_used, host.memory_used, host.disk_used


def actions(kind: str, target_id: UUID) -> list[str]:
    with tenancy.platform("look"):
        entries = audit.list_for_target(kind, target_id).order_by("seq")
        return list(entries.values_list("action", flat=True))


def leases_of(tenant_id: UUID) -> list[Lease]:
    with tenancy.scope(tenant_id):
        return list(Lease.objects.filter(tenant_id=tenant_id).order_by("created_at", "id"))


# Hosts


def test_registering_again_says_what_there_is_now(db: None, now: datetime) -> None:
    first = register("local-sg", now)
    later = now + timedelta(hours=1)
    again = register("local-sg", later, memory=4096)
    register("local-sg", later, memory=4096)

    assert (again.id, again.memory_mb, again.created_at) == (first.id, 4096, now)
    assert (again.measured_at, again.beat_at) == (later, later)
    assert actions("host", first.id) == [Action.HOSTS_HOST_REGISTERED] * 2
    assert queries.regions() == ["sg"]


@pytest.mark.parametrize(
    "told",
    [
        {"name": ""},
        {"name": "Host A"},
        {"name": "-a"},
        {"name": "a\n"},
        {"region": ""},
        {"region": "SG"},
        {"region": "x" * 21},
        {"cpu_milli": 0},
        {"memory_mb": -1},
        {"disk_mb": 2**31},
    ],
)
def test_register_refuses_what_is_no_host(db: None, now: datetime, told: dict[str, object]) -> None:
    asked = {
        "name": "a",
        "region": "sg",
        "cpu_milli": 1,
        "memory_mb": 1,
        "disk_mb": 1,
        **told,
    }
    with pytest.raises(InvalidInput):
        services.register_host(now=now, **asked)  # type: ignore[arg-type]  # wrong on purpose
    assert queries.list_hosts().count() == 0


def test_shrunken_host_keeps_its_tenants_and_takes_no_more(db: None, now: datetime) -> None:
    register("local-sg", now)
    services.reserve(tenant_id=uuid4(), demand=DEMAND, now=now)

    host = register("local-sg", now, memory=100)

    assert (host.memory_mb, host.memory_used) == (512, 512)
    with pytest.raises(NoCapacity):
        services.reserve(tenant_id=uuid4(), demand=DEMAND, now=now)


def test_host_that_carries_tenants_does_not_change_region(db: None, now: datetime) -> None:
    register("local-sg", now)
    register("local-sg", now, region="kr")
    services.reserve(
        tenant_id=uuid4(),
        demand=Demand(region="kr", cpu_milli=1, memory_mb=1, disk_mb=1),
        now=now,
    )
    with pytest.raises(InvalidInput):
        register("local-sg", now, region="sg")
    assert queries.get_host(queries.list_hosts()[0].id).region == "kr"


def test_silent_host_is_lost_and_found(db: None, now: datetime) -> None:
    host = register("local-sg", now)
    services.watch_hosts(now=now + SILENT_AFTER)
    assert queries.get_host(host.id).state == HostState.OPEN

    later = now + SILENT_AFTER + timedelta(seconds=1)
    services.watch_hosts(now=later)

    assert (queries.get_host(host.id).state, queries.regions()) == (HostState.LOST, [])
    with pytest.raises(HostNotVisible):
        services.reserve(tenant_id=uuid4(), demand=DEMAND, now=later)
    assert services.beat_host(name="local-sg", now=later) is True
    assert queries.get_host(host.id).state == HostState.OPEN
    assert actions("host", host.id) == [
        Action.HOSTS_HOST_REGISTERED,
        Action.HOSTS_HOST_LOST,
        Action.HOSTS_HOST_FOUND,
    ]


def test_beat_of_an_unknown_host_is_false(db: None, now: datetime) -> None:
    assert services.beat_host(name="nobody", now=now) is False


def test_operator_drains_and_opens_with_a_reason(db: None, now: datetime) -> None:
    host = register("local-sg", now)
    with pytest.raises(HostReasonMissing):
        services.drain_host(host_id=host.id, operator=OPERATOR, reason=" ", now=now)

    services.drain_host(host_id=host.id, operator=OPERATOR, reason="new disk", now=now)
    with pytest.raises(NoCapacity):
        services.reserve(tenant_id=uuid4(), demand=DEMAND, now=now)
    services.watch_hosts(now=now + timedelta(days=1))
    services.beat_host(name="local-sg", now=now)
    assert queries.get_host(host.id).state == HostState.DRAINING

    services.open_host(host_id=host.id, operator=OPERATOR, reason="done", now=now)
    assert services.reserve(tenant_id=uuid4(), demand=DEMAND, now=now).host_id == host.id
    with tenancy.platform("look"):
        entries = audit.list_for_target("host", host.id).order_by("seq")
        assert list(entries.values_list("action", "actor", "reason"))[1:] == [
            (Action.HOSTS_HOST_DRAINED, OPERATOR, "new disk"),
            (Action.HOSTS_HOST_OPENED, OPERATOR, "done"),
        ]
    with pytest.raises(NotFound):
        services.drain_host(host_id=uuid4(), operator=OPERATOR, reason="x", now=now)


# Leases


def test_reserve_holds_confirm_keeps_release_gives_back(db: None, now: datetime) -> None:
    register("local-sg", now)
    tenant_id = uuid4()

    lease = services.reserve(tenant_id=tenant_id, demand=DEMAND, now=now)

    assert (lease.state, used("local-sg")) == (LeaseState.HELD, (500, 512, 1024))
    assert [said["host"] for said in lease.explanation] == ["local-sg"]
    assert services.confirm(tenant_id=tenant_id, now=now).state == LeaseState.CONFIRMED
    assert services.confirm(tenant_id=tenant_id, now=now).id == lease.id
    assert used("local-sg") == (500, 512, 1024)
    assert services.release(tenant_id=tenant_id, now=now, reason="archived") is True
    assert services.release(tenant_id=tenant_id, now=now, reason="archived") is False
    assert used("local-sg") == (0, 0, 0)
    assert actions("lease", lease.id) == [
        Action.HOSTS_LEASE_HELD,
        Action.HOSTS_LEASE_CONFIRMED,
        Action.HOSTS_LEASE_RELEASED,
    ]
    with pytest.raises(LeaseLost):
        services.confirm(tenant_id=tenant_id, now=now)


def test_reserving_again_returns_the_lease_and_holds_it_longer(db: None, now: datetime) -> None:
    register("local-sg", now)
    tenant_id = uuid4()
    first = services.reserve(tenant_id=tenant_id, demand=DEMAND, now=now)
    later = now + timedelta(minutes=5)

    again = services.reserve(tenant_id=tenant_id, demand=DEMAND, now=later)

    assert (again.id, again.expires_at) == (first.id, first.expires_at + timedelta(minutes=5))
    assert used("local-sg") == (500, 512, 1024)
    services.confirm(tenant_id=tenant_id, now=later)
    kept = services.reserve(tenant_id=tenant_id, demand=DEMAND, now=later)
    assert (kept.id, kept.state) == (first.id, LeaseState.CONFIRMED)


def test_held_lease_runs_out_and_a_confirmed_one_does_not(db: None, now: datetime) -> None:
    register("local-sg", now)
    held, confirmed = uuid4(), uuid4()
    lease = services.reserve(tenant_id=held, demand=DEMAND, now=now)
    services.reserve(tenant_id=confirmed, demand=DEMAND, now=now)
    services.confirm(tenant_id=confirmed, now=now)

    assert services.watch_hosts(now=lease.expires_at - timedelta(seconds=1)) == 0
    assert services.watch_hosts(now=lease.expires_at) == 1
    assert services.watch_hosts(now=lease.expires_at) == 0

    assert used("local-sg") == (500, 512, 1024)
    (gone,) = leases_of(held)
    assert (gone.state, gone.ended_at) == (LeaseState.RELEASED, lease.expires_at)
    with pytest.raises(LeaseLost):
        services.confirm(tenant_id=held, now=now)
    services.beat_host(name="local-sg", now=now)
    anew = services.reserve(tenant_id=held, demand=DEMAND, now=now)
    assert (anew.id == lease.id, anew.state) == (False, LeaseState.HELD)


def test_reservation_goes_with_the_transaction(db: None, now: datetime) -> None:
    register("local-sg", now)
    tenant_id = uuid4()
    with pytest.raises(LookupError), transaction.atomic():
        services.reserve(tenant_id=tenant_id, demand=DEMAND, now=now)
        raise LookupError
    assert (used("local-sg"), leases_of(tenant_id)) == ((0, 0, 0), [])


def test_database_refuses_more_than_there_is(db: None, now: datetime) -> None:
    host = register("local-sg", now)
    with pytest.raises(DatabaseError, match="hosts_host_capacity"), transaction.atomic():
        Host.objects.filter(id=host.id).update(memory_used=2049)
    with pytest.raises(DatabaseError), transaction.atomic():
        Host.objects.filter(id=host.id).update(memory_used=-1)


def test_tenants_see_their_own_leases_only(db: None, now: datetime) -> None:
    register("local-sg", now)
    services.reserve(tenant_id=uuid4(), demand=DEMAND, now=now)
    with tenancy.scope(uuid4()):
        assert Lease.objects.count() == 0


# At once


@pytest.fixture
def _clean_hosts(transactional_db: None) -> None:
    """Begin without the hosts of tests that were cut off."""
    with tenancy.platform("clean"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE hosts_host, hosts_lease")


@pytest.mark.usefixtures("_clean_hosts")
def test_64_calls_for_one_tenant_hold_one_lease(now: datetime) -> None:
    register("a", now)
    register("b", now)
    tenant_id = uuid4()

    answers = at_once(
        [lambda: services.reserve(tenant_id=tenant_id, demand=DEMAND, now=now).id] * 64
    )

    assert len(set(answers)) == 1
    assert sorted([used("a"), used("b")]) == [(0, 0, 0), (500, 512, 1024)]


@pytest.mark.usefixtures("_clean_hosts")
def test_64_calls_give_back_once(now: datetime) -> None:
    register("a", now)
    tenant_id = uuid4()
    services.reserve(tenant_id=tenant_id, demand=DEMAND, now=now)
    services.reserve(tenant_id=uuid4(), demand=DEMAND, now=now)

    answers = at_once([lambda: services.release(tenant_id=tenant_id, now=now, reason="gone")] * 64)

    assert sorted(answers, key=str) == [False] * 63 + [True]
    assert used("a") == (500, 512, 1024)


@pytest.mark.usefixtures("_clean_hosts")
def test_confirming_races_with_expiry(now: datetime) -> None:
    """Whoever wins, the host's numbers are those of its live leases."""
    register("a", now, cpu=64_000, memory=64_000)
    tenants = [uuid4() for _ in range(20)]
    leases = [services.reserve(tenant_id=one, demand=DEMAND, now=now) for one in tenants]
    over = max(lease.expires_at for lease in leases)

    calls = [lambda: services.watch_hosts(now=over)] * 8
    calls += [lambda one=one: bool(services.confirm(tenant_id=one, now=over)) for one in tenants]  # type: ignore[misc]  # the usual trick to bind
    at_once(calls)

    states = [leases_of(one)[0].state for one in tenants]
    assert LeaseState.HELD not in states
    assert used("a")[1] == 512 * states.count(LeaseState.CONFIRMED)


PLACERS = 16
ARRIVALS = 1000


def arrivals() -> list[Demand]:
    """A mix of sizes and regions, the same in every run."""
    sizes = [(250, 256, 512), (500, 512, 1024), (1000, 1536, 2048), (250, 1024, 4096)]
    return [
        Demand(region="sg" if number % 3 else "kr", cpu_milli=cpu, memory_mb=memory, disk_mb=disk)
        for number in range(ARRIVALS)
        for cpu, memory, disk in [sizes[(number * 7 + number // 13) % len(sizes)]]
    ]


def register_fleet(now: datetime) -> None:
    """Machines of four makes in two regions; together they hold about 800 of the arrivals."""
    for number in range(24):
        scale = (1, 2, 4, 8)[number % 4]
        services.register_host(
            name=f"host-{number:02}",
            region="kr" if number % 3 == 0 else "sg",
            cpu_milli=5500 * scale,
            memory_mb=7000 * scale,
            disk_mb=16_000 * scale,
            now=now,
        )


@pytest.mark.usefixtures("_clean_hosts")
def test_1000_arrivals_at_16_placers_overfill_nothing(now: datetime) -> None:
    register_fleet(now)
    waiting = list(enumerate(arrivals()))

    def place_some(mine: Sequence[tuple[int, Demand]]) -> list[tuple[int, str]]:
        told = []
        for number, demand in mine:
            try:
                lease = services.reserve(tenant_id=UUID(int=number + 1), demand=demand, now=now)
                told.append((number, str(lease.host_id)))
            except NoCapacity:
                told.append((number, ""))
        return told

    answers = at_once([lambda p=p: place_some(waiting[p::PLACERS]) for p in range(PLACERS)])  # type: ignore[misc]  # the usual trick to bind

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    told = dict(pair for answer in answers if isinstance(answer, list) for pair in answer)
    assert len(told) == ARRIVALS
    _assert_books_agree(told)
    _assert_nothing_left_fits([demand for number, demand in waiting if not told[number]])


def _assert_books_agree(told: dict[int, str]) -> None:
    with tenancy.platform("look"):
        leases = list(Lease.objects.select_related("host"))
    placed = {number: host for number, host in told.items() if host}
    assert {lease.tenant_id.int - 1: str(lease.host_id) for lease in leases} == placed
    wanted = arrivals()
    assert [one for one in leases if one.host.region != wanted[one.tenant_id.int - 1].region] == []
    for host in queries.list_hosts():
        own = [lease for lease in leases if lease.host_id == host.id]
        for total, column, held in [
            (host.cpu_milli, host.cpu_used, sum(lease.cpu_milli for lease in own)),
            (host.memory_mb, host.memory_used, sum(lease.memory_mb for lease in own)),
            (host.disk_mb, host.disk_used, sum(lease.disk_mb for lease in own)),
        ]:
            assert column == held <= total


def _assert_nothing_left_fits(refused: list[Demand]) -> None:
    # Full within the smallest refused: no host could still take anybody who was turned away.
    assert refused
    for demand in refused:
        roomy = [
            host.name
            for host in queries.list_hosts()
            if host.region == demand.region
            and host.cpu_used + demand.cpu_milli <= host.cpu_milli
            and host.memory_used + demand.memory_mb <= host.memory_mb
            and host.disk_used + demand.disk_mb <= host.disk_mb
        ]
        assert roomy == []
