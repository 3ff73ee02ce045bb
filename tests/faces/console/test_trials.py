"""Registrations, the dictionary, the tester of addresses, and the funnel, as operators use them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from tenantry.core import clock, tenancy, trace
from tenantry.customers.notices.models import Mail
from tenantry.customers.tenants import queries as tenants
from tenantry.faces.console.funnelchart import BAR, GAP, WIDTH, draw
from tenantry.fleet.provisioning import queries as provisioning
from tenantry.journeys.onboarding import queries as onboarding
from tenantry.journeys.onboarding.models import Decision, DictionaryEntry, Registration
from tenantry.journeys.onboarding.states import DictionaryRule, RegistrationState
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.funnel import services as funnel
from tenantry.ledger.funnel.queries import StageCount
from tenantry.ledger.funnel.states import OPTIONAL, ORDER, Step
from tests.faces.console.conftest import messages_of
from tests.faces.console.fleet import Fleet, list_domain, registration
from tests.journeys.onboarding.name_server import NameServer

SignIn = Callable[..., Client]
Crew = dict[str, Client]
REGISTRATIONS = "/console/onboarding/registration/"
DICTIONARY = "/console/onboarding/dictionaryentry/"
ADDRESS = "/console/address/"
REASON = "Please use the address of your company."


def act(client: Client, where: str, name: str, *rows: object, **more: str) -> Any:  # noqa: ANN401  # of the test client
    data = {"rows": " ".join(map(str, rows)), "sure": "yes", **more}
    return client.post(f"{where}act/{name}/", data, follow=True)


def stored(row: Registration) -> Registration:
    return onboarding.get_registration(row.id)


def waiting(name: str = "kim") -> Registration:
    return registration(f"{name}@gmail.com", clock.now(), company=f"Company of {name}")


# Registrations


def test_a_waiting_registration_shows_its_verdict_stage_by_stage(sign_in: SignIn) -> None:
    row = waiting()
    browser = sign_in()
    assert "kim@gmail.com" in browser.get(REGISTRATIONS).content.decode()
    page = browser.get(f"{REGISTRATIONS}{row.id}/").content.decode()
    for shown in (
        "FREE_MAIL",
        "Takes mail",
        "MX_FOUND",
        "\u00a0ms",
        row.reference,
        "Approve",
        "Reject",
    ):
        assert shown in page, shown
    ended = registration("lee@gmail.com", clock.now(), state=RegistrationState.REJECTED)
    assert 'id="act-approve"' not in browser.get(f"{REGISTRATIONS}{ended.id}/").content.decode()


def test_a_reviewer_lets_registrations_in_together(crew: Crew, fleet: Fleet) -> None:
    rows = [waiting("kim"), waiting("lee")]
    reviewer = crew["reviewer"]
    data = {"action": "approve", "index": "0", "_selected_action": [str(row.id) for row in rows]}
    asked = reviewer.post(REGISTRATIONS, data)
    assert "Company of lee" in asked.content.decode()
    assert {stored(row).state for row in rows} == {RegistrationState.AWAITING_APPROVAL}

    answer = act(reviewer, REGISTRATIONS, "approve", asked.context["ids"])

    assert messages_of(answer) == ["2 registrations were approved."]
    for row in rows:
        accepted = stored(row)
        assert accepted.state == RegistrationState.ACCEPTED
        assert accepted.tenant_id is not None
        assert accepted.reviewed_by.startswith("operator:")
        assert tenants.get_tenant(accepted.tenant_id).name == row.company
        assert provisioning.run_of(accepted.tenant_id) is not None
    again = act(reviewer, REGISTRATIONS, "approve", rows[0].id)
    assert again.status_code == 200
    assert stored(rows[0]).state == RegistrationState.ACCEPTED


def test_a_rejection_mails_its_reason(sign_in: SignIn) -> None:
    row, browser = waiting(), sign_in()
    assert act(browser, REGISTRATIONS, "reject", row.id, reason=" ").status_code == 422
    answer = act(browser, REGISTRATIONS, "reject", row.id, reason=REASON)
    assert messages_of(answer) == ["1 registration was rejected."]
    rejected = stored(row)
    assert (rejected.state, rejected.reason) == (RegistrationState.REJECTED, REASON)
    with tenancy.platform("test"):
        assert Mail.objects.get(template="trial_rejected").recipient == "kim@gmail.com"


@pytest.mark.parametrize("name", ["approve", "reject"])
def test_what_changed_after_it_was_looked_at_is_not_decided(sign_in: SignIn, name: str) -> None:
    row, browser = waiting(), sign_in()
    token = browser.get(f"{REGISTRATIONS}{row.id}/").context["token"]
    question = browser.get(f"{REGISTRATIONS}act/{name}/", {"rows": token})
    assert question.context["ids"] == token
    with tenancy.platform("test"):
        assert Registration.objects.filter(id=row.id).update(email="other@gmail.com") == 1

    (refused,) = messages_of(act(browser, REGISTRATIONS, name, token, reason=REASON))

    assert "This was changed by somebody else in the meantime." in refused
    assert stored(row).state == RegistrationState.AWAITING_APPROVAL


def test_the_overview_names_what_waits(sign_in: SignIn) -> None:
    waiting()
    tiles = {tile.name: tile for tile in sign_in().get("/console/").context["tiles"]}
    assert (tiles["trials"].number, tiles["trials"].tone) == (1, "warn")
    assert "state__exact=awaiting_approval" in tiles["trials"].address


# Dictionary


def test_the_dictionary_is_kept_by_operators(sign_in: SignIn) -> None:
    browser = sign_in()
    new = reverse("console:dictionary_new")
    assert f'href="{new}"' in browser.get(DICTIONARY).content.decode()
    data = {"domain": " Portal.Example.COM ", "rule": "free", "note": "Gives to everybody"}
    assert browser.post(new, data).headers["Location"] == DICTIONARY
    entry = DictionaryEntry.objects.get()
    assert (entry.domain, entry.rule, entry.note) == (
        "portal.example.com",
        DictionaryRule.FREE,
        "Gives to everybody",
    )
    assert entry.by.startswith("operator:")

    edit = reverse("console:dictionary_edit", args=[entry.id])
    page = f"{DICTIONARY}{entry.id}/"
    assert f'href="{edit}"' in browser.get(page).content.decode()
    assert "Gives to everybody" in browser.get(edit).content.decode()
    changed = browser.post(edit, {"rule": "allow", "note": "A customer"})
    assert changed.headers["Location"] == page
    assert DictionaryEntry.objects.get().rule == DictionaryRule.ALLOW

    assert act(browser, DICTIONARY, "remove", entry.id, reason="").status_code == 422
    answer = act(browser, DICTIONARY, "remove", entry.id, reason="Gone")
    assert messages_of(answer) == ["1 domain was removed."]
    assert DictionaryEntry.objects.count() == 0
    with tenancy.platform("test"):
        assert AuditEntry.objects.filter(target_id=str(entry.id)).count() == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"domain": "not a domain"}, "is not a domain that can have mail addresses"),
        ({"domain": "com"}, "is not a domain that can have mail addresses"),
        ({"domain": "listed.example"}, "The dictionary has listed.example already."),
        ({"note": " "}, "This field is required."),
        ({"rule": "maybe"}, "Select a valid choice."),
        ({"domain": ""}, "This field is required."),
    ],
)
def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(
    sign_in: SignIn, given: dict[str, str], said: str
) -> None:
    list_domain("listed.example", clock.now())
    data = {"domain": "new.example", "rule": "deny", "note": "Typed before", **given}
    answer = sign_in().post(reverse("console:dictionary_new"), data)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert ("Typed before" in page) is ("note" not in given)
    assert DictionaryEntry.objects.count() == 1


def test_a_reviewer_reads_the_dictionary_only(crew: Crew) -> None:
    entry = list_domain("listed.example", clock.now())
    new = reverse("console:dictionary_new")
    edit = reverse("console:dictionary_edit", args=[entry.id])
    reviewer = crew["reviewer"]
    assert new not in reviewer.get(DICTIONARY).content.decode()
    assert edit not in reviewer.get(f"{DICTIONARY}{entry.id}/").content.decode()
    for address in (new, edit):
        assert reviewer.get(address).status_code == 403
        assert reviewer.post(address, {"rule": "deny", "note": "x"}).status_code == 403
        assert crew["operator"].get(address).status_code == 200
    assert act(reviewer, DICTIONARY, "remove", entry.id, reason="x").status_code == 403
    assert DictionaryEntry.objects.get().rule == DictionaryRule.FREE
    nobody = reverse("console:dictionary_edit", args=[uuid4()])
    assert crew["operator"].get(nobody).status_code == 404


# Testing an address


def judged(client: Client, address: str) -> str:
    answer = client.post(ADDRESS, {"address": address})
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.parametrize(
    ("address", "kind", "codes"),
    [
        ("kim@hanbit.com", "company address", ("SYNTAX_GOOD", "MX_FOUND", "NOT_FREE_MAIL")),
        ("kim@gmail.com", "free mail provider", ("FREE_MAIL",)),
        ("kim@mailinator.com", "throw-away address", ("DISPOSABLE",)),
        ("kim hanbit", "receives no mail", ("SYNTAX_BAD", "NOT_ASKED")),
        ("a@b\r\nBcc: x@y.example", "receives no mail", ("SYNTAX_BAD",)),
        (f"{'a' * 300}@hanbit.com", "receives no mail", ("SYNTAX_BAD",)),
    ],
)
def test_every_stage_of_an_address_is_shown(
    sign_in: SignIn, address: str, kind: str, codes: tuple[str, ...]
) -> None:
    page = judged(sign_in(), address)
    for shown in (kind, *codes, "Takes mail", "Operators&#x27; dictionary"):
        assert shown in page, shown


def test_the_tester_asks_name_servers_and_stores_nothing(
    sign_in: SignIn, names: NameServer
) -> None:
    names.is_generous = False
    names.records["dead.example.com", "MX"] = ["0 ."]
    browser = sign_in()
    with tenancy.platform("test"):
        before = AuditEntry.objects.count()
    page = judged(browser, "kim@dead.example.com")
    assert "MX_NULL" in page
    assert "dead.example.com" in page
    assert ("dead.example.com", "MX") in names.questions
    with tenancy.platform("test"):
        assert AuditEntry.objects.count() == before
        assert (Decision.objects.count(), Registration.objects.count()) == (0, 0)


def test_the_tester_s_answer_never_carries_markup(sign_in: SignIn) -> None:
    page = judged(sign_in(), '"<script>alert(1)</script>"@hanbit.com')
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_tester_leads_to_the_dictionary(crew: Crew) -> None:
    way = f"{reverse('console:dictionary_new')}?domain=gmail.com"
    assert way in judged(crew["operator"], "kim@gmail.com")
    assert way not in judged(crew["reviewer"], "kim@gmail.com")
    assert 'value="gmail.com"' in crew["operator"].get(way).content.decode()


def test_the_tester_answers_forms_only_with_their_token(sign_in: SignIn) -> None:
    browser = sign_in()
    assert browser.post(ADDRESS, {"address": ""}).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert strict.post(ADDRESS, {"address": "kim@hanbit.com"}).status_code == 403
    assert browser.put(ADDRESS).status_code == 405


# The funnel


def walk(steps: int, *, at: datetime, approved: bool = False) -> None:
    subject = uuid4()
    for number, step in enumerate(ORDER[:steps]):
        if approved or step not in OPTIONAL:
            funnel.record(step=step, subject=subject, at=at + timedelta(seconds=10 * number))


DAY = datetime(2033, 5, 4, 10, tzinfo=UTC)
RANGE = {"since": "2033-05-04", "until": "2033-05-04", "window": "24"}


def test_the_funnel_is_drawn_with_what_is_lost(sign_in: SignIn) -> None:
    for steps in (1, 1, 3, len(ORDER)):
        walk(steps, at=DAY)
    answer = sign_in().get("/console/funnel/", RANGE)
    drawing = answer.context["drawing"]
    bars = {bar.key: bar for bar in drawing.bars}
    assert (drawing.visitors, drawing.arrived, drawing.percent) == (4, 1, 25.0)
    assert (bars["visited"].count, bars["visited"].lost + bars["visited"].open) == (4, 2)
    assert (bars["code_sent"].count, bars["code_sent"].width) == (2, 50.0)
    assert bars["code_sent"].median == 10.0
    page = answer.content.decode()
    assert page.count('<li class="funnel-step') == len(ORDER)
    assert page.count("<polygon") == len(ORDER) - 1 - len(OPTIONAL)
    assert "half in 10 s, nine of ten in 10 s" in page
    assert "25.0 %" in page


def test_the_funnel_counts_its_range_only(sign_in: SignIn) -> None:
    walk(2, at=DAY)
    walk(2, at=DAY + timedelta(days=1))
    browser = sign_in()
    assert browser.get("/console/funnel/", RANGE).context["drawing"].visitors == 1
    wider = {**RANGE, "until": "2033-05-05"}
    assert browser.get("/console/funnel/", wider).context["drawing"].visitors == 2


@pytest.mark.parametrize(
    "given",
    [
        {"since": "x"},
        {"until": "2033-05-03"},
        {"window": "7"},
        {"since": "9999-12-31"},
        {"until": ""},
    ],
)
def test_a_wrong_range_is_named_and_the_default_shown(
    sign_in: SignIn, given: dict[str, str]
) -> None:
    answer = sign_in().get("/console/funnel/", {**RANGE, **given})
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert answer.context["asked"].until == clock.now().date()


def stage(step: Step, entered: int, dropped: int = 0, still_open: int = 0) -> StageCount:
    return StageCount(
        step=step,
        entered=entered,
        dropped=dropped,
        still_open=still_open,
        median_seconds=None,
        p90_seconds=None,
    )


def test_the_drawing_counts_an_optional_step_with_the_one_before() -> None:
    drawing = draw(
        [
            stage(Step.DETAILS_GIVEN, 100, dropped=10, still_open=5),
            stage(Step.APPROVED, 30, dropped=3, still_open=2),
            stage(Step.ACCEPTED, 80),
        ]
    )
    first, beside, last = drawing.bars
    assert (first.lost, first.open, first.lost_share) == (13, 7, 13.0)
    assert first.slope == f"0.00,{BAR} 100.00,{BAR} 90.00,{BAR + GAP} 10.00,{BAR + GAP}"
    assert (beside.slope, beside.lost, beside.is_optional) == ("", 3, True)
    assert (last.x, last.width, last.slope) == (10.0, 80.0, "")
    assert draw([stage(Step.VISITED, 0)]).bars == ()
    thin = draw([stage(Step.VISITED, 100_000), stage(Step.ENTERED, 1)]).bars[-1]
    assert 0 < thin.width < WIDTH / 100


# The trace


def test_the_trace_page_tells_how_somebody_became_a_customer(sign_in: SignIn, fleet: Fleet) -> None:
    browser = sign_in()
    with trace.start() as started:
        row = waiting()
        funnel.record(step=Step.VISITED, subject=row.id, at=row.created_at)
        act(browser, REGISTRATIONS, "reject", row.id, reason=REASON)
    headers = {"traceparent": started.traceparent}
    browser.post(
        f"{REGISTRATIONS}act/reject/",
        {"rows": str(waiting("lee").id), "sure": "yes", "reason": REASON},
        headers=headers,
    )
    answer = browser.get(f"/console/trace/{started.trace_id}/")
    page = answer.content.decode()
    for shown in ("Registration begins", "Opened the trial page", "Mail written", "trial_rejected"):
        assert shown in page, shown
    moments = [step.at for step in answer.context["steps"]]
    assert moments == sorted(moments)
