"""What strangers, forgers and broken requests see."""

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from tenantry.customers.accounts.models import User
from tenantry.customers.tenants.models import Tenant
from tests.faces.conftest import Browser

pytestmark = pytest.mark.django_db

TRACE = re.compile(r"[0-9a-f]{32}")
NOISE = re.compile(r"[0-9a-f]{32}|name=\"csrfmiddlewaretoken\" value=\"\w+\"")


def notices_of(tenant: Tenant) -> str:
    return reverse("portal:notices", args=[tenant.short_id])


def test_a_stranger_sees_the_same_as_at_a_missing_address(
    browser: Browser, stranger: User, tenant: Tenant
) -> None:
    client = browser(stranger)
    pages = []
    for short_id in (tenant.short_id, "zzzzzzzzzz"):
        answer = client.get(f"/t/{short_id}/notices/")
        page = NOISE.sub("", answer.content.decode()).replace(short_id, "")
        pages.append((answer.status_code, page))
    assert pages[0] == pages[1]
    assert pages[0][0] == 404


def test_somebody_signed_out_is_led_to_the_sign_in_and_back(tenant: Tenant) -> None:
    address = notices_of(tenant)
    answer = Client().get(address)
    assert answer.headers["Location"] == f"/sign-in/?next=%2Ft%2F{tenant.short_id}%2Fnotices%2F"


def test_a_signed_out_part_of_a_page_takes_the_whole_page_along(tenant: Tenant) -> None:
    answer = Client().get(notices_of(tenant), headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith("/sign-in/")


def test_a_program_gets_a_problem(tenant: Tenant) -> None:
    answer = Client().get(notices_of(tenant), headers={"Accept": "application/json"})
    problem = json.loads(answer.content)
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert (problem["code"], problem["status"]) == ("sign_in_needed", 401)
    assert problem["trace_id"] == answer.headers["x-trace-id"]


def test_a_missing_token_is_refused_with_a_remedy(browser: Browser, owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = browser(owner).cookies
    answer = client.post("/sign-out/")
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "This form is no longer valid, so nothing was changed." in page
    assert "reload the page and send the form again" in page
    assert answer.headers["x-trace-id"] in page
    assert client.get("/companies/").status_code == 200


def test_an_unknown_address_has_a_page_with_its_trace() -> None:
    answer = Client().get("/nothing/here/")
    assert answer.status_code == 404
    assert answer.headers["x-trace-id"] in answer.content.decode()


def test_a_bug_has_a_page_with_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_request: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    monkeypatch.setattr("tenantry.faces.portal.views.sign_in.visitor_of", broken)
    answer = Client(raise_request_exception=False).get("/sign-in/")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "Something broke on our side." in page
    assert "planted" not in page
    assert answer.headers["x-trace-id"] in page


@pytest.mark.parametrize(
    "traceparent",
    ["", "rubbish", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "ff-" + "a" * 32, "é" * 300],
)
def test_a_bad_traceparent_starts_a_new_journey(traceparent: str) -> None:
    answer = Client().get("/sign-in/", headers={"traceparent": traceparent})
    assert answer.status_code == 200
    assert TRACE.fullmatch(answer.headers["x-trace-id"])


def test_a_good_traceparent_is_continued() -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    traceparent = f"00-{trace_id}-00f067aa0ba902b7-01"
    answer = Client().get("/sign-in/", headers={"traceparent": traceparent})
    assert answer.headers["x-trace-id"] == trace_id


def test_pages_run_nothing_inline_and_talk_to_us_alone(browser: Browser, owner: User) -> None:
    answer = browser(owner).get("/companies/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "connect-src 'self' http://127.0.0.1:8001;" in policy
    assert "frame-ancestors 'none'" in policy
    page = answer.content.decode()
    assert re.findall(r"<style|\bstyle=|<script(?![^>]*\bsrc=)|\bon\w+=", page) == []
    assert "no-store" in answer.headers["Cache-Control"]


def test_an_oversized_body_is_refused_with_a_remedy(browser: Browser, owner: User) -> None:
    kind = "application/x-www-form-urlencoded"
    answer = browser(owner).post("/preferences/", "theme=" + "x" * 1_000_001, content_type=kind)
    page = answer.content.decode()
    assert answer.status_code == 413
    assert "shorten the text" in page
    assert answer.headers["x-trace-id"] in page


def test_a_host_that_is_not_ours_is_refused() -> None:
    answer = Client().get("/sign-in/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "The request cannot be understood." in answer.content.decode()


def test_health_answers_with_the_database() -> None:
    answer = Client().get("/health/")
    assert (answer.status_code, json.loads(answer.content)) == (
        200,
        {"status": "ok", "database": "ok"},
    )


def test_an_address_with_a_nul_is_malformed(browser: Browser, owner: User, tenant: Tenant) -> None:
    client, runs = browser(owner), reverse("portal:runs", args=[tenant.short_id])
    for address in (f"{runs}?search=a%00b", f"{runs}?%00=", f"{runs}%00/", "/nowhere%00/"):
        answer = client.get(address)
        assert answer.status_code == 400, address
        assert "The request cannot be understood." in answer.content.decode()
        assert "Content-Security-Policy" in answer.headers
