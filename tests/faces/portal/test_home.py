"""The start page and the notices."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tenantry.customers.accounts.models import User
from tenantry.customers.notices import services as notices
from tests.faces.company import Company
from tests.faces.conftest import Browser
from tests.faces.portal.reading import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(browser: Browser, owner: User) -> Client:
    return browser(owner)


def home(client: Client, company: Company) -> str:
    return client.get(company.url()).content.decode()


def marks(page: str) -> list[str]:
    return re.findall(r'<li class="(done|now|later)">', page)


def tell(company: Company, name: str, *, link: str = "") -> None:
    notices.notify(
        tenant_id=company.tenant.id,
        code="schedule_rejected",
        facts={"schedule": name, "reason": "<b>too loud</b>"},
        link=link,
        recipients=[],
        now=company.now,
    )


def test_the_first_steps_open_one_after_the_other(client: Client, company: Company) -> None:
    start = home(client, company)
    assert marks(start) == ["now", "later", "later"]
    assert "0 of 3 done" in start
    assert "Connect an account first." in start
    account = company.account()
    connected = home(client, company)
    assert marks(connected) == ["done", "now", "later"]
    assert "Write a template first." in connected
    template = company.template()
    assert marks(home(client, company)) == ["done", "done", "now"]
    company.schedule(account=account, template=template)
    assert marks(home(client, company)) == []


def test_a_viewer_is_told_who_takes_the_steps(
    browser: Browser, viewer: User, company: Company
) -> None:
    page = text_of(home(browser(viewer), company))
    assert "An owner or administrator does this." in page
    assert "A member of your company does this." in page


def test_a_company_at_work_sees_what_comes_and_what_was(client: Client, company: Company) -> None:
    company.slot(company.schedule("Waiting", approved=False))
    ready = company.schedule("Ready")
    company.published(ready)
    text = text_of(home(client, company))
    assert re.search(r"Next post (today|tomorrow) 09:00 Ready Ready to post 1 / 2", text)
    assert "Posted 1 in seven days Failed 0 in seven days" in text
    assert re.search(r"Coming up All schedules (Waiting|Ready) ", text)
    assert re.search(r"Latest runs All runs (Waiting|Ready) ", text)


@pytest.mark.parametrize("count", [1, 3])
def test_home_takes_as_many_queries_for_one_as_for_three(
    client: Client,
    company: Company,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(count):
        company.published(company.schedule(f"Number {number}"))
        tell(company, f"Number {number}")
    home(client, company)
    with django_assert_num_queries(21):
        home(client, company)


def test_notices_are_counted_until_they_are_read(client: Client, company: Company) -> None:
    tell(company, "Evening", link=company.url("schedules/"))
    address = company.url("notices/")
    page = client.get(address).content.decode()
    assert '<span class="count">1</span>' in page
    assert f'<a class="main" href="{company.url("schedules/")}">' in page
    assert "&lt;b&gt;too loud&lt;/b&gt;" in page
    client.post(f"{address}read/")
    assert '<span class="count">' not in client.get(address).content.decode()


def test_a_viewer_does_not_read_for_the_company(
    browser: Browser, viewer: User, company: Company
) -> None:
    tell(company, "Evening")
    address, watcher = company.url("notices/"), browser(viewer)
    assert watcher.post(f"{address}read/").status_code == 403
    page = watcher.get(address).content.decode()
    assert '<span class="count">1</span>' in page
    assert "Mark all as read" not in page


@pytest.mark.parametrize("count", [1, 3])
def test_notices_take_as_many_queries_for_one_as_for_three(
    client: Client,
    company: Company,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(count):
        tell(company, f"Number {number}")
    with django_assert_num_queries(15):
        client.get(company.url("notices/"))


def test_notices_of_others_are_not_shown(
    client: Client, company: Company, other_company: Company
) -> None:
    tell(other_company, "Secret plan")
    page = client.get(company.url("notices/")).content.decode()
    assert "Secret plan" not in page
    assert "Nothing to tell" in page


def test_the_frame_leads_to_every_part_and_marks_where_we_are(
    client: Client, company: Company
) -> None:
    for rest in ("", "connections/", "cafe/", "schedules/", "runs/", "notices/"):
        page = client.get(company.url(rest)).content.decode()
        side = page[page.index("<aside") : page.index("</aside>")]
        links = re.findall(r'href="([^"]+)"( aria-current="page")?>', side)
        current = [link for link, mark in links if mark]
        assert current == [company.url(rest)]
        assert company.url("cafe/") in [link for link, _mark in links]
