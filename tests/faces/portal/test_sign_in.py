"""Signing in with a code by e-mail, as the browser sees it."""

import re
from datetime import datetime

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from tenantry.core import clock
from tenantry.customers.accounts import queries as accounts
from tenantry.customers.accounts import services as people
from tenantry.customers.accounts.models import User
from tenantry.customers.notices import queries as notices
from tenantry.customers.tenants import services as tenants
from tenantry.customers.tenants.models import Tenant
from tests.faces.conftest import Browser
from tests.probes import handle_messages

pytestmark = pytest.mark.django_db

CODE = re.compile(r"[B-Z]{4}-[B-Z]{4}")


def asked(client: Client, email: str, **more: str) -> str:
    """Ask for a code and return the one in the mail."""
    answer = client.post("/sign-in/", {"email": email, **more})
    assert answer.headers["Location"] == "/sign-in/code/"
    handle_messages()
    found = CODE.search(notices.list_captured(to=email)[0].letter.text)
    assert found is not None
    return found[0]


def test_start_leads_strangers_to_the_sign_in() -> None:
    answer = Client().get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in/")


def test_the_only_company_opens_after_the_code(owner: User, tenant: Tenant) -> None:
    client = Client()
    code = asked(client, owner.email)
    answer = client.post("/sign-in/code/", {"code": code})
    assert answer.headers["Location"] == "/companies/"
    assert client.get("/companies/").headers["Location"] == f"/t/{tenant.short_id}/"
    assert client.session["face"] == "portal"


def test_a_person_of_two_companies_chooses(owner: User, tenant: Tenant, now: datetime) -> None:
    client = Client()
    second = tenants.create_tenant(
        name="Second", zone="UTC", language="en", owner=owner, actor="system:test", now=now
    )
    client.post("/sign-in/code/", {"code": asked(client, owner.email)})
    page = client.get("/companies/").content.decode()
    links = re.findall(r'href="(/t/[^"]+)"', page)
    assert links == [f"/t/{tenant.short_id}/", f"/t/{second.short_id}/"]


def test_the_code_may_be_typed_any_way(owner: User, tenant: Tenant) -> None:
    client = Client()
    code = asked(client, owner.email)
    answer = client.post("/sign-in/code/", {"code": f"  {code.lower().replace('-', ' ')} "})
    assert answer.status_code == 302


def test_signing_in_takes_a_new_session_with_nothing_of_the_old(owner: User) -> None:
    client = Client()
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": 1}]
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    client.post("/sign-in/code/", {"code": asked(client, owner.email)})
    assert client.cookies["sessionid"].value != session.session_key
    assert "account_authentication_methods" not in client.session


