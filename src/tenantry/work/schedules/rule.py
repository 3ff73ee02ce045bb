"""When a schedule is due: times of day on weekdays in a zone. Pure.

The clock on the wall decides, once: a time that the clock skips (spring) is due at the first
instant after the gap, a time that the clock shows twice (autumn) is due the first time. Times that
would meet at one instant follow each other by a minute, so that a day has as many slots as any
other. A day that a zone left out altogether has none.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import islice, takewhile
from re import compile as pattern
from zoneinfo import ZoneInfo, available_timezones

from tenantry.core.errors import ZoneUnknown
from tenantry.work.schedules.errors import BadTime, NoTime, NoWeekday, TooManyTimes

MOST_TIMES = 24
EVERY_DAY = 0b1111111
_DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_TIME = pattern(r"([01][0-9]|2[0-3]):([0-5][0-9])")
# No zone ever moved its clock by more than a day; the careful way is taken this near to a move.
_GUARD = _DAY + 7_200
# A week, and a week more where the day of the week was left out.
_HORIZON = 16
_LONG_AGO = -(10**12)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """An IANA zone, weekdays as bits (Monday is 1), minutes after midnight in rising order."""

    zone: str
    weekdays: int
    times: tuple[int, ...]


@cache
def zones() -> frozenset[str]:
    """Return the names of all zones a schedule may have.

    Names without a slash are aliases or, like `localtime`, whatever this machine makes of them.
    """
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def parse(*, zone: str, weekdays: int, times: Iterable[str]) -> Rule:
    """Return the rule, with times such as `09:30` in order and once each.

    Refuses with `ZoneUnknown`, `NoWeekday`, `BadTime`, `NoTime` or `TooManyTimes`.
    """
    if zone not in zones():
        raise ZoneUnknown(field="zone", zone=zone)
    if not 0 < weekdays <= EVERY_DAY:
        raise NoWeekday(field="weekdays")
    minutes = tuple(sorted({_minutes(time) for time in times}))
    if not minutes:
        raise NoTime(field="times")
    if len(minutes) > MOST_TIMES:
        raise TooManyTimes(field="times", count=len(minutes), limit=MOST_TIMES)
    return Rule(zone=zone, weekdays=weekdays, times=minutes)


def _minutes(time: str) -> int:
    match = _TIME.fullmatch(time)
    if match is None:
        raise BadTime(field="times", time=time)
    return int(match[1]) * 60 + int(match[2])


def clock_times(rule: Rule) -> list[str]:
    """Return the times of day as `HH:MM`."""
    return [f"{minute // 60:02}:{minute % 60:02}" for minute in rule.times]


def next_after(rule: Rule, instant: datetime) -> datetime | None:
    """Return the first instant strictly later at which the rule is due, in UTC.

    None only at the end of the calendar (year 9999).
    """
    second = next_second(rule, int(instant.timestamp() // 1))
    return None if second is None else datetime.fromtimestamp(second, UTC)


def occurrences(rule: Rule, start: datetime, count: int) -> list[datetime]:
    """Return the first `count` instants after `start`."""
    return list(islice(_onwards(rule, start), count))


def between(rule: Rule, start: datetime, end: datetime) -> list[datetime]:
    """Return the instants after `start` and not after `end`."""
    return list(takewhile(lambda instant: instant <= end, _onwards(rule, start)))


def _onwards(rule: Rule, start: datetime) -> Iterator[datetime]:
    instant = next_after(rule, start)
    while instant is not None:
        yield instant
        instant = next_after(rule, instant)


def local_instant(rule: Rule, instant: datetime) -> datetime:
    """Return the same instant on the clocks of the rule's zone."""
    return instant.astimezone(_zone(rule.zone))


def local_day(rule: Rule, instant: datetime) -> date:
    """Return the day on the wall at an instant: the day that daily limits count."""
    return local_instant(rule, instant).date()


def next_second(rule: Rule, second: int) -> int | None:
    """Do as `next_after` does, in whole seconds since 1970; the dispatcher's way, about 1 µs."""
    calm = _calm(rule.zone, second // _DAY)
    if calm is None:
        return _careful_next(rule, second)
    offset, until = calm
    day, rest = divmod(second + offset, _DAY)
    weekday = (day + 3) % 7
    minute = rest // 60
    times = rule.times
    if rule.weekdays >> weekday & 1 and minute < times[-1]:
        found = day * _DAY + times[bisect_right(times, minute)] * 60 - offset
    else:
        found = (day + _DAYS_AHEAD[rule.weekdays][weekday]) * _DAY + times[0] * 60 - offset
    return found if found < until else _careful_next(rule, second)


def day_of_second(zone: str, second: int) -> str:
    """Do as `local_day` does for whole seconds since 1970, as an ISO date."""
    calm = _calm(zone, second // _DAY)
    if calm is None:
        return datetime.fromtimestamp(second, _zone(zone)).date().isoformat()
    return _iso((second + calm[0]) // _DAY)


def _days_ahead(weekdays: int, weekday: int) -> int:
    return next(
        (ahead for ahead in range(1, 8) if weekdays >> (weekday + ahead) % 7 & 1),
        0,
    )


_DAYS_AHEAD = tuple(
    tuple(_days_ahead(weekdays, weekday) for weekday in range(7))
    for weekdays in range(EVERY_DAY + 1)
)


@lru_cache(maxsize=1024)
def _iso(day: int) -> str:
    return date.fromordinal(day + _EPOCH).isoformat()


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def _calm(zone: str, day: int) -> tuple[int, int] | None:
    # The zone's offset around a UTC day and until when it holds, guard subtracted; None where the
    # clock moves so near that wall times must be looked at one by one. Seen hour by hour: no zone
    # moves its clock there and back within one.
    tz = _zone(zone)
    start = day * _DAY
    try:
        hours = range(start - _GUARD, start + 11 * _DAY, 3600)
        offsets = [_offset(tz, hour) for hour in hours]
    except (OverflowError, ValueError):
        return None
    steady = sum(1 for _ in takewhile(lambda offset: offset == offsets[0], offsets))
    until = hours[steady - 1] - _GUARD
    return (offsets[0], until) if until >= start + _DAY else None


def _offset(tz: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, tz).utcoffset()
    assert offset is not None  # a ZoneInfo always knows
    return int(offset.total_seconds())


def _careful_next(rule: Rule, second: int) -> int | None:
    tz = _zone(rule.zone)
    # Two days back, so that times pushed out of a gap at midnight are seen in their order.
    try:
        today = datetime.fromtimestamp(second, tz).date() - timedelta(days=2)
        days = [today + timedelta(days=ahead) for ahead in range(_HORIZON + 2)]
    except (OverflowError, ValueError):
        return None
    last = _LONG_AGO
    for day in days:
        if not rule.weekdays >> day.weekday() & 1 or _left_out(tz, day):
            continue
        for minute in rule.times:
            last = max(_first_shown(tz, day, minute), last + 60)
            if last > second:
                return last
    return None


def _first_shown(tz: ZoneInfo, day: date, minute: int) -> int:
    # When the wall clock first shows the time, or the first instant after the gap it falls into.
    wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=tz)
    after = int(wall.timestamp())
    if datetime.fromtimestamp(after, tz).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return after
    before = int(wall.replace(fold=1).timestamp())
    target = _offset(tz, after)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(tz, middle) == target:
            after = middle
        else:
            before = middle
    return after


def _left_out(tz: ZoneInfo, day: date) -> bool:
    first = datetime.fromtimestamp(_first_shown(tz, day, 0), tz).date()
    return first != day
