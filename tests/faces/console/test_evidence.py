"""Evidence is looked at by operators only, recorded, and never runs as a page of ours."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from tenantry.core import objects, tenancy
from tenantry.customers.accounts.models import User
from tenantry.ledger.audit.models import AuditEntry
from tenantry.work.automation.models import Evidence, EvidenceKind
from tests.faces.company import Company

PAGE = b"<h1>Write</h1><script>alert(1)</script>"
SignIn = Callable[..., Client]


def stored(company: Company, kind: EvidenceKind, data: bytes, media_type: str) -> Evidence:
    return company.evidence(company.failed(company.schedule()), kind, data, media_type)


def address(piece: Evidence) -> str:
    return f"/console/evidence/{piece.tenant_id}/{piece.id}/"


def viewings() -> list[tuple[str, str]]:
    with tenancy.platform("test"):
        entries = AuditEntry.objects.filter(action="automation.evidence.viewed")
        return [(entry.actor, entry.target_id) for entry in entries]


@pytest.mark.parametrize(
    ("kind", "given", "shown", "disposition"),
    [
        (EvidenceKind.SCREENSHOT, "image/png", "image/png", "inline"),
        (EvidenceKind.HTML, "text/html", "text/html; charset=utf-8", "inline"),
        (EvidenceKind.TRACE, "application/zip", "application/octet-stream", "attachment"),
        (EvidenceKind.HTML, "image/svg+xml", "application/octet-stream", "attachment"),
    ],
)
def test_it_is_shown_without_any_power(
    sign_in: SignIn, company: Company, kind: EvidenceKind, given: str, shown: str, disposition: str
) -> None:
    answer = sign_in().get(address(stored(company, kind, PAGE, given)))
    assert (answer.status_code, answer.content) == (200, PAGE)
    assert answer.headers["Content-Type"] == shown
    assert answer.headers["Content-Disposition"].startswith(disposition)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "no-store" in answer.headers["Cache-Control"]


def test_every_look_is_recorded(sign_in: SignIn, company: Company) -> None:
    piece, browser = stored(company, EvidenceKind.HTML, PAGE, "text/html"), sign_in()
    assert viewings() == []
    browser.get(address(piece))
    browser.get(address(piece))
    operator = User.objects.get(email="operator@tenantry.example")
    assert viewings() == [(f"operator:{operator.id}", str(piece.job_id))] * 2


def test_nobody_else_sees_or_records_anything(company: Company, owner: User) -> None:
    piece = stored(company, EvidenceKind.HTML, PAGE, "text/html")
    customer = Client()
    customer.force_login(owner)
    for visitor in (Client(), customer):
        answer = visitor.get(address(piece))
        assert answer.headers["Location"].startswith("/console/sign-in/")
        assert PAGE not in answer.content
    assert viewings() == []


def test_what_is_not_there_is_404(
    sign_in: SignIn, company: Company, other_company: Company
) -> None:
    piece, browser = stored(company, EvidenceKind.HTML, PAGE, "text/html"), sign_in()
    foreign = f"/console/evidence/{other_company.tenant.id}/{piece.id}/"
    nothing = f"/console/evidence/{piece.tenant_id}/{uuid4()}/"
    for path in (foreign, nothing):
        assert browser.get(path).status_code == 404
    objects.delete(piece.object_key)
    assert browser.get(address(piece)).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "head", "delete"])
def test_other_methods_are_refused(sign_in: SignIn, company: Company, method: str) -> None:
    piece = stored(company, EvidenceKind.HTML, PAGE, "text/html")
    assert getattr(sign_in(), method)(address(piece)).status_code == 405
    assert viewings() == []


@pytest.mark.django_db(transaction=True)
def test_the_store_is_read_outside_of_any_transaction(
    sign_in: SignIn, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = stored(company, EvidenceKind.HTML, PAGE, "text/html")
    inside: list[bool] = []
    read = objects.get

    def noted(key: str) -> bytes:
        inside.append(connection.in_atomic_block)
        return read(key)

    monkeypatch.setattr(objects, "get", noted)
    assert sign_in().get(address(piece)).status_code == 200
    assert inside == [False]


def test_a_job_leads_to_its_evidence_and_says_what_was_lost(
    sign_in: SignIn, company: Company
) -> None:
    slot = company.failed(company.schedule())
    piece = company.evidence(slot, EvidenceKind.SCREENSHOT, PAGE, "image/png")
    company.evidence(slot, EvidenceKind.TRACE, b"", "", lost="The store was full")
    page = sign_in().get(f"/console/automation/job/{slot.job_id}/").content.decode()
    assert address(piece) in page
    assert "The store was full" in page
    assert viewings() == []
