"""One id for one journey; hostile headers start a new one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.core import trace

GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_good_traceparent_is_continued_with_a_new_span() -> None:
    with trace.start(GOOD) as hop:
        assert hop.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert hop.span_id != "00f067aa0ba902b7"
        assert trace.current() == hop


def test_a_later_version_with_more_fields_is_continued() -> None:
    assert trace.continued("01" + GOOD[2:] + "-more").trace_id == GOOD[3:35]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "garbage",
        GOOD.upper(),
        GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        GOOD.replace("00f067aa0ba902b7", "0" * 16),
        "ff" + GOOD[2:],
        GOOD + "\r\nset-cookie: a=b",
        GOOD + "-" + "x" * 300,
        GOOD[:-1],
    ],
)
def test_a_bad_traceparent_starts_a_new_journey(header: str | None) -> None:
    fresh = trace.continued(header)
    assert fresh.trace_id != GOOD[3:35]
    assert re.fullmatch(r"[0-9a-f]{32}", fresh.trace_id)


@given(st.text(max_size=400))
def test_any_header_gives_a_well_formed_trace(header: str) -> None:
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", trace.continued(header).traceparent)
