"""Pages about accounts on outside sites."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tenantry.core import tenancy
from tenantry.customers.accounts.models import User
from tenantry.work.automation import queries
from tenantry.work.automation.models import Connection
from tests.faces.company import PASSWORD, Company
from tests.faces.conftest import Browser
from tests.faces.portal.reading import text_of

pytestmark = pytest.mark.django_db

TYPED = {
    "connector": "cafe/browser",
    "account": "hanbit",
    "password": PASSWORD,
    "label": "Main",
    "consent": "on",
}


@pytest.fixture
def client(browser: Browser, owner: User) -> Client:
    return browser(owner)


def connected(company: Company) -> list[Connection]:
    with tenancy.scope(company.tenant.id):
        return list(queries.list_connections(tenant_id=company.tenant.id))


def test_an_empty_list_offers_the_first_step(client: Client, company: Company) -> None:
    page = client.get(company.url("connections/")).content.decode()
    assert "No account yet" in page
    assert f'href="{company.url("connections/new/")}"' in page


def test_cards_show_state_check_and_expiry_and_hide_the_account(
    client: Client, company: Company
) -> None:
    alive = company.account("Main")
    company.account("Lost", alive=False)
    page = client.get(company.url("connections/")).content.decode()
    text = text_of(page)
    assert "Main Cafe account · se•••••• Signed in Last checked now Signed in until" in text
    assert "Lost Cafe account · se•••••• Needs you Last checked now Signed in until \u2013" in text
    assert "The site wants to see a person" in text
    assert alive.account not in page


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_as_many_queries_for_one_as_for_three(
    client: Client,
    company: Company,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(count):
        company.account(f"Number {number}")
    with django_assert_num_queries(13):
        client.get(company.url("connections/"))


def test_connecting_signs_in_and_shows_how_it_goes(client: Client, company: Company) -> None:
    answer = client.post(company.url("connections/new/"), TYPED)
    (made,) = connected(company)
    assert answer.headers["Location"] == company.url(f"connections/{made.id}/")
    page = client.get(answer.headers["Location"]).content.decode()
    assert "We are signing in." in page
    assert PASSWORD not in page
    assert (made.account, made.label, made.session_state) == ("hanbit", "Main", "PENDING")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"consent": ""}, "Without this we may not sign in for you."),
        ({"password": ""}, "This field is required."),
        ({"account": "   "}, "This field is required."),
        ({"account": "x" * 121}, "at most 120 characters"),
    ],
)
def test_a_refused_form_keeps_the_account_and_never_the_password(
    client: Client, company: Company, changes: dict[str, str], said: str
) -> None:
    answer = client.post(company.url("connections/new/"), {**TYPED, **changes})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert 'value="Main"' in page
    assert PASSWORD not in page
    assert connected(company) == []


def test_a_second_sign_in_at_the_same_time_is_refused_with_a_remedy(
    client: Client, company: Company
) -> None:
    client.post(company.url("connections/new/"), TYPED)
    answer = client.post(company.url("connections/new/"), TYPED)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert 'role="alert"' in page
    assert 'value="hanbit"' in page
    assert len(connected(company)) == 1


def test_signing_in_again_keeps_the_account(client: Client, company: Company) -> None:
    lost = company.account("Lost", alive=False)
    address = company.url(f"connections/{lost.id}/sign-in/")
    assert f'value="{lost.account}"' in client.get(address).content.decode()
    client.post(address, {"account": "another", "password": PASSWORD, "consent": "on"})
    assert [(c.id, c.account, c.session_state) for c in connected(company)] == [
        (lost.id, lost.account, "PENDING")
    ]


def test_a_test_only_looks(client: Client, company: Company) -> None:
    account = company.account()
    answer = client.post(company.url(f"connections/{account.id}/check/"))
    page = client.get(answer.headers["Location"]).content.decode()
    assert "It only looks; nothing is posted." in page
    with tenancy.scope(company.tenant.id):
        kinds = [job.kind for job in queries.list_jobs(tenant_id=company.tenant.id)]
    assert kinds == ["connection.check", "connection.sign_in"]


def test_a_test_without_a_saved_sign_in_is_refused(client: Client, company: Company) -> None:
    lost = company.account("Lost", alive=False)
    answer = client.post(company.url(f"connections/{lost.id}/check/"))
    page = client.get(company.url(f"connections/{lost.id}/")).content.decode()
    assert answer.status_code == 409
    assert re.search(r'<button class="btn" disabled>.*?Test connection', page)


def test_the_history_names_what_happened_and_nobody_by_name(
    browser: Browser, client: Client, viewer: User, company: Company
) -> None:
    client.post(company.url("connections/new/"), TYPED)
    (made,) = connected(company)
    address = company.url(f"connections/{made.id}/")
    own = text_of(client.get(address).content.decode())
    other = text_of(browser(viewer).get(address).content.decode())
    assert re.search(r"History Account connected today \d\d:\d\d · you", own)
    assert re.search(r"History Account connected today \d\d:\d\d · a colleague", other)


def test_disconnecting_forgets_the_account(client: Client, company: Company) -> None:
    account = company.account()
    answer = client.post(company.url(f"connections/{account.id}/disconnect/"))
    assert answer.headers["Location"] == company.url("connections/")
    assert connected(company) == []
    assert client.get(company.url(f"connections/{account.id}/")).status_code == 404


@pytest.mark.parametrize(
    ("act", "member_status", "viewer_status"),
    [("new/", 403, 403), ("{id}/sign-in/", 403, 403), ("{id}/disconnect/", 403, 403)],
)
def test_only_owners_and_administrators_manage_accounts(
    browser: Browser,
    member: User,
    viewer: User,
    company: Company,
    act: str,
    member_status: int,
    viewer_status: int,
) -> None:
    account = company.account()
    address = company.url(f"connections/{act.format(id=account.id)}")
    statuses = [browser(person).post(address, TYPED).status_code for person in (member, viewer)]
    assert statuses == [member_status, viewer_status]
    assert [c.id for c in connected(company)] == [account.id]


def test_accounts_of_others_are_not_there(
    client: Client, company: Company, other_company: Company
) -> None:
    foreign = other_company.account()
    for connection_id in (foreign.id, uuid4()):
        address = company.url(f"connections/{connection_id}/")
        assert client.get(address).status_code == 404
        assert client.post(f"{address}check/").status_code == 404
        assert client.post(f"{address}disconnect/").status_code == 404
        assert client.get(f"{address}sign-in/").status_code == 404
    assert [c.id for c in connected(other_company)] == [foreign.id]
