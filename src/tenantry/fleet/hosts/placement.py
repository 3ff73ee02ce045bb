"""Where a tenant goes: a pure decision over facts, host by host, with its reasons.

Every host is asked every gate. Of the open ones the host wins that keeps the largest free share of
its memory afterwards, so that tenants spread; among equals the first by name. Neither the order of
the hosts nor the clock beyond `now` changes the answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from tenantry.core.gates import Explanation, Verdict, evaluate
from tenantry.fleet.hosts.errors import HostNotVisible, NoCapacity, RegionUnknown
from tenantry.fleet.hosts.states import HostState

# Six heartbeats; shorter than that is a busy machine, not a missing one.
SILENT_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a tenant needs. An empty region leaves the choice to the platform."""

    region: str
    cpu_milli: int
    memory_mb: int
    disk_mb: int


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """A host as it stands: what it has, and what of that is taken."""

    host_id: UUID
    name: str
    region: str
    state: str
    cpu_milli: int
    memory_mb: int
    disk_mb: int
    cpu_used: int
    memory_used: int
    disk_used: int
    beat_at: datetime


@dataclass(frozen=True, kw_only=True)
class HostVerdict:
    """What one host said; `chosen` is true for the one that won."""

    host_id: UUID
    name: str
    verdicts: tuple[Verdict, ...]
    chosen: bool = False

    @property
    def fits(self) -> bool:
        """Return whether every gate is open."""
        return all(verdict.open for verdict in self.verdicts)

    def as_json(self) -> dict[str, object]:
        """Return the stored form."""
        return {
            "host": self.name,
            "chosen": self.chosen,
            "verdicts": [verdict.as_json() for verdict in self.verdicts],
        }


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The chosen host, and what every host said, by name."""

    host_id: UUID
    explanation: tuple[HostVerdict, ...]


GATE_TEXTS: Mapping[str, Explanation] = MappingProxyType(
    {
        "region_other": Explanation(
            message=_("The host stands in %(region)s, asked for was %(wanted)s."),
            remedy=_("Choose another region, or start a host in this one."),
        ),
        "host_closed": Explanation(
            message=_("The host takes no new companies: it is %(state)s."),
            remedy=_("Open it in the console."),
        ),
        "host_silent": Explanation(
            message=_("Nothing was heard from the host for %(seconds)s s."),
            remedy=_("See whether the process `tenantry host` runs there."),
        ),
        "memory_short": Explanation(
            message=_("%(free)s MiB of memory are free, %(wanted)s are needed."),
            remedy=_("Wait for room, or start another host."),
        ),
        "cpu_short": Explanation(
            message=_("%(free)s thousandths of a processor are free, %(wanted)s are needed."),
            remedy=_("Wait for room, or start another host."),
        ),
        "disk_short": Explanation(
            message=_("%(free)s MiB of disk are free, %(wanted)s are needed."),
            remedy=_("Wait for room, or start another host."),
        ),
    }
)


@dataclass(frozen=True, kw_only=True)
class _Question:
    demand: Demand
    host: HostFacts
    now: datetime


def place(demand: Demand, hosts: Sequence[HostFacts], now: datetime) -> Placement:
    """Choose a host.

    Refuses: `RegionUnknown` (there is no host at all), `HostNotVisible` (one would do if it were
    heard of), `NoCapacity` (all others: full or closed).
    """
    asked = sorted(hosts, key=lambda host: host.name)
    if not any(demand.region in {"", host.region} for host in asked):
        raise RegionUnknown(region=demand.region)
    answers = {host.host_id: _ask(demand, host, now) for host in asked}
    fitting = [host for host in asked if _fits(answers[host.host_id])]
    if not fitting:
        _refuse(demand, asked, answers)
    best = max(fitting, key=partial(_free_share, demand))
    return Placement(
        host_id=best.host_id,
        explanation=tuple(
            HostVerdict(
                host_id=host.host_id,
                name=host.name,
                verdicts=answers[host.host_id],
                chosen=host is best,
            )
            for host in asked
        ),
    )


def _free_share(demand: Demand, host: HostFacts) -> Fraction:
    return Fraction(host.memory_mb - host.memory_used - demand.memory_mb, host.memory_mb)


def _refuse(
    demand: Demand, asked: Sequence[HostFacts], answers: Mapping[UUID, tuple[Verdict, ...]]
) -> None:
    for host in asked:
        closed = {verdict.code for verdict in answers[host.host_id] if not verdict.open}
        lost = host.state == HostState.LOST
        if closed == {"host_silent"} or (lost and closed <= {"host_silent", "host_closed"}):
            raise HostNotVisible(region=demand.region or host.region, host=host.name)
    raise NoCapacity(region=demand.region or _("any"))


def _ask(demand: Demand, host: HostFacts, now: datetime) -> tuple[Verdict, ...]:
    return evaluate(_GATES, _Question(demand=demand, host=host, now=now))


def _fits(verdicts: Sequence[Verdict]) -> bool:
    return all(verdict.open for verdict in verdicts)


def _region(asked: _Question) -> Verdict:
    is_open = asked.demand.region in {"", asked.host.region}
    facts = {"region": asked.host.region, "wanted": asked.demand.region}
    return Verdict(gate="region", code=_code(is_open, "region_other"), open=is_open, facts=facts)


def _open(asked: _Question) -> Verdict:
    is_open = asked.host.state == HostState.OPEN
    facts = {"state": str(asked.host.state)}
    return Verdict(gate="open", code=_code(is_open, "host_closed"), open=is_open, facts=facts)


def _heard(asked: _Question) -> Verdict:
    silence = asked.now - asked.host.beat_at
    is_open = silence <= SILENT_AFTER
    facts = {"seconds": max(0, round(silence.total_seconds()))}
    return Verdict(gate="heard", code=_code(is_open, "host_silent"), open=is_open, facts=facts)


def _memory(asked: _Question) -> Verdict:
    free = asked.host.memory_mb - asked.host.memory_used
    return _room("memory", free=free, wanted=asked.demand.memory_mb)


def _cpu(asked: _Question) -> Verdict:
    free = asked.host.cpu_milli - asked.host.cpu_used
    return _room("cpu", free=free, wanted=asked.demand.cpu_milli)


def _disk(asked: _Question) -> Verdict:
    free = asked.host.disk_mb - asked.host.disk_used
    return _room("disk", free=free, wanted=asked.demand.disk_mb)


def _room(gate: str, *, free: int, wanted: int) -> Verdict:
    facts = {"free": free, "wanted": wanted}
    code = _code(wanted <= free, f"{gate}_short")
    return Verdict(gate=gate, code=code, open=wanted <= free, facts=facts)


def _code(is_open: bool, otherwise: str) -> str:  # noqa: FBT001  # reads as a choice
    return "ok" if is_open else otherwise


_GATES: tuple[Callable[[_Question], Verdict], ...] = (
    _region,
    _open,
    _heard,
    _memory,
    _cpu,
    _disk,
)
