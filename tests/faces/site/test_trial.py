"""Address, code and company: every answer, every way back, no dead end."""

import re
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core import signing
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils.html import escape

from tenantry.core import clock, journey, tenancy
from tenantry.customers.notices.models import Mail
from tenantry.faces.site.forms import zone_names
from tenantry.fleet.hosts import queries as hosts
from tenantry.fleet.hosts import services as host_services
from tenantry.governance.policies import services as policies
from tenantry.journeys.onboarding import services
from tenantry.journeys.onboarding.models import Registration
from tenantry.journeys.onboarding.states import DictionaryRule, RegistrationState
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.funnel.models import FunnelEvent
from tenantry.ledger.funnel.states import OPTIONAL, ORDER
from tests.faces.portal.reading import text_of
from tests.faces.site.stranger import COMPANY, FREE, Stranger
from tests.journeys.onboarding.name_server import SERVFAIL, NameServer
from tests.probes import handle_messages

pytestmark = pytest.mark.django_db
PAGES = ("/trial/", "/trial/code/", "/trial/company/", "/trial/progress/")


def count() -> int:
    with tenancy.platform("look"):
        return Registration.objects.count()


def entries() -> int:
    with tenancy.platform("look"):
        return AuditEntry.objects.count()


def put(registration: Registration, state: RegistrationState) -> None:
    """Bring a registration to a state, however it would have come there."""
    owned = state in {"accepted", "ready", "failed"}
    with tenancy.platform("arrange"):
        ids = {"tenant_id": registration.id, "user_id": registration.id} if owned else {}
        Registration.objects.filter(id=registration.id).update(state=state, **ids)


def test_the_first_page_says_what_it_is_and_begins_a_journey(stranger_at_trial: Stranger) -> None:
    page = text_of(stranger_at_trial.sees("/trial?plan=free&region=sg"))
    assert "Start your trial Free Singapore Work e-mail" in page
    for heading in ("What you get", "What happens next", "We use your address for the code"):
        assert heading in page
    registration = stranger_at_trial.registration
    assert (registration.plan, registration.region) == ("free", "sg")


