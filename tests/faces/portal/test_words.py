"""Moments in words, forgiving times of day, and icons that exist."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import translation

from tenantry.faces import portal
from tenantry.faces.portal import chips, words
from tenantry.faces.portal.schedule_forms import days_of, tidy, zone_names

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)  # 21:00 in Seoul
FOLDER = Path(portal.__file__).parent


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 11, 22, 14, 59, tzinfo=UTC), "today 23:59"),
        (datetime(2026, 11, 22, 15, 0, tzinfo=UTC), "tomorrow 00:00"),
        (datetime(2026, 11, 21, 14, 59, tzinfo=UTC), "yesterday 23:59"),
        (datetime(2026, 11, 24, 0, 0, tzinfo=UTC), "Tue 24 Nov 09:00"),
        (datetime(2027, 1, 2, 0, 0, tzinfo=UTC), "2 Jan 2027 09:00"),
    ],
)
def test_a_moment_is_told_on_the_clocks_of_its_zone(moment: datetime, said: str) -> None:
    with translation.override("en"):
        assert words.day_and_time(moment, zone="Asia/Seoul", now=NOW) == said


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (timedelta(seconds=59), "now"),
        (timedelta(seconds=-59), "now"),
        (timedelta(minutes=59, seconds=59), "in 59 min"),
        (timedelta(hours=-23, minutes=-59), "23 h ago"),
        (timedelta(days=1), "in 1 day"),
        (timedelta(days=-3), "3 days ago"),
    ],
)
def test_a_distance_is_told_in_its_largest_unit(away: timedelta, said: str) -> None:
    with translation.override("en"):
        assert words.distance(NOW + away, now=NOW) == said


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("09:30", "09:30"),
        (" 9:30 ", "09:30"),
        ("9", "09:00"),
        ("930", "09:30"),
        ("1430", "14:30"),
        ("9.30", "09:30"),
        ("9시", "09:00"),
        ("9시 30분", "09:30"),
        ("99:99", "99:99"),
        ("noon", "noon"),
        ("9:3", "9:3"),
        ("12345", "12345"),
    ],
)
def test_a_time_of_day_is_read_as_it_is_meant_or_left_alone(typed: str, meant: str) -> None:
    assert tidy(typed) == meant


def test_days_of_a_mask_start_with_monday() -> None:
    assert days_of(0b1000001) == ["0", "6"]


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", ["Seoul time", "New York time"]), ("ko", ["서울 시간", "New York 시간"])],
)
def test_zone_is_named_as_people_say_it(language: str, said: list[str]) -> None:
    with translation.override(language):
        assert [words.zone_name(zone) for zone in ("Asia/Seoul", "America/New_York")] == said


def test_zones_are_places_and_utc() -> None:
    names = zone_names()
    assert names[-1] == "UTC"
    assert {"Asia/Seoul", "America/New_York"} <= set(names)
    assert [name for name in names if name.startswith("Etc/") or "localtime" in name] == []


def test_every_icon_that_is_drawn_is_in_the_sprite() -> None:
    sprite = (FOLDER / "static/portal/icons.svg").read_text(encoding="utf-8")
    known = set(re.findall(r'id="([\w-]+)"', sprite))
    drawn = {chip.sign for chip in (*chips.SESSION.values(), *chips.ADMIN.values())}
    drawn |= {chip.sign for chip in (*chips.RUN.values(), chips.ON, chips.OFF, chips.REMOVED)}
    drawn |= {chip.sign for chip in (chips.READY, chips.LIMITED)}
    for template in (FOLDER / "templates").rglob("*.html"):
        drawn |= set(re.findall(r'{% icon "([\w-]+)"', template.read_text(encoding="utf-8")))
    assert drawn - known == set()


def test_templates_and_styles_run_nothing_inline() -> None:
    for template in (FOLDER / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        found = re.findall(r"<style|\bstyle=|<script(?![^>]*\bsrc=)|\bon[a-z]+=\"|hx-on", text)
        assert (template.name, found) == (template.name, [])
