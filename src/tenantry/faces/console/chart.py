"""The chart of the overview: a day of jobs as bars, drawn here, read without a script. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenantry.core.errors import Text
from tenantry.faces.console.readings import Hour
from tenantry.work.automation.states import JobState

WIDTH, HEIGHT = 720, 160
_GAP = 4
_LEAST = 2.0
# From the bottom up: what went well stands on the ground.
_ORDER = (
    JobState.SUCCESS,
    JobState.RUNNING,
    JobState.SUBMITTING,
    JobState.QUEUED,
    JobState.HELD,
    JobState.CANCELLED,
    JobState.UNKNOWN,
    JobState.FAILED,
)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One state in one hour; lengths in the chart's units."""

    x: float
    y: float
    width: float
    height: float
    state: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The bars, the legend (state, label, count), and the scale."""

    blocks: tuple[Block, ...]
    legend: tuple[tuple[str, Text, int], ...]
    highest: int
    total: int
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(hours: Sequence[Hour]) -> Chart:
    """Return one bar per hour; a state that is there is never thinner than it can be seen."""
    highest = max((sum(hour.counts.values()) for hour in hours), default=0)
    step = WIDTH / max(len(hours), 1)
    blocks: list[Block] = []
    for index, hour in enumerate(hours):
        y = float(HEIGHT)
        for state in _ORDER:
            if count := hour.counts.get(state, 0):
                height = max(_LEAST, HEIGHT * count / highest)
                y -= height
                blocks.append(
                    Block(
                        x=round(index * step + _GAP / 2, 2),
                        y=round(max(y, 0.0), 2),
                        width=round(step - _GAP, 2),
                        height=round(height, 2),
                        state=state.lower(),
                        title=f"{hour.start:%H}:00 · {state.label}: {count}",
                    )
                )
    totals = {state: sum(hour.counts.get(state, 0) for hour in hours) for state in _ORDER}
    return Chart(
        blocks=tuple(blocks),
        legend=tuple((state.lower(), state.label, n) for state, n in totals.items() if n),
        highest=highest,
        total=sum(totals.values()),
    )
