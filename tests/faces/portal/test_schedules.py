"""Pages about schedules: states side by side, the form, the switch, running now."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tenantry.core import tenancy
from tenantry.customers.accounts.models import User
from tenantry.work.automation import services as automation
from tenantry.work.schedules import queries, services
from tenantry.work.schedules.models import Schedule, Slot
from tests.faces.company import ACTOR, OPERATOR, Company
from tests.faces.conftest import Browser
from tests.faces.portal.reading import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(browser: Browser, owner: User) -> Client:
    return browser(owner)


def typed(company: Company, **changes: object) -> dict[str, object]:
    return {
        "name": "Evening",
        "connection": str(company.account().id),
        "content": str(company.template().id),
        "weekdays": ["0", "4"],
        "times": ["18:30", "9:05"],
        "zone": "America/New_York",
        "daily_limit": "2",
        **changes,
    }


def created(company: Company) -> list[Schedule]:
    with tenancy.scope(company.tenant.id):
        return [
            standing.schedule
            for standing in queries.list_for_tenant(tenant_id=company.tenant.id, now=company.now)
        ]


def test_list_shows_each_state_by_itself(client: Client, company: Company) -> None:
    company.schedule("Waiting", approved=False)
    company.schedule("Ready")
    page = text_of(client.get(company.url("schedules/")).content.decode())
    assert re.search(
        r"Waiting Waiting · Waiting On In review Signed in approval required planned", page
    )
    assert re.search(
        r"Ready Ready · Ready On Approved Signed in (today|tomorrow) 09:00 Seoul time", page
    )


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_as_many_queries_for_one_as_for_three(
    client: Client,
    company: Company,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(count):
        company.schedule(f"Number {number}")
    client.get(company.url("schedules/"))
    with django_assert_num_queries(14):
        client.get(company.url("schedules/"))


def test_without_account_and_template_the_list_says_what_to_do_first(
    client: Client, company: Company
) -> None:
    page = text_of(client.get(company.url("schedules/")).content.decode())
    assert "something else to do: Connect an account, Write a template." in page


def test_a_schedule_is_made_as_it_was_typed(client: Client, company: Company) -> None:
    answer = client.post(company.url("schedules/new/"), typed(company))
    (made,) = created(company)
    assert answer.headers["Location"] == company.url(f"schedules/{made.id}/")
    assert (made.name, made.weekdays, made.times) == ("Evening", 0b0010001, ["09:05", "18:30"])
    assert (made.zone, made.daily_limit) == ("America/New_York", 2)


@pytest.mark.parametrize(
    ("changes", "said", "kept"),
    [
        ({"times": ["99:99"]}, "“99:99” is not a time of day.", 'value="99:99"'),
        ({"times": []}, "The schedule has no time of day.", 'name="times"'),
        ({"weekdays": []}, "The schedule has no weekday.", 'value="Evening"'),
        ({"zone": "Mars/Base"}, "There is no time zone “Mars/Base”.", 'value="Mars/Base"'),
        ({"connection": ""}, "A schedule needs a connected account", 'value="18:30"'),
        ({"content": ""}, "A schedule needs something to post.", 'value="18:30"'),
        ({"daily_limit": "1000"}, "The daily limit must be between 1 and 10.", 'value="1000"'),
        ({"daily_limit": "many"}, "Enter a whole number.", 'value="many"'),
        ({"name": ""}, "This field is required.", 'value="America/New_York"'),
    ],
)
def test_a_refused_form_says_why_and_keeps_what_was_typed(
    client: Client, company: Company, changes: dict[str, object], said: str, kept: str
) -> None:
    answer = client.post(company.url("schedules/new/"), typed(company, **changes))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert kept in page
    assert created(company) == []


def test_accounts_and_contents_of_others_cannot_be_chosen(
    client: Client, company: Company, other_company: Company
) -> None:
    foreign = {
        "connection": str(other_company.account().id),
        "content": str(other_company.template().id),
    }
    own = typed(company)
    for name, value in foreign.items():
        answer = client.post(company.url("schedules/new/"), {**own, name: value})
        assert (name, answer.status_code) == (name, 422)
    assert created(company) == []


def test_an_edit_starts_from_what_is_stored_and_changes_it(
    client: Client, company: Company
) -> None:
    schedule = company.schedule()
    address = company.url(f"schedules/{schedule.id}/edit/")
    page = client.get(address).content.decode()
    assert 'value="Morning"' in page
    assert 'value="09:00"' in page
    changes = {
        "connection": str(schedule.connection_id),
        "content": str(schedule.content_id),
        "version": str(schedule.version),
    }
    answer = client.post(address, typed(company, **changes))
    assert answer.headers["Location"] == company.url(f"schedules/{schedule.id}/")
    assert [(made.name, made.times) for made in created(company)] == [
        ("Evening", ["09:05", "18:30"])
    ]


def test_an_edit_of_what_somebody_else_edited_is_refused(client: Client, company: Company) -> None:
    schedule = company.schedule()
    address = company.url(f"schedules/{schedule.id}/edit/")
    changes = {
        "connection": str(schedule.connection_id),
        "content": str(schedule.content_id),
        "version": str(schedule.version - 1),
    }
    answer = client.post(address, typed(company, **changes))
    assert answer.status_code == 409
    assert 'value="Evening"' in answer.content.decode()


def test_the_page_of_a_schedule_explains_all_gates_and_the_next_times(
    client: Client, company: Company
) -> None:
    schedule = company.schedule(approved=False)
    page = client.get(company.url(f"schedules/{schedule.id}/")).content.decode()
    text = text_of(page)
    assert page.count('<li class="gate ') == 4
    assert "The schedule awaits an operator's approval. since today" in text
    assert "It opens as soon as an operator approves the schedule." in text
    assert page.count("<li><b><time") == 5
    assert re.search(r"<button[^>]* disabled [^>]*>.*?Run now", page)


def test_the_switch_turns_off_and_on(client: Client, company: Company) -> None:
    schedule = company.schedule()
    address = company.url(f"schedules/{schedule.id}/switch/")
    client.post(address, {"enabled": "no"})
    assert [made.user_enabled for made in created(company)] == [False]
    client.post(address, {"enabled": "yes"})
    assert [made.user_enabled for made in created(company)] == [True]


def test_the_switch_is_locked_with_a_reason_while_the_operators_gate_is_closed(
    client: Client, company: Company
) -> None:
    schedule = company.schedule()
    services.suspend(
        schedule_id=schedule.id, actor=OPERATOR, reason="Too many posts", now=company.now
    )
    client.post(company.url(f"schedules/{schedule.id}/switch/"), {"enabled": "no"})
    page = client.get(company.url(f"schedules/{schedule.id}/")).content.decode()
    assert re.search(r'<button class="switch"[^>]* disabled>', page)
    assert "The switch is locked" in page
    assert "Reason: Too many posts" in page
    answer = client.post(company.url(f"schedules/{schedule.id}/switch/"), {"enabled": "yes"})
    refusal = answer.content.decode()
    assert answer.status_code == 409
    assert "This schedule cannot be turned on: it is suspended. Too many posts" in refusal
    assert [made.user_enabled for made in created(company)] == [False]


def test_a_suspended_schedule_can_be_looked_at_again(client: Client, company: Company) -> None:
    schedule = company.schedule()
    services.suspend(
        schedule_id=schedule.id, actor=OPERATOR, reason="Too many posts", now=company.now
    )
    client.post(company.url(f"schedules/{schedule.id}/review/"))
    assert [made.admin_status for made in created(company)] == ["NEEDS_REVIEW"]


def test_running_now_leads_to_the_run(client: Client, company: Company) -> None:
    schedule = company.schedule()
    answer = client.post(company.url(f"schedules/{schedule.id}/run/"))
    page = text_of(client.get(answer.headers["Location"]).content.decode())
    assert "Morning Queued" in page
    assert "run by hand" in page


def test_running_now_asks_the_same_gates(client: Client, company: Company) -> None:
    schedule = company.schedule()
    automation.disconnect(
        tenant_id=company.tenant.id,
        connection_id=schedule.connection_id,
        actor=ACTOR,
        now=company.now,
    )
    answer = client.post(company.url(f"schedules/{schedule.id}/run/"))
    page = text_of(client.get(answer.headers["Location"]).content.decode())
    assert "Morning Blocked" in page
    assert "The account was disconnected." in page
    with tenancy.scope(company.tenant.id):
        assert list(Slot.objects.values_list("job", flat=True)) == [None]


def test_a_viewer_reads_and_can_do_nothing(
    browser: Browser, viewer: User, company: Company
) -> None:
    schedule = company.schedule()
    client = browser(viewer)
    page = client.get(company.url(f"schedules/{schedule.id}/")).content.decode()
    assert "Run now" not in page
    assert 'role="switch"' not in page
    for act in ("run/", "switch/", "review/", "edit/"):
        answer = client.post(company.url(f"schedules/{schedule.id}/{act}"))
        assert (act, answer.status_code) == (act, 403)
    assert "Your role does not allow this." in answer.content.decode()


@pytest.mark.parametrize("rest", ["", "edit/"])
def test_schedules_of_others_are_not_there(
    client: Client, company: Company, other_company: Company, rest: str
) -> None:
    foreign = other_company.schedule()
    for schedule_id in (foreign.id, uuid4()):
        assert client.get(company.url(f"schedules/{schedule_id}/{rest}")).status_code == 404