def test_a_wrong_code_is_refused_with_a_remedy_and_stays_typed(owner: User) -> None:
    client = Client()
    asked(client, owner.email)
    answer = client.post("/sign-in/code/", {"code": "BBBB-CCCC"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This code does not work." in page
    assert "Use the newest code" in page
    assert 'value="BBBB-CCCC"' in page


def test_a_code_is_worth_nothing_in_another_browser(owner: User) -> None:
    code = asked(Client(), owner.email)
    other = Client()
    other.post("/sign-in/", {"email": owner.email})
    assert other.post("/sign-in/code/", {"code": code}).status_code == 422


def test_a_forged_cookie_is_a_new_browser() -> None:
    client = Client()
    client.cookies["sign_in"] = signing.dumps({"browser": "mine"}, salt="another")
    client.get("/sign-in/")
    assert client.get("/sign-in/code/").headers["Location"] == "/sign-in/"


def test_known_and_unknown_addresses_see_the_same(owner: User) -> None:
    pages = []
    for email in (owner.email, "nobody@hanbit.example"):
        client = Client()
        answer = client.post("/sign-in/", {"email": email})
        page = client.get("/sign-in/code/").content.decode().replace(email, "ADDRESS")
        for noise in (r'name="csrfmiddlewaretoken" value="\w+"', r'data-until="[^"]+"'):
            page = re.sub(noise, "", page)
        pages.append((answer.status_code, answer.headers["Location"], page))
    assert pages[0] == pages[1]


def test_what_is_no_address_is_refused_and_stays_typed() -> None:
    answer = Client().post("/sign-in/", {"email": "nobody"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This is not an e-mail address." in page
    assert 'value="nobody"' in page


def test_too_many_codes_are_refused_politely(owner: User) -> None:
    client = Client()
    answers = [client.post("/sign-in/", {"email": owner.email}).status_code for _ in range(6)]
    assert answers == [302, 302, 302, 302, 302, 429]


def test_a_new_code_ends_the_one_before(owner: User) -> None:
    client = Client()
    first = asked(client, owner.email)
    assert client.post("/sign-in/resend/").headers["Location"] == "/sign-in/code/"
    handle_messages()
    assert client.post("/sign-in/code/", {"code": first}).status_code == 422


def test_the_browser_cookie_cannot_be_read_by_scripts() -> None:
    client = Client()
    client.get("/sign-in/")
    cookie = client.cookies["sign_in"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/sign-in/")


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/t/abcdefghjk/runs/?status=FAILED", "/t/abcdefghjk/runs/?status=FAILED"),
        ("https://evil.example/", "/companies/"),
        ("//evil.example/", "/companies/"),
        ("javascript:alert(1)", "/companies/"),
    ],
)
def test_signing_in_goes_on_to_our_own_pages_only(owner: User, wanted: str, reached: str) -> None:
    client = Client()
    code = asked(client, owner.email, next=wanted)
    assert client.post("/sign-in/code/", {"code": code}).headers["Location"] == reached


def test_signing_out_ends_the_session(browser: Browser, owner: User) -> None:
    client = browser(owner)
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert client.get("/companies/").headers["Location"] == "/sign-in/?next=%2Fcompanies%2F"


def test_an_operator_who_signs_in_here_gets_no_console(operator: User) -> None:
    client = Client()
    client.post("/sign-in/code/", {"code": asked(client, operator.email)})
    assert client.get("/companies/").status_code == 200
    answer = client.get("/console/")
    assert answer.headers["Location"].startswith("/console/sign-in/")


def test_a_session_of_another_face_opens_no_page_here(owner: User, tenant: Tenant) -> None:
    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(f"/t/{tenant.short_id}/notices/")
    assert answer.headers["Location"].startswith("/sign-in/")


def test_a_person_without_a_company_is_told_what_to_do(browser: Browser, owner: User) -> None:
    page = browser(owner).get("/companies/").content.decode()
    assert "No company yet" in page
    assert "Ask its owner or administrator" in page


def test_the_language_is_kept_in_the_browser_and_with_the_person(
    browser: Browser, owner: User
) -> None:
    client = browser(owner)
    answer = client.post("/preferences/", {"language": "ko", "next": "/companies/"})
    assert answer.headers["Location"] == "/companies/"
    assert client.cookies["language"].value == "ko"
    assert accounts.get_user(owner.id).language == "ko"
    assert '<html lang="ko"' in client.get("/companies/").content.decode()


def test_a_person_is_spoken_to_in_their_language_in_a_fresh_browser(
    browser: Browser, owner: User
) -> None:
    people.set_language(user=owner, language="ko", actor="system:test", now=clock.now())
    assert '<html lang="ko"' in browser(owner).get("/companies/").content.decode()


@pytest.mark.parametrize(
    ("theme", "attribute"), [("dark", ' data-theme="dark"'), ("auto", ""), ("'><script>", "")]
)
def test_the_colours_are_kept_in_the_browser(theme: str, attribute: str) -> None:
    client = Client()
    client.post("/preferences/", {"theme": theme})
    page = client.get("/sign-in/").content.decode()
    assert re.search(r'<html lang="en"(.*?)>', page)[1] == attribute  # type: ignore[index]  # there is one


def test_the_remaining_life_of_the_code_is_shown(owner: User) -> None:
    client = Client()
    asked(client, owner.email)
    page = client.get("/sign-in/code/").content.decode()
    until = re.search(r'data-until="([^"]+)"', page)
    assert until is not None
    left = (datetime.fromisoformat(until[1]) - timezone.now()).total_seconds()
    assert 590 <= left <= 600
