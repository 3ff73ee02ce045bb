"""The cookie of a journey: what we signed comes back whole, everything else counts as none."""

from dataclasses import replace
from uuid import UUID

import pytest
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from tenantry.core import journey, trace
from tenantry.core.journey import Journey

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
COOKIE = "journey"
_SALT = "tenantry.journey"


def cookie_of(led: Journey) -> str:
    response = HttpResponse()
    journey.keep(response, led)
    return str(response.cookies[COOKIE].value)


def answered(cookie: str, **headers: str) -> HttpResponse:
    """Let the middleware answer a request that carries a cookie."""
    seen: list[str] = []

    def view(_request: HttpRequest) -> HttpResponse:
        seen.append(trace.current().trace_id)
        return HttpResponse()

    request = RequestFactory().get("/trial/", headers=headers)
    request.COOKIES[COOKIE] = cookie
    response = trace.TraceMiddleware(view)(request)
    assert isinstance(response, HttpResponse)
    assert seen == [response.headers[trace.HEADER]]
    return response


def test_a_journey_comes_back_whole() -> None:
    led = journey.begin(trace_id=TRACE)
    assert journey.read({COOKIE: cookie_of(led)}) == led


def test_every_journey_has_a_browser_of_its_own() -> None:
    first, second = journey.begin(trace_id=TRACE), journey.begin(trace_id=TRACE)
    assert first.browser != second.browser
    assert first.id != second.id


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "nonsense",
        signing.dumps({"id": "1"}, salt=_SALT),
        signing.dumps(["id"], salt=_SALT),
        signing.dumps({"id": "no uuid", "browser": "b", "trace_id": TRACE}, salt=_SALT),
        signing.dumps({"id": str(UUID(int=1)), "browser": "b", "trace_id": TRACE}, salt="other"),
    ],
    ids=["empty", "nonsense", "too little", "a list", "no id", "of another purpose"],
)
def test_what_we_did_not_sign_is_no_journey(cookie: str) -> None:
    assert journey.read({COOKIE: cookie}) is None
    assert answered(cookie).headers[trace.HEADER] != TRACE


def test_a_journeys_trace_is_continued_whatever_the_header_says() -> None:
    cookie = cookie_of(journey.begin(trace_id=TRACE))
    other = f"00-{'ab' * 16}-00f067aa0ba902b7-01"
    assert answered(cookie, traceparent=other).headers[trace.HEADER] == TRACE


def test_a_trace_that_is_none_begins_a_new_one() -> None:
    led = replace(journey.begin(trace_id=TRACE), trace_id="not hex")
    assert len(answered(cookie_of(led)).headers[trace.HEADER]) == 32


def test_forgetting_takes_the_cookie_where_it_was_kept() -> None:
    response = HttpResponse()
    journey.forget(response)
    morsel = response.cookies[COOKIE]
    assert (morsel["path"], morsel["max-age"]) == ("/trial", 0)
