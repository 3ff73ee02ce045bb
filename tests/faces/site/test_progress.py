"""The page that shows the set-up: true steps, true reasons, and the way in."""

import re
from datetime import timedelta

import pytest

from tenantry.core import clock
from tenantry.fleet.hosts import queries as hosts
from tenantry.fleet.hosts import services as host_services
from tenantry.fleet.provisioning import services as provisioning
from tenantry.fleet.provisioning.drivers.compute import DriverError
from tenantry.fleet.provisioning.failures import Failure
from tenantry.fleet.provisioning.states import ConditionType, RunKind
from tenantry.fleet.provisioning.steps import STEPS
from tenantry.journeys.onboarding import services
from tests.faces.portal.reading import text_of
from tests.faces.site.stranger import COMPANY, FREE, Stranger
from tests.probes import handle_messages

pytestmark = pytest.mark.django_db
STEP = re.compile(r'<li class="(\w+)(?: held)?" id="step-(\w+)">')


def looks(page: str) -> dict[str, str]:
    return {name: look for look, name in STEP.findall(page)}


def test_all_steps_are_shown_before_the_first_begins(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.settles()
    page = stranger_at_trial.sees("/trial/progress/")
    assert looks(page) == dict.fromkeys(STEPS[RunKind.CREATE], "later")
    text = text_of(page)
    assert "Your ERP is being set up Hanbit Phones · Singapore 0 of 7 steps" in text
    assert f"You may close this page A mail to {COMPANY} comes when everything is ready." in text


def test_a_step_says_what_is_done_and_how_long_it_took(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.settles()
    stranger_at_trial.drive(turns=2)
    page = stranger_at_trial.sees("/trial/progress/")
    seen = looks(page)
    assert [seen[name] for name in ("place", "database", "instance", "domain")] == [
        "done",
        "done",
        "now",
        "later",
    ]
    text = text_of(page)
    assert re.search(r"Room on a server 0\.\d s A database of your own \d", text)
    assert "Your ERP We start it with passwords of its own." in text
    assert "2 of 7 steps" in text


def test_the_page_fetches_itself_with_and_without_scripts(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.settles()
    page = stranger_at_trial.sees("/trial/progress/")
    assert 'data-live="http://127.0.0.1:8001/trial/events"' in page
    assert 'hx-trigger="live from:body"' in page
    assert '<noscript><meta http-equiv="refresh" content="4"></noscript>' in page


def test_a_full_region_is_said_with_what_comes_of_it(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.settles()
    for host in hosts.list_hosts():
        host_services.drain_host(
            host_id=host.id, operator="operator:0", reason="test", now=clock.now()
        )
    stranger_at_trial.drive(turns=1)
    page = stranger_at_trial.sees("/trial/progress/")
    assert '<li class="now held" id="step-place">' in page
    assert "goes on by itself" in text_of(page)


def test_a_failed_run_shows_cause_remedy_and_numbers(
    stranger_at_trial: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_given: object) -> None:
        raise DriverError(Failure.DRIVER_FAILED, retryable=False)

    monkeypatch.setattr(stranger_at_trial.driver, "create_database", refuse)
    stranger_at_trial.settles()
    stranger_at_trial.drive()
    registration = stranger_at_trial.registration
    assert registration.state == "failed"
    page = stranger_at_trial.sees("/trial/progress/")
    assert looks(page)["database"] == "bad"
    text = text_of(page)
    assert "We could not finish setting up your ERP." in text
    assert "your registration is kept" in text
    assert registration.reference in text
    assert registration.trace_id in text
    # It is heard when an operator has it tried again.
    assert "data-live=" in page


def test_ready_offers_both_doors_and_what_was_done(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.arrives()
    page = stranger_at_trial.sees("/trial/progress/")
    text = text_of(page)
    assert "“Hanbit Phones” is ready" in text
    assert "Open your ERP Open the portal" in text
    assert re.search(r"http://tenant-\w{10}\.localhost:8080", text)
    assert set(looks(page).values()) == {"done"}
    assert "<title>Ready · Tenantry</title>" in page
    assert "data-live=" not in page
    assert 'http-equiv="refresh"' not in page


def test_a_closed_instance_is_not_offered(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.arrives()
    tenant_id = stranger_at_trial.registration.tenant_id
    assert tenant_id is not None
    run = provisioning.start_run(
        tenant_id=tenant_id,
        kind=RunKind.SUSPEND,
        actor="operator:0",
        reason="unpaid",
        now=clock.now() + timedelta(minutes=5),
    )
    stranger_at_trial.drive_run(run)
    page = stranger_at_trial.sees("/trial/progress/")
    assert "Your ERP is closed at the moment" in page
    assert 'value="instance"' not in page
    assert 'value="portal"' in page


def test_who_waits_for_an_operator_sees_reference_and_what_comes(
    stranger_at_trial: Stranger,
) -> None:
    stranger_at_trial.settles(FREE)
    registration = stranger_at_trial.registration
    page = stranger_at_trial.sees("/trial/progress/")
    text = text_of(page)
    assert f"Your reference {registration.reference}" in text
    assert f"The answer comes by mail to {FREE}." in text
    assert "data-live=" in page
    services.approve(registration_id=registration.id, actor="operator:0", now=clock.now())
    assert "Your ERP is being set up" in stranger_at_trial.sees("/trial/progress/")


def test_who_was_turned_down_reads_why_and_may_begin_again(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.settles(FREE)
    services.reject(
        registration_id=stranger_at_trial.registration.id,
        reason="<b>No such company</b>",
        actor="operator:0",
        now=clock.now(),
    )
    handle_messages()
    page = stranger_at_trial.sees("/trial/progress/")
    assert "The reviewer wrote:" in page
    assert "&lt;b&gt;No such company&lt;/b&gt;" in page
    assert 'action="/trial/again/"' in page


def test_a_part_of_the_page_is_never_another_page(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.gives(COMPANY)
    answer = stranger_at_trial.client.get("/trial/progress/", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/trial/code/")


def test_every_check_is_said_in_plain_words_while_it_is_tried(
    stranger_at_trial: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenantry.fleet.provisioning.conditions.are_proven", lambda **_given: False)
    stranger_at_trial.settles()
    stranger_at_trial.drive(turns=40)
    page = stranger_at_trial.sees("/trial/progress/")
    assert len(re.findall(r'<li class="(?:proven)?">', page)) in {0, len(ConditionType)}
