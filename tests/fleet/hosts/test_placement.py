"""Placement: never beyond a host, never out of the region, the same for the same facts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.core.errors import DomainError
from tenantry.core.gates import first_closed
from tenantry.fleet.hosts.errors import HostNotVisible, NoCapacity, RegionUnknown
from tenantry.fleet.hosts.placement import (
    GATE_TEXTS,
    SILENT_AFTER,
    Demand,
    HostFacts,
    Placement,
    place,
)
from tenantry.fleet.hosts.states import HostState

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SMALL = Demand(region="sg", cpu_milli=500, memory_mb=512, disk_mb=1024)


def host(name: str = "a", **told: object) -> HostFacts:
    facts: dict[str, object] = {
        "host_id": UUID(int=sum(name.encode())),
        "name": name,
        "region": "sg",
        "state": HostState.OPEN,
        "cpu_milli": 4000,
        "memory_mb": 8192,
        "disk_mb": 20_000,
        "cpu_used": 0,
        "memory_used": 0,
        "disk_used": 0,
        "beat_at": NOW,
    }
    return HostFacts(**{**facts, **told})  # type: ignore[arg-type]  # facts of one test


def winner(hosts: Sequence[HostFacts], demand: Demand = SMALL) -> str:
    placement = place(demand, hosts, NOW)
    (chosen,) = [said.name for said in placement.explanation if said.chosen]
    return chosen


def test_tenants_spread_to_the_freest_memory() -> None:
    assert winner([host("a", memory_used=4096), host("b", memory_used=1024)]) == "b"
    # The share counts, not the amount: 3 of 4 GiB free against 5 of 8.
    roomy = host("a", memory_used=3072)
    small = host("b", memory_mb=4096, memory_used=1024)
    assert winner([roomy, small]) == "b"


def test_the_first_by_name_wins_among_equals() -> None:
    assert winner([host("b"), host("a"), host("c")]) == "a"


def test_empty_region_leaves_the_choice() -> None:
    demand = replace(SMALL, region="")
    assert winner([host("a", memory_used=100), host("b", region="kr")], demand) == "b"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"region": "kr"}, "region_other"),
        ({"state": HostState.DRAINING}, "host_closed"),
        ({"state": HostState.LOST}, "host_closed"),
        ({"beat_at": NOW - SILENT_AFTER - timedelta(seconds=1)}, "host_silent"),
        ({"memory_used": 8192 - 511}, "memory_short"),
        ({"cpu_used": 3501}, "cpu_short"),
        ({"disk_used": 20_000 - 1023}, "disk_short"),
    ],
)
def test_a_closed_gate_is_explained(told: dict[str, object], code: str) -> None:
    placement = place(SMALL, [host("a", **told), host("b")], NOW)

    assert placement.host_id == host("b").host_id
    lost, won = placement.explanation
    closed = first_closed(lost.verdicts)
    assert closed is not None
    assert (lost.chosen, lost.fits, closed.code) == (False, False, code)
    assert "%" not in str(GATE_TEXTS[code].message) % closed.facts
    assert (won.chosen, won.fits, first_closed(won.verdicts)) == (True, True, None)
    assert len(lost.verdicts) == len(won.verdicts) == 6


def test_exactly_what_is_left_fits() -> None:
    full = host("a", memory_used=8192 - 512, cpu_used=3500, disk_used=20_000 - 1024)
    assert winner([full]) == "a"
    heard_at_the_edge = replace(full, beat_at=NOW - SILENT_AFTER)
    assert winner([heard_at_the_edge]) == "a"


@pytest.mark.parametrize(
    ("hosts", "refusal"),
    [
        ([], RegionUnknown),
        ([host(region="kr")], RegionUnknown),
        ([host(memory_used=8000)], NoCapacity),
        ([host(state=HostState.DRAINING)], NoCapacity),
        ([host(state=HostState.DRAINING, beat_at=NOW - timedelta(days=1))], NoCapacity),
        ([host(beat_at=NOW - timedelta(days=1))], HostNotVisible),
        ([host(state=HostState.LOST, beat_at=NOW - timedelta(days=1))], HostNotVisible),
        ([host("a", memory_used=8000), host("b", state=HostState.LOST)], HostNotVisible),
        ([host(state=HostState.LOST, memory_used=8000)], NoCapacity),
        ([host(beat_at=NOW - timedelta(days=1), cpu_used=4000)], NoCapacity),
    ],
)
def test_refusal_says_what_helps(hosts: list[HostFacts], refusal: type[DomainError]) -> None:
    with pytest.raises(refusal) as refused:
        place(SMALL, hosts, NOW)
    assert "%(" not in refused.value.text() + refused.value.remedy_text()


# Properties

amounts = st.integers(min_value=0, max_value=8)
regions = st.sampled_from(["sg", "kr", "de"])


@st.composite
def fleets(draw: st.DrawFn) -> list[HostFacts]:
    made = []
    for number in range(draw(st.integers(0, 6))):
        total = {name: draw(st.integers(1, 8)) for name in ("cpu", "memory", "disk")}
        used = {name: draw(st.integers(0, most)) for name, most in total.items()}
        made.append(
            HostFacts(
                host_id=UUID(int=number + 1),
                name=f"host-{number}",
                region=draw(regions),
                state=draw(st.sampled_from([HostState.OPEN, *HostState])),
                cpu_milli=total["cpu"],
                memory_mb=total["memory"],
                disk_mb=total["disk"],
                cpu_used=used["cpu"],
                memory_used=used["memory"],
                disk_used=used["disk"],
                beat_at=NOW - timedelta(seconds=draw(st.sampled_from([0, 5, 30, 31, 3600]))),
            )
        )
    return made


demands = st.builds(
    Demand,
    region=st.one_of(regions, st.just("")),
    cpu_milli=amounts,
    memory_mb=amounts,
    disk_mb=amounts,
)


def answer(demand: Demand, hosts: Sequence[HostFacts]) -> Placement | tuple[str, object]:
    try:
        return place(demand, hosts, NOW)
    except DomainError as refusal:
        return refusal.code, refusal.facts


def could_take(demand: Demand, facts: HostFacts) -> bool:
    return (
        demand.region in {"", facts.region}
        and facts.state == HostState.OPEN
        and NOW - facts.beat_at <= SILENT_AFTER
        and facts.cpu_used + demand.cpu_milli <= facts.cpu_milli
        and facts.memory_used + demand.memory_mb <= facts.memory_mb
        and facts.disk_used + demand.disk_mb <= facts.disk_mb
    )


@given(demand=demands, hosts=fleets())
def test_placement_stays_within_host_and_region(demand: Demand, hosts: list[HostFacts]) -> None:
    placed = answer(demand, hosts)
    if isinstance(placed, Placement):
        chosen = next(facts for facts in hosts if facts.host_id == placed.host_id)
        assert could_take(demand, chosen)
        assert [said.name for said in placed.explanation] == sorted(h.name for h in hosts)
        assert {said.name for said in placed.explanation if said.fits} == {
            facts.name for facts in hosts if could_take(demand, facts)
        }
    else:
        assert [facts.name for facts in hosts if could_take(demand, facts)] == []


@given(demand=demands, hosts=fleets(), order=st.randoms(use_true_random=False))
def test_order_of_the_hosts_is_irrelevant(
    demand: Demand, hosts: list[HostFacts], order: Random
) -> None:
    shuffled = list(hosts)
    order.shuffle(shuffled)
    assert answer(demand, shuffled) == answer(demand, hosts)


@given(hosts=fleets(), arrivals=st.lists(demands, max_size=30))
def test_arrivals_one_after_another_never_overfill(
    hosts: list[HostFacts], arrivals: list[Demand]
) -> None:
    fleet = {facts.host_id: facts for facts in hosts}
    for demand in arrivals:
        placed = answer(demand, list(fleet.values()))
        if isinstance(placed, Placement):
            before = fleet[placed.host_id]
            fleet[placed.host_id] = replace(
                before,
                cpu_used=before.cpu_used + demand.cpu_milli,
                memory_used=before.memory_used + demand.memory_mb,
                disk_used=before.disk_used + demand.disk_mb,
            )
    for facts in fleet.values():
        assert facts.cpu_used <= facts.cpu_milli
        assert facts.memory_used <= facts.memory_mb
        assert facts.disk_used <= facts.disk_mb