def test_looking_again_begins_nothing_more(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.sees("/trial/")
    stranger_at_trial.sees("/trial?region=kr")
    assert count() == 1
    assert stranger_at_trial.registration.region == "kr"


def test_machines_that_only_look_begin_no_journey(stranger_at_trial: Stranger) -> None:
    client = stranger_at_trial.client
    assert client.head("/trial/").status_code == 200
    assert client.get("/trial/", headers={"sec-purpose": "prefetch"}).status_code == 200
    assert count() == 0
    assert "journey" not in client.cookies


def test_network_that_begins_too_many_sees_the_page_and_begins_none(
    stranger_at_trial: Stranger,
) -> None:
    policies.set_policy(
        key="onboarding.visits_per_network_hour",
        value=2,
        reason="test",
        actor="operator:test",
        now=clock.now(),
    )
    for _ in range(2):
        Client().get("/trial/")
    books = entries()

    page = Client().get("/trial/")
    assert (page.status_code, "journey" in page.cookies) == (200, False)
    refused = Client().post("/trial/", {"email": COMPANY})
    assert refused.status_code == 429
    assert "Too many trials were asked for from your network." in text_of(refused.content.decode())
    assert (count(), entries()) == (2, books)
    # Who has begun goes on.
    assert Client(REMOTE_ADDR="203.0.113.9").get("/trial/").cookies["journey"].value
    assert stranger_at_trial.client.get("/trial/", REMOTE_ADDR="203.0.113.9").status_code == 200
    assert stranger_at_trial.gives(COMPANY).headers["Location"] == "/trial/code/"


def test_presets_that_make_no_sense_are_left_out(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.sees("/trial?plan=%3Cscript%3E&region=" + "x" * 40)
    registration = stranger_at_trial.registration
    assert (registration.plan, registration.region) == ("", "")


def test_the_cookie_is_for_the_trial_only_and_no_script_reads_it(
    stranger_at_trial: Stranger,
) -> None:
    stranger_at_trial.sees("/trial/")
    cookie = stranger_at_trial.client.cookies["journey"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/trial")


def test_over_https_no_other_site_of_the_domain_can_set_the_cookie(
    stranger_at_trial: Stranger, settings: LazySettings
) -> None:
    settings.SESSION_COOKIE_SECURE = True
    client = stranger_at_trial.client
    begun = client.get("/trial/", secure=True)
    cookie = client.cookies["__Host-journey"]
    # RFC 6265bis section 4.1.3.2: only so does a browser take a cookie of this name.
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    led = journey.read({"__Host-journey": cookie.value})
    assert led is not None
    assert journey.read({"journey": cookie.value}) is None
    assert begun.headers["x-trace-id"] == led.trace_id
    # Pages that are not of the journey do not hear of it, though the browser sends it there.
    assert client.get("/sign-in/", secure=True).headers["x-trace-id"] != led.trace_id
    dropped = client.post("/trial/again/", secure=True).cookies["__Host-journey"]
    assert (dropped["max-age"], dropped["secure"], dropped["path"]) == (0, True, "/")


def test_a_company_gets_a_code(stranger_at_trial: Stranger) -> None:
    answer = stranger_at_trial.gives(COMPANY)
    assert answer.headers["Location"] == "/trial/code/"
    page = text_of(stranger_at_trial.sees("/trial/code/"))
    assert f"We sent a mail to {COMPANY}" in page
    assert "one of us" not in page


@pytest.mark.parametrize(
    ("email", "told"),
    [
        (FREE, "This is an address of a free mail provider"),
        ("kim@broken.kr", "We could not find out which company this address belongs to"),
    ],
)
def test_who_is_looked_at_is_told_and_gets_a_code_all_the_same(
    stranger_at_trial: Stranger, names: NameServer, email: str, told: str
) -> None:
    names.records["broken.kr", "MX"] = [SERVFAIL]
    assert stranger_at_trial.gives(email).headers["Location"] == "/trial/code/"
    page = text_of(stranger_at_trial.sees("/trial/code/"))
    assert told in page
    assert "one of us then looks at it" in page


@pytest.mark.parametrize(
    ("email", "cause", "remedy"),
    [
        ("kim@mailinator.com", "thrown away", "Use an address of your company."),
        ("kim@nowhere.kr", "A trial cannot start with this address.", ""),
        ("kim@denied.kr", "A trial cannot start with this address.", ""),
        ("kim", "We cannot write to this address", "Check it for typing errors"),
        ("kim@hanbit.kr\r\nBcc: all@hanbit.kr", "We cannot write to this address", ""),
        ("k" * 300 + "@hanbit.kr", "We cannot write to this address", ""),
    ],
)
def test_a_refused_address_stays_typed_with_cause_and_remedy(
    stranger_at_trial: Stranger, names: NameServer, email: str, cause: str, remedy: str
) -> None:
    names.is_generous = False
    services.add_domain(
        domain="denied.kr",
        rule=DictionaryRule.DENY,
        note="test",
        actor="operator:0",
        now=clock.now(),
    )
    answer = stranger_at_trial.gives(email)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert cause in page
    assert remedy in page
    assert "\r" in email or f'value="{escape(email)}"' in page
    assert 'aria-invalid="true"' in page
    assert "disabled" not in page
    # Another address goes through.
    names.is_generous = True
    assert stranger_at_trial.gives(COMPANY).headers["Location"] == "/trial/code/"


def test_nothing_typed_is_said_at_the_field(stranger_at_trial: Stranger) -> None:
    answer = stranger_at_trial.gives(" ")
    assert answer.status_code == 422
    assert "Type your e-mail address." in answer.content.decode()


def test_too_many_wishes_are_refused_politely(stranger_at_trial: Stranger) -> None:
    answers = [stranger_at_trial.gives(f"kim{number}@hanbit.kr") for number in range(40)]
    refused = answers[-1]
    assert refused.status_code == 429
    assert 'value="kim39@hanbit.kr"' in refused.content.decode()


def test_a_double_submit_sends_one_code(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.sees("/trial/")
    for _time in range(2):
        assert stranger_at_trial.gives(COMPANY).headers["Location"] == "/trial/code/"
    handle_messages()
    with tenancy.platform("look"):
        assert Mail.objects.filter(template="trial_code").count() == 1


def test_a_wrong_code_stays_typed_with_a_remedy(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.gives(COMPANY)
    answer = stranger_at_trial.client.post("/trial/code/", {"code": "BBBB-CCCC"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This code does not work." in page
    assert 'value="BBBB-CCCC"' in page


def test_the_code_of_another_browser_is_worth_nothing(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.gives(COMPANY)
    code = stranger_at_trial.code(COMPANY)
    other = Stranger(driver=stranger_at_trial.driver)
    other.gives(COMPANY)
    assert other.client.post("/trial/code/", {"code": code}).status_code == 422


def test_a_code_that_has_run_out_is_said_before_it_is_typed(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.gives(COMPANY)
    fresh = stranger_at_trial.sees("/trial/code/")
    assert '<p class="error" data-over hidden>' in fresh
    with tenancy.platform("let time pass"):
        Registration.objects.update(code_asked_at=clock.now() - timedelta(minutes=11))
    assert '<p class="error" data-over>' in stranger_at_trial.sees("/trial/code/")


def test_another_code_has_to_be_waited_for(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.gives(COMPANY)
    first = stranger_at_trial.code(COMPANY)
    page = text_of(stranger_at_trial.client.post("/trial/resend/", follow=True).content.decode())
    assert "A code was sent a moment ago." in page
    assert re.search(r"in (29|30) seconds you can ask for another one", page)
    with tenancy.platform("let time pass"):
        Registration.objects.update(code_asked_at=clock.now() - timedelta(seconds=31))
    page = text_of(stranger_at_trial.client.post("/trial/resend/", follow=True).content.decode())
    assert "A new mail is on its way." in page
    handle_messages()
    assert stranger_at_trial.client.post("/trial/code/", {"code": first}).status_code == 422


def test_back_from_the_code_leads_to_another_address_or_on(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.gives("typo@hanbit.kr")
    page = stranger_at_trial.sees("/trial/")
    assert "A code is on its way to typo@hanbit.kr" in page
    assert 'href="/trial/code/"' in page
    assert 'value="typo@hanbit.kr"' in page
    assert stranger_at_trial.gives(COMPANY).headers["Location"] == "/trial/code/"
    assert COMPANY in stranger_at_trial.sees("/trial/code/")


@pytest.mark.parametrize(("language", "region", "zone"), [("en", "sg", "sg"), ("ko", "kr", "kr")])
def test_region_language_and_zone_are_guessed(
    stranger_at_trial: Stranger, language: str, region: str, zone: str
) -> None:
    stranger_at_trial.client.cookies["language"] = language
    if region == "sg":
        stranger_at_trial.sees("/trial?region=sg")
    stranger_at_trial.proves()
    page = stranger_at_trial.sees("/trial/company/")
    assert f'name="region" value="{region}" checked' in page
    zones = {"sg": "Asia/Singapore", "kr": "Asia/Seoul"}
    assert f'<option value="{zones[zone]}" selected>' in page
    assert f'<option value="{language}" selected>' in page


def test_only_open_regions_are_offered(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.proves()
    closed = hosts.find_host("local-sg")
    assert closed is not None
    host_services.drain_host(
        host_id=closed.id, operator="operator:0", reason="test", now=clock.now()
    )
    answer = stranger_at_trial.tells(region="sg")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This region is not open now. Choose another one." in page
    assert re.findall(r'name="region" value="(\w+)"', page) == ["kr"]
    assert 'value="Hanbit Phones"' in page
    assert stranger_at_trial.tells(region="kr").headers["Location"] == "/trial/progress/"


def test_without_any_region_it_is_said_and_nothing_is_lost(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.proves()
    for host in hosts.list_hosts():
        host_services.drain_host(
            host_id=host.id, operator="operator:0", reason="test", now=clock.now()
        )
    page = text_of(stranger_at_trial.sees("/trial/company/"))
    assert "No region takes new companies at the moment" in page
    assert "Reload this page in a few minutes." in page


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_company_needs_a_name(stranger_at_trial: Stranger, name: str) -> None:
    stranger_at_trial.proves()
    answer = stranger_at_trial.tells(company=name)
    assert answer.status_code == 422
    assert "Write the name your customers know." in answer.content.decode()


def test_a_form_sent_twice_makes_one_company(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.proves()
    for _time in range(2):
        assert stranger_at_trial.tells().headers["Location"] == "/trial/progress/"
    assert stranger_at_trial.run.kind == "create"


@pytest.mark.parametrize("state", RegistrationState)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_leads_to_the_one_of_the_state(
    stranger_at_trial: Stranger, state: RegistrationState, path: str
) -> None:
    stranger_at_trial.gives(COMPANY)
    begun = stranger_at_trial.registration
    if state in {"accepted", "ready", "failed"}:
        stranger_at_trial.client.post("/trial/code/", {"code": stranger_at_trial.code(COMPANY)})
        stranger_at_trial.tells()
        with tenancy.platform("arrange"):
            Registration.objects.filter(id=begun.id).update(state=state)
    else:
        put(begun, state)
    allowed = {
        "started": {"/trial/"},
        "refused": {"/trial/"},
        "code_sent": {"/trial/", "/trial/code/"},
        "verified": {"/trial/company/"},
        "expired": {"/trial/"},
        "abandoned": {"/trial/"},
    }.get(state, {"/trial/progress/"})
    answer = stranger_at_trial.client.get(path, follow=True)
    assert answer.status_code == 200
    reached = answer.redirect_chain[-1][0] if answer.redirect_chain else path
    assert reached == (path if path in allowed else max(allowed))
    # And from there it goes on: by a form, a link, or because it was said what comes.
    assert re.search(r"<button|<a class=\"btn", str(answer.content.decode()))


@pytest.mark.parametrize("path", [*PAGES[1:], "/trial/resend/", "/trial/again/", "/trial/enter/"])
def test_without_a_journey_everything_begins_at_the_beginning(path: str, db: None) -> None:
    methods = ["get"] if path == "/trial/progress/" else ["get", "post"]
    for answer in (getattr(Client(), method)(path) for method in methods):
        assert (answer.status_code, answer.headers["Location"]) in {
            (302, "/trial/"),
            (302, "/trial/progress/"),
        }
    assert Client().get(path, follow=True).redirect_chain[-1][0] == "/trial/"


def test_a_forged_cookie_is_a_new_journey(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.sees("/trial/")
    led = journey.read({"journey": stranger_at_trial.client.cookies["journey"].value})
    assert led is not None
    forged = {"id": str(led.id), "browser": led.browser, "trace_id": led.trace_id}
    thief = Client()
    thief.cookies["journey"] = signing.dumps(forged, salt="another")
    thief.get("/trial/")
    assert count() == 2


def test_what_ran_out_begins_again_with_a_journey_of_its_own(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.gives(COMPANY)
    old = stranger_at_trial.registration
    put(old, RegistrationState.EXPIRED)
    answer = stranger_at_trial.client.get("/trial/", follow=True)
    assert "Your earlier registration has run out." in answer.content.decode()
    fresh = stranger_at_trial.registration
    assert fresh.id != old.id
    assert fresh.trace_id == answer.headers["x-trace-id"] != old.trace_id


def test_two_browsers_of_one_address_meet_in_one_registration(
    stranger_at_trial: Stranger,
) -> None:
    stranger_at_trial.settles()
    first = stranger_at_trial.registration
    second = Stranger(driver=stranger_at_trial.driver)
    second.client.get("/trial/")
    second.gives(COMPANY)
    answer = second.client.post("/trial/code/", {"code": second.code(COMPANY)})
    assert answer.headers["Location"] == "/trial/progress/"
    assert second.registration.id == first.id
    answer = second.client.get("/trial/progress/")
    assert answer.headers["x-trace-id"] == first.trace_id
    # The first browser leads nothing any more, and is told where to begin.
    left = stranger_at_trial.client.get("/trial/progress/", follow=True)
    assert left.redirect_chain[-1][0] == "/trial/"


def test_another_trial_may_be_begun_beside(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.settles(FREE)
    waiting = stranger_at_trial.registration
    assert stranger_at_trial.client.post("/trial/again/").headers["Location"] == "/trial/"
    stranger_at_trial.sees("/trial/")
    assert stranger_at_trial.registration.id != waiting.id
    with tenancy.platform("look"):
        assert Registration.objects.get(id=waiting.id).state == "awaiting_approval"


@pytest.mark.django_db(transaction=True)
def test_one_trace_goes_through_all_pages_to_the_mail(stranger_at_trial: Stranger) -> None:
    client, seen = stranger_at_trial.client, set()

    def note(answer: HttpResponseBase) -> None:
        seen.add(answer.headers["x-trace-id"])

    note(client.get("/trial?plan=free"))
    note(stranger_at_trial.gives("kim@mailinator.com"))
    note(stranger_at_trial.gives(COMPANY))
    for path in PAGES:
        note(client.get(path))
    note(client.post("/trial/code/", {"code": stranger_at_trial.code(COMPANY)}))
    note(stranger_at_trial.tells())
    handle_messages(queue="pipelines")
    handle_messages()
    for path in PAGES:
        note(client.get(path))
    note(client.post("/trial/enter/", {"to": "instance"}))
    handle_messages()
    trace_id = stranger_at_trial.registration.trace_id
    assert seen == {trace_id}
    with tenancy.platform("look"):
        events = FunnelEvent.objects.filter(subject=stranger_at_trial.registration.id)
        steps = [step.value for step in ORDER if step not in OPTIONAL]
        assert sorted(events.values_list("step", flat=True)) == sorted(steps)
        assert set(events.values_list("trace_id", flat=True)) == {trace_id}
        mails = Mail.objects.order_by("created_at")
        assert list(mails.values_list("template", "trace_id")) == [
            ("trial_code", trace_id),
            ("tenant_active", trace_id),
        ]


@pytest.mark.parametrize("path", [*PAGES[:3], "/trial/resend/", "/trial/again/", "/trial/enter/"])
def test_forms_of_other_sites_change_nothing(stranger_at_trial: Stranger, path: str) -> None:
    stranger_at_trial.gives(COMPANY)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["journey"] = stranger_at_trial.client.cookies["journey"].value
    answer = strict.post(path, {"email": "kim@mailinator.com"})
    assert answer.status_code == 403
    assert "This form is no longer valid" in answer.content.decode()
    assert stranger_at_trial.registration.state == "code_sent"


def test_pages_keep_to_the_strict_policy(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.settles()
    for path in ("/trial/progress/",):
        answer = stranger_at_trial.client.get(path)
        page = answer.content.decode()
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", page)


def test_the_sign_in_leads_here(db: None) -> None:
    assert 'href="/trial/"' in Client().get("/sign-in/").content.decode()


def test_all_pages_speak_the_visitors_language(stranger_at_trial: Stranger) -> None:
    stranger_at_trial.client.cookies["language"] = "ko"
    pages = [stranger_at_trial.sees("/trial/")]
    stranger_at_trial.gives(FREE)
    pages.append(stranger_at_trial.sees("/trial/code/"))
    code = stranger_at_trial.code(FREE)
    stranger_at_trial.client.post("/trial/code/", {"code": code})
    pages.append(stranger_at_trial.sees("/trial/company/"))
    stranger_at_trial.tells(company="한빛")
    pages.append(stranger_at_trial.sees("/trial/progress/"))
    for page in pages:
        assert '<html lang="ko"' in page
        text = text_of(page).replace(stranger_at_trial.registration.reference, "")
        words = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"\S+@\S+", "", text)))
        # Names stay; no sentence is left in English.
        zones = re.findall(r"[A-Za-z]+", " ".join(zone_names()))
        assert words - {"English", "ERP", *zones} == set()
