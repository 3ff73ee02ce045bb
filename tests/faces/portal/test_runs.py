"""The log of runs, one run, and its evidence."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tenantry.core import objects, tenancy
from tenantry.customers.accounts.models import User
from tenantry.ledger.audit import queries as audit
from tenantry.work.automation.models import EvidenceKind
from tests.faces.company import ARTICLE, Company
from tests.faces.conftest import Browser
from tests.faces.portal.reading import text_of

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\nnot really"
HTML = b"<script>alert(document.cookie)</script><h1>Write</h1>"


@pytest.fixture
def client(browser: Browser, owner: User) -> Client:
    return browser(owner)


def listed(client: Client, company: Company, query: str = "") -> list[str]:
    page = client.get(company.url(f"runs/{query}")).content.decode()
    return re.findall(r'<a class="main" href="[^"]+">([^<]+)</a>', page)


def test_each_run_has_its_chip_and_its_reason(client: Client, company: Company) -> None:
    company.slot(company.schedule("Waiting", approved=False))
    company.published(company.schedule("Posted"))
    company.failed(company.schedule("Broken"))
    company.slot(company.schedule("Queued"))
    text = text_of(client.get(company.url("runs/")).content.decode())
    assert "Posted Success The post appeared and was read back. Open the post" in text
    assert "Broken Failed The site's page looks different from what we know." in text
    assert "Waiting Blocked The schedule awaits an operator's approval." in text
    assert "Queued Queued The post waits for its turn on the account." in text


def test_filters_let_through_what_they_say(client: Client, company: Company) -> None:
    waiting = company.schedule("Waiting", approved=False)
    company.slot(waiting)
    company.slot(waiting, ago=60 * 24 * 10)
    company.failed(company.schedule("Broken"))
    assert listed(client, company) == ["Broken", "Waiting", "Waiting"]
    assert listed(client, company, "?period=week") == ["Broken", "Waiting"]
    assert listed(client, company, "?status=FAILED") == ["Broken"]
    assert listed(client, company, "?status=SUCCESS") == []
    assert listed(client, company, f"?schedule={waiting.id}") == ["Waiting", "Waiting"]
    assert listed(client, company, "?search=brok") == ["Broken"]
    assert listed(client, company, "?search=UI_CHANGED") == ["Broken"]


@pytest.mark.parametrize(
    "query",
    ["?period=ever", "?status=GONE", "?schedule=1", "?page=x", "?page=99", "?search=%5C%25"],
)
def test_filters_that_make_no_sense_break_nothing(
    client: Client, company: Company, query: str
) -> None:
    company.slot(company.schedule())
    assert client.get(company.url(f"runs/{query}")).status_code == 200


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_as_many_queries_for_one_as_for_three(
    client: Client,
    company: Company,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(count):
        company.published(company.schedule(f"Number {number}"))
    client.get(company.url("runs/"))
    with django_assert_num_queries(15):
        client.get(company.url("runs/"))


def test_long_logs_have_pages_that_keep_the_filters(client: Client, company: Company) -> None:
    waiting = company.schedule("Waiting", approved=False)
    for minutes in range(26):
        company.slot(waiting, ago=minutes)
    query = "?status=BLOCKED&amp;page=2"
    first = client.get(company.url("runs/?status=BLOCKED")).content.decode()
    assert f'rel="next" href="{query}"' in first
    assert len(listed(client, company, "?status=BLOCKED")) == 25
    assert len(listed(client, company, "?status=BLOCKED&page=2")) == 1


def test_a_published_run_shows_the_post_and_what_was_read_back(
    client: Client, company: Company
) -> None:
    slot = company.published(company.schedule())
    page = client.get(company.url(f"runs/{slot.id}/")).content.decode()
    text = text_of(page)
    assert f'<a class="btn primary" href="{ARTICLE}" rel="noopener noreferrer"' in page
    assert "Read back from the site Matches what was sent Title on the page Deal 2026" in text
    assert page.count('<li class="gate open">') == 4
    assert "Sent to the site" in text
    assert slot.trace_id in page


def test_a_failed_run_says_cause_remedy_and_what_happened(client: Client, company: Company) -> None:
    slot = company.failed(company.schedule())
    text = text_of(client.get(company.url(f"runs/{slot.id}/")).content.decode())
    assert "The site's page looks different from what we know. We have to adapt" in text
    assert re.search(r"Attempt 1 began .* Attempt 1 did not succeed", text)
    assert "write button" not in text  # for operators only


def test_a_blocked_run_shows_the_gate_and_has_no_evidence(client: Client, company: Company) -> None:
    slot = company.slot(company.schedule(approved=False))
    page = client.get(company.url(f"runs/{slot.id}/")).content.decode()
    assert page.count('<li class="gate open">') == 3
    assert page.count('<li class="gate closed soft">') == 1
    assert "Nothing was started, so there is nothing to show." in page


def test_evidence_is_shown_by_kind(client: Client, company: Company) -> None:
    slot = company.failed(company.schedule())
    shot = company.evidence(slot, EvidenceKind.SCREENSHOT, PNG, "image/png")
    source = company.evidence(slot, EvidenceKind.HTML, HTML, "text/html; charset=utf-8")
    company.evidence(slot, EvidenceKind.TRACE, b"", "", lost="the browser had crashed")
    page = client.get(company.url(f"runs/{slot.id}/")).content.decode()
    assert f'<img src="{company.url(f"evidence/{shot.id}/")}"' in page
    assert f'href="{company.url(f"evidence/{source.id}/")}?download=1"' in page
    assert "the browser had crashed" in page


@pytest.mark.parametrize(
    ("kind", "media_type", "query", "disposition"),
    [
        (EvidenceKind.SCREENSHOT, "image/png", "", 'inline; filename="screenshot-1.png"'),
        (EvidenceKind.HTML, "text/html; charset=utf-8", "", 'inline; filename="html-1.html"'),
        (
            EvidenceKind.HTML,
            "text/html; charset=utf-8",
            "?download=1",
            'attachment; filename="html-1.html"',
        ),
        (EvidenceKind.TRACE, "application/zip", "", 'attachment; filename="trace-1.zip"'),
    ],
)
def test_evidence_can_do_no_harm(
    client: Client,
    company: Company,
    kind: EvidenceKind,
    media_type: str,
    query: str,
    disposition: str,
) -> None:
    piece = company.evidence(company.failed(company.schedule()), kind, HTML, media_type)
    answer = client.get(company.url(f"evidence/{piece.id}/{query}"))
    assert answer.content == HTML
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Content-Disposition"] == disposition
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert answer.headers["Content-Security-Policy"].endswith("; sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_looking_at_evidence_is_recorded(client: Client, owner: User, company: Company) -> None:
    slot = company.failed(company.schedule())
    piece = company.evidence(slot, EvidenceKind.SCREENSHOT, PNG, "image/png")
    client.get(company.url(f"evidence/{piece.id}/"))
    assert slot.job_id is not None
    with tenancy.scope(company.tenant.id):
        log = [(e.action, e.actor) for e in audit.list_for_target("job", slot.job_id)]
    assert ("automation.evidence.viewed", f"user:{owner.id}") in log


def test_lost_evidence_has_a_page_with_a_remedy(client: Client, company: Company) -> None:
    slot = company.failed(company.schedule())
    piece = company.evidence(slot, EvidenceKind.SCREENSHOT, PNG, "image/png")
    objects.delete(piece.object_key)
    answer = client.get(company.url(f"evidence/{piece.id}/"))
    assert answer.status_code == 404
    assert "removed at the end of its retention" in answer.content.decode()


def test_runs_and_evidence_of_others_are_not_there(
    client: Client, company: Company, other_company: Company
) -> None:
    slot = other_company.failed(other_company.schedule())
    piece = other_company.evidence(slot, EvidenceKind.SCREENSHOT, PNG, "image/png")
    for path in (f"runs/{slot.id}/", f"evidence/{piece.id}/", f"runs/{uuid4()}/"):
        assert (path, client.get(company.url(path)).status_code) == (path, 404)
