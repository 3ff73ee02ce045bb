"""Variables: total, exact, and closed."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry_cafe.errors import UnknownVariable
from tenantry_cafe.variables import VARIABLES, is_korean, render, require_known, values

# 00:30 on Sunday in Seoul is still Saturday in UTC.
AT = datetime(2026, 3, 7, 15, 30, tzinfo=UTC).astimezone(ZoneInfo("Asia/Seoul"))

plain = st.text().filter(lambda text: "{{" not in text)
moments = st.datetimes(timezones=st.timezones())
piece = st.one_of(
    st.text(st.characters(exclude_characters="{}\\")),
    st.sampled_from(VARIABLES).map(lambda name: f"{{{{{name}}}}}"),
    st.sampled_from(VARIABLES).map(lambda name: f"{{{{ {name}\t}}}}"),
    st.just("\\{{"),
)
valid = st.lists(piece).map("".join)


def test_values_are_those_of_the_zone() -> None:
    assert values(AT, korean=False) == {
        "today": "March 8, 2026",
        "date": "2026-03-08",
        "year": "2026",
        "month": "3",
        "day": "8",
        "weekday": "Sunday",
        "time": "00:30",
        "hour": "0",
        "minute": "30",
    }


def test_korean_text_gets_korean_names() -> None:
    korean = values(AT, korean=True)
    assert (korean["today"], korean["weekday"]) == ("2026년 3월 8일", "일요일")
    assert [is_korean("a", "오늘"), is_korean("ㅋㅋ"), is_korean("今日", "Today")] == [
        True,
        True,
        False,
    ]


def test_render_fills_in_and_unescapes() -> None:
    text = r"{{ weekday }}, {{date}} at {{time}}: \{{date}} {date} }}"
    shown = "Sunday, 2026-03-08 at 00:30: {{date}} {date} }}"
    assert render(text, at=AT, korean=False) == shown


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("{{now}}", "{{now}}"),
        ("{{Date}}", "{{Date}}"),
        ("{{}}", "{{}}"),
        ("a {{ b", "{{"),
        ("{{date", "{{"),
        ("{{date}", "{{"),
        ("{{\ndate}}", "{{"),
        ("{{{{date}}}}", "{{"),
        (r"\{{date}} {{never}}", "{{never}}"),
        ("{{" + "x" * 500 + "}}", "{{" + "x" * 38),
    ],
)
def test_unknown_variable_is_refused_with_the_known_ones(text: str, variable: str) -> None:
    for act in (
        lambda: require_known("fine", text),
        lambda: render(text, at=AT, korean=False),
    ):
        with pytest.raises(UnknownVariable) as caught:
            act()
        assert caught.value.text() == f"There is no variable “{variable}”."
        assert "{{today}}, {{date}}, {{year}}" in caught.value.remedy_text()


@given(valid, moments, st.booleans())
def test_whatever_may_be_saved_can_be_rendered(text: str, at: datetime, korean: bool) -> None:
    require_known(text)
    shown = render(text, at=at, korean=korean)
    assert re.search(r"\{\{\s*\w+\s*\}\}", shown) is None


@given(st.text(), moments)
def test_saving_and_rendering_refuse_the_same(text: str, at: datetime) -> None:
    def accepts(act: object) -> bool:
        try:
            act()  # type: ignore[operator]  # a lambda of the lines below
        except UnknownVariable:
            return False
        return True

    rendered = accepts(lambda: render(text, at=at, korean=False))
    assert accepts(lambda: require_known(text)) is rendered


@given(plain, moments)
def test_text_without_variables_stays_as_it_is(text: str, at: datetime) -> None:
    once = render(text, at=at, korean=True)
    assert (once, render(once, at=at, korean=True)) == (text, text)


@given(valid, moments, st.booleans())
def test_variables_bring_no_markup_with_them(text: str, at: datetime, korean: bool) -> None:
    shown = render(text, at=at, korean=korean)
    assert [shown.count(sign) for sign in "<>&\"'"] == [text.count(sign) for sign in "<>&\"'"]
    assert set(re.sub(r"[\w ,:-]", "", "".join(values(at, korean=korean).values()))) == set()
