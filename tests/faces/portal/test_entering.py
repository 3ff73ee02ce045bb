"""The ways in: from the trial, by the link of a mail, and on into the company's instance."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http.response import HttpResponseBase
from django.test import Client

from tenantry.core import clock, tenancy
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.models import User
from tenantry.customers.notices import queries as notices
from tenantry.customers.tenants import services as tenants
from tenantry.customers.tenants.models import Tenant
from tenantry.customers.tenants.states import Role
from tenantry.fleet.gateway import services as gateway
from tenantry.fleet.provisioning import services as provisioning
from tenantry.fleet.provisioning.models import Condition
from tenantry.fleet.provisioning.states import ConditionStatus, ConditionType, RunKind
from tenantry.journeys.onboarding.models import Registration
from tenantry.ledger.funnel.models import FunnelEvent
from tests.faces.conftest import Browser
from tests.faces.portal.reading import text_of
from tests.faces.site.conftest import driver, names, regions, served, stranger_at_trial
from tests.faces.site.stranger import COMPANY, Stranger

__all__ = ["driver", "names", "regions", "served", "stranger_at_trial"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def arrived(stranger_at_trial: Stranger) -> Stranger:
    stranger_at_trial.arrives()
    return stranger_at_trial


@pytest.fixture
def home(arrived: Stranger) -> str:
    return f"/t/{tenant_of(arrived).short_id}/"


def tenant_of(stranger: Stranger) -> Tenant:
    tenant_id = stranger.registration.tenant_id
    assert tenant_id is not None
    with tenancy.platform("look"):
        return Tenant.objects.get(id=tenant_id)


def entered(stranger: Stranger) -> int:
    with tenancy.platform("look"):
        events = FunnelEvent.objects.filter(subject=stranger.registration.id, step="entered")
        return events.count()


def lead_in(answer: HttpResponseBase, home: str) -> bool:
    """Say whether an answer is a ticket that lets the browser in at the company's own name."""
    where = urlsplit(answer.headers["Location"])
    assert where.netloc == f"tenant-{home.strip('/')[2:]}.localhost:8080"
    assert where.path == "/.tenantry/enter"
    (token,) = parse_qs(where.query)["ticket"]
    host = str(where.hostname)
    return gateway.redeem_ticket(token=token, host=host, now=clock.now()).host == host


def suspend(stranger: Stranger, reason: str = "The invoice of October is open.") -> None:
    run = provisioning.start_run(
        tenant_id=tenant_of(stranger).id,
        kind=RunKind.SUSPEND,
        actor="operator:0",
        reason=reason,
        now=clock.now() + timedelta(minutes=5),
    )
    stranger.drive_run(run)


def test_the_browser_that_proved_the_address_comes_in(arrived: Stranger, home: str) -> None:
    answer = arrived.client.post("/trial/enter/", {"to": "portal"})
    assert answer.headers["Location"] == home
    assert arrived.client.session["face"] == "portal"
    assert "Your ERP" in arrived.sees(home)
    assert entered(arrived) == 0


def test_it_may_go_straight_into_the_instance_again_and_again(arrived: Stranger, home: str) -> None:
    for _time in range(2):
        answer = arrived.client.post("/trial/enter/", {"to": "instance"})
        assert lead_in(answer, home)
    assert entered(arrived) == 1


def test_another_browser_with_the_same_journey_does_not(arrived: Stranger) -> None:
    with tenancy.platform("arrange"):
        Registration.objects.update(browser_hash="0" * 64)
    answer = arrived.client.post("/trial/enter/")
    assert answer.status_code == 404
    assert "This browser has no running registration." in answer.content.decode()
    assert "sessionid" not in arrived.client.cookies


