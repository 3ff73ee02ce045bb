"""What part of the log of runs a person wants to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.faces.portal import chips
from tenantry.faces.portal.words import Chip
from tenantry.work.schedules.states import Status

_PERIODS: dict[str, tuple[Text, timedelta | None]] = {
    "day": (_("24 hours"), timedelta(days=1)),
    "week": (_("7 days"), timedelta(days=7)),
    "month": (_("30 days"), timedelta(days=30)),
    "all": (_("All time"), None),
}
_DEFAULT = "month"


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Four filters, each with what can be chosen; what cannot be chosen counts as not set."""

    period: str
    status: str
    schedule: str
    search: str
    schedules: tuple[tuple[str, str], ...]
    since: datetime | None

    @classmethod
    def read(
        cls, asked: QueryDict, *, schedules: Sequence[tuple[UUID, str]], now: datetime
    ) -> "Filters":
        """Read the query string."""
        offered = tuple((str(key), name) for key, name in schedules)
        period = asked.get("period", "")
        period = period if period in _PERIODS else _DEFAULT
        length = _PERIODS[period][1]
        schedule, status = asked.get("schedule", ""), asked.get("status", "")
        return cls(
            period=period,
            status=status if status in Status.values else "",
            schedule=schedule if schedule in dict(offered) else "",
            search=asked.get("search", "").strip()[:100],
            schedules=offered,
            since=now - length if length else None,
        )

    @property
    def active(self) -> bool:
        """Return whether anything but the default is chosen."""
        return bool(self.status or self.schedule or self.search or self.period != _DEFAULT)

    @property
    def periods(self) -> list[tuple[str, Text]]:
        """Return the periods to choose from."""
        return [(key, label) for key, (label, _length) in _PERIODS.items()]

    @property
    def statuses(self) -> list[tuple[str, Chip]]:
        """Return the statuses to choose from."""
        return [(key, chips.RUN[key]) for key in Status.values]

    def wanted(self) -> dict[str, Any]:
        """Return the filters as the query takes them."""
        return {
            "schedule_id": UUID(self.schedule) if self.schedule else None,
            "status": self.status,
            "since": self.since,
            "search": self.search,
        }
