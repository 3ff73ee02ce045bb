"""How moments, states and steps are put in words and colours; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext, gettext_noop, ngettext, pgettext

from tenantry.core.errors import Text

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_NEAR = {
    -1: gettext_noop("yesterday"),
    0: gettext_noop("today"),
    1: gettext_noop("tomorrow"),
}

# Places with a name of their own in our languages; the others are said as the zone has them.
_PLACES = {"Seoul": gettext_noop("Seoul")}


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A state in one word: `tone` is ok, warn, bad, idle or busy."""

    tone: str
    text: Text
    icon: str = ""

    @property
    def sign(self) -> str:
        """Return its icon; each tone has one, so that colour is never the only sign."""
        return self.icon or SIGNS[self.tone]


SIGNS = {"ok": "check", "warn": "alert", "bad": "stop", "idle": "dash", "busy": "spin"}


def day_and_time(moment: datetime, *, zone: str, now: datetime, seconds: bool = False) -> str:
    """Return a moment as people say it in a zone: `today 09:00`, `Mon 24 Nov 09:00`."""
    local, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    away = (local.date() - today).days
    if away in _NEAR:
        return f"{gettext(_NEAR[away])} {clock}"
    if local.year == today.year:
        day = formats.date_format(local, pgettext("date without year", "D j M"))
    else:
        day = formats.date_format(local, pgettext("date with year", "j M Y"))
    return f"{day} {clock}"


def place(zone: str) -> str:
    """Return the place that names a zone: `Los Angeles` of `America/Los_Angeles`."""
    named = zone.rpartition("/")[2].replace("_", " ")
    return gettext(_PLACES[named]) if named in _PLACES else named


def zone_name(zone: str) -> str:
    """Return a zone as people say it: `Seoul time` of `Asia/Seoul`."""
    return gettext("%(place)s time") % {"place": place(zone)}


def distance(moment: datetime, *, now: datetime) -> str:
    """Return how far a moment is from now: `in 3 h`, `5 min ago`."""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < _MINUTE:
        return gettext("now")
    span = span_of(timedelta(seconds=abs(seconds)))
    pattern = gettext("in %(span)s") if seconds > 0 else gettext("%(span)s ago")
    return pattern % {"span": span}


def span_of(length: timedelta) -> str:
    """Return a length of time in its largest unit."""
    seconds = int(length.total_seconds())
    if seconds < _MINUTE:
        return ngettext("%(count)d s", "%(count)d s", seconds) % {"count": seconds}
    if seconds < _HOUR:
        count = seconds // _MINUTE
        return ngettext("%(count)d min", "%(count)d min", count) % {"count": count}
    if seconds < _DAY:
        count = seconds // _HOUR
        return ngettext("%(count)d h", "%(count)d h", count) % {"count": count}
    count = seconds // _DAY
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