def test_it_is_too_early_before_it_is_ready(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.settles()
    answer = stranger_at_trial.client.post("/trial/enter/")
    assert answer.status_code == 409
    assert "sessionid" not in stranger_at_trial.client.cookies


def test_long_after_the_proof_a_code_is_asked_for(arrived: Stranger) -> None:
    with tenancy.platform("let time pass"):
        Registration.objects.update(verified_at=clock.now() - timedelta(days=3))
    answer = arrived.client.post("/trial/enter/", follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == "/sign-in/?next=%2Fcompanies%2F"
    assert "Your address was proven too long ago" in page
    assert "face" not in arrived.client.session


def test_who_is_signed_in_needs_no_proof_again(arrived: Stranger, home: str) -> None:
    arrived.client.post("/trial/enter/")
    with tenancy.platform("let time pass"):
        Registration.objects.update(verified_at=clock.now() - timedelta(days=3))
    assert arrived.client.post("/trial/enter/").headers["Location"] == home


def link_of(email: str = COMPANY) -> str:
    letter = notices.list_captured(to=email).order_by("-captured_at", "-id")[0].letter
    found = re.search(r"http://127.0.0.1:8000(/welcome/[\w-]+/)", letter.text)
    assert found is not None
    return found[1]


def test_the_link_of_the_mail_signs_in_once_in_any_browser(arrived: Stranger, home: str) -> None:
    link, reader = link_of(), Client()
    for _look in range(2):
        page = text_of(reader.get(link).content.decode())
        assert "“Hanbit Phones” is waiting for you" in page
        assert COMPANY in page
    assert reader.post(link, {"to": "portal"}).headers["Location"] == home
    assert reader.session["face"] == "portal"
    # Again, it leads whoever is signed in to where he belongs, and others to the sign-in.
    assert reader.get(link).headers["Location"] == "/companies/"
    for answer in (Client().get(link), Client().post(link)):
        assert answer.status_code == 410
        page = answer.content.decode()
        assert "This link was used already or is too old." in page
        assert 'href="/sign-in/"' in page


def test_the_link_leads_into_the_instance_too(arrived: Stranger, home: str) -> None:
    assert lead_in(Client().post(link_of(), {"to": "instance"}), home)


def test_a_person_of_several_companies_chooses_after_the_link(
    arrived: Stranger, other_tenant: Tenant
) -> None:
    with tenancy.platform("look"):
        owner = User.objects.get(email=COMPANY)
    tenants.add_member(
        tenant_id=other_tenant.id,
        user=owner,
        role=Role.MEMBER,
        actor="system:test",
        now=clock.now(),
    )
    reader, link = Client(), link_of()
    assert 'value="instance"' not in reader.get(link).content.decode()
    assert reader.post(link, {"to": "instance"}).headers["Location"] == "/companies/"


def test_a_link_replaces_whoever_was_signed_in(
    browser: Browser, operator: User, owner: User, now: object
) -> None:
    client = browser(operator)
    token = accounts.issue_link(user=owner, actor="system:test", now=clock.now())
    client.post(f"/welcome/{token}/")
    assert client.session["_auth_user_id"] == str(owner.id)


def test_the_card_shows_state_address_and_conditions(arrived: Stranger, home: str) -> None:
    arrived.client.post("/trial/enter/")
    text = text_of(arrived.sees(home))
    host = f"tenant-{home.strip('/')[2:]}.localhost"
    assert f"Your ERP {host} Running It runs It answers as yours" in text
    assert "since today" in text
    assert "Open your ERP" in text


def test_the_card_of_a_disturbed_instance_says_what_does_not_work(
    arrived: Stranger, home: str
) -> None:
    arrived.client.post("/trial/enter/")
    with tenancy.platform("arrange"):
        Condition.objects.filter(type=ConditionType.ALIVE).update(
            status=ConditionStatus.FALSE,
            reason="INSTANCE_DEAD",
            last_transition_at=clock.now() - timedelta(minutes=7),
        )
        Tenant.objects.filter(id=tenant_of(arrived).id).update(state="degraded")
    text = text_of(arrived.sees(home))
    assert "Disturbed Something does not work at the moment." in text
    assert "It does not run 7 min ago" in text


def test_a_suspended_company_sees_why_and_what_opens_it(arrived: Stranger, home: str) -> None:
    arrived.client.post("/trial/enter/")
    suspend(arrived)
    text = text_of(arrived.sees(home))
    assert "An operator has suspended this instance. Your data is kept." in text
    assert "Reason: The invoice of October is open." in text
    assert "Clear up the reason with us; then an operator opens it again." in text
    assert "Open your ERP" not in text
    refused = arrived.client.post(f"{home}instance/open/")
    assert refused.status_code == 403
    assert "suspended" in refused.content.decode()
    assert arrived.client.post("/trial/enter/", {"to": "instance"}).headers["Location"] == home
    assert entered(arrived) == 0


def test_a_company_that_is_being_set_up_says_so(
    stranger_at_trial: Stranger, browser: Browser
) -> None:
    stranger_at_trial.settles()
    tenant = tenant_of(stranger_at_trial)
    with tenancy.platform("look"):
        owner = User.objects.get(email=COMPANY)
    text = text_of(browser(owner).get(f"/t/{tenant.short_id}/").content.decode())
    assert "Your ERP Being set up It is being set up." in text


def test_the_button_of_the_card_leads_the_owner_in(arrived: Stranger, home: str) -> None:
    arrived.client.post("/trial/enter/")
    assert lead_in(arrived.client.post(f"{home}instance/open/"), home)
    assert arrived.client.get(f"{home}instance/open/").headers["Location"] == home


def test_other_members_are_led_there_and_sign_in_themselves(
    arrived: Stranger, home: str, viewer: User, browser: Browser
) -> None:
    tenants.add_member(
        tenant_id=tenant_of(arrived).id,
        user=viewer,
        role=Role.VIEWER,
        actor="system:test",
        now=clock.now(),
    )
    client = browser(viewer)
    assert "Others sign in there with their own password." in client.get(home).content.decode()
    answer = client.post(f"{home}instance/open/")
    assert answer.headers["Location"] == f"http://tenant-{home.strip('/')[2:]}.localhost:8080"
    assert entered(arrived) == 0


def test_after_the_sign_in_it_goes_on_where_it_was(home: str) -> None:
    answer = Client().post(f"{home}instance/open/")
    assert answer.headers["Location"] == (
        f"/sign-in/?next=%2Ft%2F{home.strip('/')[2:]}%2Finstance%2Fopen%2F"
    )


def test_a_company_without_an_instance_has_no_card(
    browser: Browser, owner: User, tenant: Tenant
) -> None:
    client, path = browser(owner), f"/t/{tenant.short_id}/"
    assert "Your ERP" not in client.get(path).content.decode()
    assert client.post(f"{path}instance/open/").status_code == 404


def test_the_way_to_instances_is_open_and_no_other(db: None) -> None:
    policy = Client().get("/sign-in/").headers["Content-Security-Policy"]
    assert "form-action 'self' http://*.localhost:8080;" in policy
