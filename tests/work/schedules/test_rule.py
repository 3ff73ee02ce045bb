"""The rule against vectors, and against an oracle that watches the clock on the wall."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tenantry.core.errors import ZoneUnknown
from tenantry.work.schedules import rule as rules
from tenantry.work.schedules.errors import BadTime, NoTime, NoWeekday, TooManyTimes

# zone, weekdays, times, from, the instants that follow
VECTORS = {
    "seoul_has_no_transitions": (
        "Asia/Seoul",
        rules.EVERY_DAY,
        ["09:00"],
        "2026-03-01T00:00Z",
        ["2026-03-02T00:00Z", "2026-03-03T00:00Z"],
    ),
    "a_slot_is_strictly_later": (
        "UTC",
        rules.EVERY_DAY,
        ["09:00", "17:30"],
        "2026-01-01T09:00Z",
        ["2026-01-01T17:30Z", "2026-01-02T09:00Z"],
    ),
    "weekdays_are_those_on_the_wall": (
        "Pacific/Auckland",  # Monday there is Sunday in UTC
        0b1,
        ["08:00"],
        "2026-06-01T00:00Z",
        ["2026-06-07T20:00Z", "2026-06-14T20:00Z"],
    ),
    "gap_moves_to_the_first_instant": (
        "America/New_York",
        rules.EVERY_DAY,
        ["02:30"],
        "2026-03-07T12:00Z",
        ["2026-03-08T07:00Z", "2026-03-09T06:30Z"],
    ),
    "times_that_meet_follow_by_a_minute": (
        "America/New_York",
        rules.EVERY_DAY,
        ["02:00", "02:30", "03:00", "03:30"],
        "2026-03-08T06:00Z",
        ["2026-03-08T07:00Z", "2026-03-08T07:01Z", "2026-03-08T07:02Z", "2026-03-08T07:30Z"],
    ),
    "fold_takes_the_first": (
        "America/New_York",
        rules.EVERY_DAY,
        ["01:30"],
        "2026-10-31T12:00Z",
        ["2026-11-01T05:30Z", "2026-11-02T06:30Z"],
    ),
    "fold_is_not_entered_again": (
        "America/New_York",
        rules.EVERY_DAY,
        ["01:30"],
        "2026-11-01T05:30Z",
        ["2026-11-02T06:30Z"],
    ),
    "london": (
        "Europe/London",
        rules.EVERY_DAY,
        ["01:15"],
        "2026-03-28T12:00Z",
        ["2026-03-29T01:00Z", "2026-03-30T00:15Z"],
    ),
    "thirty_minute_gap": (
        "Australia/Lord_Howe",
        rules.EVERY_DAY,
        ["02:15"],
        "2026-10-02T20:00Z",
        ["2026-10-03T15:30Z", "2026-10-04T15:15Z"],
    ),
    "thirty_minute_fold": (
        "Australia/Lord_Howe",
        rules.EVERY_DAY,
        ["01:45"],
        "2026-04-04T00:00Z",
        ["2026-04-04T14:45Z", "2026-04-05T15:15Z"],
    ),
    "missing_midnight_cairo": (
        "Africa/Cairo",
        rules.EVERY_DAY,
        ["00:00"],
        "2026-04-23T00:00Z",
        ["2026-04-23T22:00Z", "2026-04-24T21:00Z"],
    ),
    "missing_midnight_beirut": (
        "Asia/Beirut",
        rules.EVERY_DAY,
        ["00:00"],
        "2026-03-28T00:00Z",
        ["2026-03-28T22:00Z", "2026-03-29T21:00Z"],
    ),
    "missing_midnight_santiago": (
        "America/Santiago",
        rules.EVERY_DAY,
        ["00:30"],
        "2026-09-05T12:00Z",
        ["2026-09-06T04:00Z", "2026-09-07T03:30Z"],
    ),
    "double_midnight_havana": (
        "America/Havana",
        rules.EVERY_DAY,
        ["00:00", "00:59"],
        "2026-10-31T12:00Z",
        ["2026-11-01T04:00Z", "2026-11-01T04:59Z", "2026-11-02T05:00Z"],
    ),
    "fold_before_midnight_cairo": (
        "Africa/Cairo",
        rules.EVERY_DAY,
        ["23:30"],
        "2026-10-29T00:00Z",
        ["2026-10-29T20:30Z", "2026-10-30T21:30Z"],
    ),
    "negative_dst_casablanca": (
        "Africa/Casablanca",
        rules.EVERY_DAY,
        ["02:30"],
        "2026-02-14T12:00Z",
        ["2026-02-15T01:30Z", "2026-02-16T02:30Z"],
    ),
    "a_day_left_out_has_no_slot": (
        "Pacific/Apia",
        rules.EVERY_DAY,
        ["00:00", "12:00"],
        "2011-12-29T12:00Z",
        ["2011-12-29T22:00Z", "2011-12-30T10:00Z", "2011-12-30T22:00Z"],
    ),
    "a_weekday_left_out_is_next_weeks": (
        "Pacific/Apia",
        0b10000,
        ["12:00"],
        "2011-12-24T12:00Z",
        ["2012-01-05T22:00Z"],
    ),
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("name", VECTORS)
def test_next_after_vector(name: str) -> None:
    zone, weekdays, times, start, expected = VECTORS[name]
    rule = rules.parse(zone=zone, weekdays=weekdays, times=times)
    assert rules.occurrences(rule, at(start), len(expected)) == [at(text) for text in expected]


def watched(rule: rules.Rule, start: datetime, days: int) -> Iterator[datetime]:
    """Look at the wall clock; what its highest mark passes is due, one thing a minute.

    Knows nothing of offsets, folds and gaps, and shares no line with the rule. It looks every
    minute, or every hour where that hour took an hour on the wall.
    """
    zone = ZoneInfo(rule.zone)
    instant = start - timedelta(days=2)
    end = start + timedelta(days=days)
    highest = instant.astimezone(zone).replace(tzinfo=None)
    due: deque[datetime] = deque()
    while instant < end:
        hour_later = (instant + _HOUR).astimezone(zone).replace(tzinfo=None)
        calm = hour_later - highest == _HOUR and not due
        for _ in range(1 if calm else 60):
            step = _HOUR if calm else _MINUTE
            wall = (instant + step).astimezone(zone).replace(tzinfo=None)
            passed = _scheduled(rule, highest, wall)
            if calm:
                yield from (instant + (one - highest) for one in passed if instant >= start)
            due.extend(() if calm else passed)
            instant += step
            highest = max(highest, wall)
            if due:
                due.popleft()
                if instant > start:
                    yield instant


_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


def _scheduled(rule: rules.Rule, highest: datetime, wall: datetime) -> list[datetime]:
    return sorted(
        passed
        for day in {highest.date(), wall.date()}
        if rule.weekdays >> day.weekday() & 1
        for minute in rule.times
        if highest < (passed := datetime.combine(day, time(minute // 60, minute % 60))) <= wall
    )


REPLAYED = {
    "America/New_York": (["00:00", "01:30", "02:00", "02:15", "02:45", "03:00", "23:59"], 127),
    "Europe/London": (["00:30", "01:00", "01:01", "02:00"], 127),
    "Australia/Lord_Howe": (["01:30", "01:45", "02:00", "02:29", "02:30"], 127),
    "Africa/Cairo": (["00:00", "00:30", "00:59", "01:00", "23:30"], 127),
    "America/Havana": (["00:00", "00:30", "01:00", "23:59"], 0b1000001),
    "America/Santiago": (["00:00", "23:00", "23:30"], 127),
    "Asia/Beirut": (["00:00", "23:15"], 0b1100000),
    "Africa/Casablanca": (["01:59", "02:00", "02:30", "03:00"], 127),
    "America/Nuuk": (["21:59", "22:30", "23:00", "00:00"], 127),
    "Asia/Seoul": (["09:00", "21:10"], 0b0011111),
}


@pytest.mark.parametrize("zone", REPLAYED)
def test_two_years_equal_the_watched_wall_clock(zone: str) -> None:
    times, weekdays = REPLAYED[zone]
    rule = rules.parse(zone=zone, weekdays=weekdays, times=times)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    end = start + timedelta(days=730)
    assert rules.between(rule, start, end) == list(watched(rule, start, 730))


@pytest.mark.parametrize(
    ("zone", "around"),
    [("Pacific/Apia", "2011-12-28T00:00Z"), ("America/Scoresbysund", "2024-03-29T00:00Z")],
)
def test_odd_weeks_equal_the_watched_wall_clock(zone: str, around: str) -> None:
    rule = rules.parse(zone=zone, weekdays=127, times=["00:00", "00:10", "12:00", "23:30", "23:50"])
    start = at(around)
    expected = list(watched(rule, start, 7))
    assert rules.between(rule, start, start + timedelta(days=7)) == expected


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Africa/Cairo"])
def test_days_of_any_length_have_as_many_slots(zone: str) -> None:
    times = [f"{hour:02}:15" for hour in range(24)]
    rule = rules.parse(zone=zone, weekdays=rules.EVERY_DAY, times=times)
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    counts: dict[date, int] = {}
    for instant in rules.between(rule, start, start + timedelta(days=365)):
        day = rules.local_day(rule, instant)
        counts[day] = counts.get(day, 0) + 1
    whole_days = sorted(counts)[1:-1]
    assert {counts[day] for day in whole_days} == {24}


def test_seconds_agree_with_instants() -> None:
    rule = rules.parse(zone="Asia/Seoul", weekdays=127, times=["00:00", "12:00"])
    start = datetime(2026, 5, 1, 14, 59, 59, 999_999, tzinfo=UTC)
    assert rules.next_after(rule, start) == datetime(2026, 5, 1, 15, 0, tzinfo=UTC)
    assert rules.day_of_second(rule.zone, int(start.timestamp())) == "2026-05-01"
    assert rules.local_day(rule, start) == date(2026, 5, 1)


def test_day_of_second_is_right_in_a_fold() -> None:
    second = int(at("2026-11-01T04:30Z").timestamp())
    assert rules.day_of_second("America/Havana", second) == "2026-11-01"
    assert rules.day_of_second("America/Havana", second - 1801) == "2026-10-31"
    assert rules.day_of_second("America/Havana", second + 3600) == "2026-11-01"


def test_end_of_the_calendar_is_never_due() -> None:
    rule = rules.parse(zone="UTC", weekdays=127, times=["09:00"])
    assert rules.next_after(rule, datetime(9999, 12, 31, 12, tzinfo=UTC)) is None


def test_parse_sorts_and_keeps_each_time_once() -> None:
    rule = rules.parse(zone="UTC", weekdays=1, times=["17:00", "09:05", "17:00"])
    assert rules.clock_times(rule) == ["09:05", "17:00"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"zone": "Mars/Olympus"}, ZoneUnknown),
        ({"zone": "../../etc/passwd"}, ZoneUnknown),
        ({"zone": ""}, ZoneUnknown),
        ({"weekdays": 0}, NoWeekday),
        ({"weekdays": 128}, NoWeekday),
        ({"times": ["99:99"]}, BadTime),
        ({"times": ["24:00"]}, BadTime),
        ({"times": ["9:00"]}, BadTime),
        ({"times": ["\u0660\u0669:\u0660\u0660"]}, BadTime),
        ({"times": ["09:00\n"]}, BadTime),
        ({"times": []}, NoTime),
        ({"times": [f"{hour:02}:00" for hour in range(24)] + ["00:30"]}, TooManyTimes),
    ],
)
def test_parse_refuses(changes: dict[str, object], refusal: type[Exception]) -> None:
    values: dict[str, object] = {"zone": "UTC", "weekdays": 127, "times": ["09:00"], **changes}
    with pytest.raises(refusal):
        rules.parse(**values)  # type: ignore[arg-type]  # wrong values are the point
