"""The drawing of the funnel: one bar per step, and what is lost on the way to the next. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenantry.core.errors import Text
from tenantry.ledger.funnel.queries import StageCount
from tenantry.ledger.funnel.states import OPTIONAL

WIDTH, BAR, GAP = 100.0, 30, 26
# A step that somebody reached is never thinner than it can be seen.
_LEAST = 0.6


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One step; lengths in the drawing's units, shares in percent of the visitors.

    `slope` is the shape between this bar and the next one, empty where nothing follows. `lost` went
    no further, `open` not yet; both count those who only took an optional step after this one.
    """

    label: Text
    key: str
    count: int
    share: float
    x: float
    width: float
    slope: str
    lost: int
    open: int
    lost_share: float
    median: float | None
    p90: float | None
    is_optional: bool
    height: int


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The bars in order, and how many there were and how many arrived."""

    bars: tuple[Bar, ...]
    visitors: int
    arrived: int
    bar: int = BAR

    @property
    def percent(self) -> float:
        """Return the share of visitors who arrived."""
        return 100 * self.arrived / self.visitors if self.visitors else 0.0


def draw(stages: Sequence[StageCount]) -> Drawing:
    """Return the drawing; without visitors it has no bars."""
    visitors = stages[0].entered if stages else 0
    if not visitors:
        return Drawing(bars=(), visitors=0, arrived=0)
    return Drawing(
        bars=tuple(_bar(index, stages, visitors) for index in range(len(stages))),
        visitors=visitors,
        arrived=stages[-1].entered,
    )


def _bar(index: int, stages: Sequence[StageCount], visitors: int) -> Bar:
    stage = stages[index]
    is_optional = stage.step in OPTIONAL
    following = [] if is_optional else list(stages[index + 1 :])
    beside = 0
    while beside < len(following) and following[beside].step in OPTIONAL:
        beside += 1
    between = [stage, *following[:beside]]
    lost = sum(one.dropped for one in between)
    width = _width(stage.entered, visitors)
    goes_on = following[beside:]
    slope = _slope(width, _width(goes_on[0].entered, visitors)) if goes_on else ""
    return Bar(
        label=stage.step.label,
        key=stage.step.value,
        count=stage.entered,
        share=100 * stage.entered / visitors,
        x=round((WIDTH - width) / 2, 2),
        width=width,
        slope=slope,
        lost=lost,
        open=sum(one.still_open for one in between),
        lost_share=100 * lost / stage.entered if stage.entered else 0.0,
        median=stage.median_seconds,
        p90=stage.p90_seconds,
        is_optional=is_optional,
        height=BAR + (GAP if slope else 0),
    )


def _width(count: int, visitors: int) -> float:
    return round(max(_LEAST, WIDTH * count / visitors), 2) if count else 0.0


def _slope(above: float, below: float) -> str:
    middle, foot = WIDTH / 2, BAR + GAP
    corners = (
        (middle - above / 2, BAR),
        (middle + above / 2, BAR),
        (middle + below / 2, foot),
        (middle - below / 2, foot),
    )
    return " ".join(f"{x:.2f},{y}" for x, y in corners)
