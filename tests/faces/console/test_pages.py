"""Every page of the console, with everybody and each wrong method; and how much it asks."""

import re
from collections.abc import Callable
from itertools import product

import pytest
from django.conf import LazySettings
from django.conf import settings as live_settings
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenantry.core import clock, tenancy
from tenantry.customers.accounts.models import User
from tenantry.customers.notices import services as notices
from tenantry.customers.notices.models import Captured, Mail
from tenantry.faces.console.checks import check_settings
from tenantry.faces.console.site import console
from tenantry.governance.policies import services as policies
from tenantry.ledger.audit.models import AuditEntry
from tenantry.work.automation import services as automation
from tenantry.work.automation.models import Connection, ProcessBeat
from tests.faces.company import Company
from tests.faces.console.conftest import ACTOR, enrol, enter_password
from tests.faces.console.fleet import ended_run, list_domain, register_host, registration

LISTS = (
    "schedules/schedule/", "schedules/slot/", "automation/job/", "automation/connection/",
    "automation/processbeat/", "tenants/tenant/", "accounts/user/", "notices/mail/",
    "notices/captured/", "hosts/host/", "provisioning/run/", "onboarding/registration/",
    "onboarding/dictionaryentry/",
)  # fmt: skip
PLAIN = (
    "", "approvals/", "audit/auditentry/", "policies/policy/", "queue/", "pulse/", "funnel/",
    f"trace/{'0' * 31}1/",
)  # fmt: skip
PAGES = (*LISTS, *PLAIN, "policies/policy/schedules.review/", "address/")
ROLES = ("reviewer", "operator", "superuser")
# What every company's rows would show.
SECRETS = ("Hanbit", "owner@hanbit.example", "Morning")

Crew = dict[str, Client]


def fill(company: Company, *, rows: int = 1) -> None:
    """Make so many rows of everything that lists show."""
    policies.set_policy(
        key="schedules.review", value="all", reason="Test", actor=ACTOR, now=company.now
    )
    for number in range(rows):
        name = f"Morning {clock.now().timestamp()} {number}"
        schedule = company.schedule(name)
        company.failed(schedule)
        company.schedule(f"Waiting {name}", approved=False)
        notices.send_mail(
            to=f"{number}@hanbit.example",
            language="en",
            template="sign_in_unknown",
            facts={},
            dedupe_key=name,
            now=company.now,
            tenant_id=company.tenant.id,
        )
        automation.beat(kind="web", host=name, pid=1, started_at=company.now, now=company.now)
        label = str(company.now.timestamp()).replace(".", "-")
        register_host(f"host-{label}-{number}", company.now)
        registration(f"kim@sori{number}.example.com", company.now)
        list_domain(f"mail{number}.example.net", company.now)
        ended_run(company.tenant, company.now)
    with tenancy.platform("test"):
        waiting = [mail.id for mail in Mail.objects.all()]
    for mail_id in waiting:
        notices.deliver(mail_id=mail_id, now=company.now)


def test_every_role_reads_every_page(crew: Crew, company: Company) -> None:
    fill(company)
    for path, role in product(PAGES, ROLES):
        answer = crew[role].get(f"/console/{path}")
        assert answer.status_code == 200, (path, role)


def test_nobody_else_reads_any_page(company: Company, owner: User) -> None:
    fill(company)
    customer, portal_operator = Client(), Client()
    customer.force_login(owner)
    operator = User.objects.create(
        email="o@tenantry.example", operator_role="superuser", created_at=company.now
    )
    portal_operator.force_login(operator)
    visitors = (Client(), customer, portal_operator)
    for path, visitor, method in product(PAGES, visitors, ("get", "post")):
        answer = getattr(visitor, method)(f"/console/{path}")
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/console/sign-in/")
        assert not [word for word in SECRETS if word in answer.content.decode()]


def test_pages_refuse_other_methods(sign_in: Callable[..., Client]) -> None:
    browser = sign_in()
    for path, method in product(PAGES, ("put", "patch", "delete")):
        assert getattr(browser, method)(f"/console/{path}").status_code == 405, (path, method)
    for path in PLAIN:
        assert browser.post(f"/console/{path}").status_code == 405, path


def test_a_nul_in_a_filter_or_an_id_is_malformed(sign_in: Callable[..., Client]) -> None:
    browser = sign_in()
    for path in PAGES:
        for query in ("q=a%00b", "product=%00", "actor=%00", "target=%00", "before=%00", "%00=1"):
            answer = browser.get(f"/console/{path}?{query}")
            assert answer.status_code == 400, (path, query)
            assert "Content-Security-Policy" in answer.headers
    for path in LISTS:
        assert browser.get(f"/console/{path}%00/").status_code == 400, path


def test_titles_are_words_of_the_operator_s_language(
    sign_in: Callable[..., Client], company: Company
) -> None:
    fill(company)
    browser = sign_in("reviewer")
    browser.cookies[live_settings.LANGUAGE_COOKIE_NAME] = "ko"
    with tenancy.platform("test"):
        mail = Mail.objects.all()[0]
        connection_id = Connection.objects.all()[0].id
    titles = {
        f"automation/job/{mail.id}/": "찾을 수 없음",
        f"automation/connection/act/check/?rows={connection_id}": "권한 없음",
        f"notices/mail/{mail.id}/": f"{mail.recipient}, {mail.template}",
    }
    for path, title in titles.items():
        page = browser.get(f"/console/{path}").content.decode()
        assert re.search(rf"<title>\s*{title} \|", page), path


def row_addresses(company: Company) -> list[str]:
    """Return the page of one row of every table."""
    with tenancy.platform("test"):
        return [
            f"/console/{model._meta.app_label}/{model._meta.model_name}/{row.pk}/"
            for model in console._registry
            if model._meta.model_name != "policy"
            for row in [model._default_manager.first()]
            if row is not None
        ]


def test_every_row_has_a_page(sign_in: Callable[..., Client], company: Company) -> None:
    fill(company)
    browser = sign_in()
    addresses = row_addresses(company)
    assert len(addresses) == len(console._registry) - 1, addresses
    for address in addresses:
        assert browser.get(address).status_code == 200, address
        assert browser.post(address).status_code == 405, address
        assert Client().get(address).status_code == 302, address


def test_what_is_not_there_is_404_in_the_console_s_own_look(
    sign_in: Callable[..., Client],
) -> None:
    browser = sign_in()
    nobody = "00000000-0000-7000-8000-000000000000"
    rows = [f"{path}{row}/" for path, row in product(LISTS, (nobody, "x"))]
    for path in (*rows, "no/such/page/", "policies/policy/no.such/"):
        answer = browser.get(f"/console/{path}")
        assert answer.status_code == 404, path
        assert 'id="nav-sidebar"' in answer.content.decode()


# One statement each for session, person, authenticator and the reach; then what the page asks.
QUERIES = {
    "schedules/schedule/": 8,
    "schedules/slot/": 8,
    "automation/job/": 8,
    "automation/connection/": 8,
    "automation/processbeat/": 9,
    "tenants/tenant/": 9,
    "accounts/user/": 9,
    "notices/mail/": 8,
    "notices/captured/": 8,
    "hosts/host/": 8,
    "provisioning/run/": 8,
    "onboarding/registration/": 9,
    "onboarding/dictionaryentry/": 8,
    "approvals/": 8,
    "audit/auditentry/": 14,
    "funnel/": 11,
    "": 20,
}


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_ask_the_same_for_one_row_and_for_three(
    sign_in: Callable[..., Client], company: Company, rows: int
) -> None:
    fill(company, rows=rows)
    browser = sign_in()
    asked = {}
    for path in QUERIES:
        browser.get(f"/console/{path}")
        with CaptureQueriesContext(connection) as counted:
            assert browser.get(f"/console/{path}").status_code == 200
        asked[path] = len(counted)
    assert asked == QUERIES


def test_nothing_is_written_by_a_form_of_django_s() -> None:
    rf = HttpRequest()
    for table in console._registry.values():
        assert not table.has_add_permission(rf)
        assert not table.has_change_permission(rf)
        assert not table.has_delete_permission(rf)
        names = {url.name for url in table.get_urls()}
        prefix = f"{table.opts.app_label}_{table.opts.model_name}"
        assert names == {f"{prefix}_changelist", f"{prefix}_change", f"{prefix}_act"}


def test_only_our_own_tables_are_shown() -> None:
    assert {model._meta.label for model in console._registry} == {
        "accounts.User",
        "audit.AuditEntry",
        "automation.Connection",
        "automation.Job",
        "automation.ProcessBeat",
        "hosts.Host",
        "notices.Captured",
        "notices.Mail",
        "onboarding.DictionaryEntry",
        "onboarding.Registration",
        "policies.Policy",
        "provisioning.Run",
        "schedules.Schedule",
        "schedules.Slot",
        "tenants.Tenant",
    }


def test_empty_lists_teach(sign_in: Callable[..., Client]) -> None:
    browser = sign_in()
    for path, words in (
        ("schedules/schedule/", "No customer has made a schedule yet."),
        ("automation/job/", "A due schedule whose gates are open makes one."),
        ("approvals/", "Nothing awaits approval."),
        ("queue/", "Nothing waits, runs or failed."),
        ("hosts/host/", "A machine registers itself"),
        ("provisioning/run/", "A trial that is accepted begins the first run."),
        ("onboarding/registration/", "Nobody has asked for a trial yet."),
        ("onboarding/dictionaryentry/", "the lists alone decide"),
        ("address/", "Six stages answer"),
        ("funnel/?since=2001-01-01&until=2001-01-02", "Nobody opened the trial page"),
    ):
        assert words in browser.get(f"/console/{path}").content.decode()


def test_the_mailbox_is_there_only_when_it_is_used(
    sign_in: Callable[..., Client], settings: LazySettings
) -> None:
    browser = sign_in()
    assert "/console/notices/captured/" in browser.get("/console/").content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert "/console/notices/captured/" not in browser.get("/console/").content.decode()
    assert browser.get("/console/notices/captured/").status_code == 404


def test_the_mailbox_shows_the_mail(sign_in: Callable[..., Client], company: Company) -> None:
    fill(company)
    captured = Captured.objects.get(recipient="0@hanbit.example")
    page = sign_in().get(f"/console/notices/captured/{captured.id}/").content.decode()
    assert captured.letter.text.splitlines()[0] in page


def test_the_outbox_does_not_show_what_a_mail_says(
    sign_in: Callable[..., Client], company: Company
) -> None:
    mail_id = notices.send_mail(
        to="owner@hanbit.example",
        language="en",
        template="sign_in_code",
        facts={"code": "BCDF-GHJK", "minutes": 10},
        dedupe_key="x",
        now=company.now,
    )
    browser = sign_in()
    for path in ("notices/mail/", f"notices/mail/{mail_id}/"):
        page = browser.get(f"/console/{path}").content.decode()
        assert "owner@hanbit.example" in page
        assert "BCDF-GHJK" not in page


def test_the_account_is_masked(sign_in: Callable[..., Client], company: Company) -> None:
    account = company.account()
    browser = sign_in()
    for path in ("", f"{account.id}/"):
        page = browser.get(f"/console/automation/connection/{path}").content.decode()
        assert account.masked_account in page
        assert account.account not in page


def test_a_list_is_narrowed_by_filter_and_search(
    sign_in: Callable[..., Client], company: Company
) -> None:
    fill(company)
    browser = sign_in()
    address = "/console/schedules/schedule/"
    narrowed = browser.get(address, {"admin_status__exact": "NEEDS_REVIEW"})
    assert [row.admin_status for row in narrowed.context["cl"].result_list] == ["NEEDS_REVIEW"]
    assert len(browser.get(address, {"q": "Waiting"}).context["cl"].result_list) == 1
    jobs = browser.get("/console/automation/job/", {"error_code": "UI_CHANGED"})
    assert [row.error_code for row in jobs.context["cl"].result_list] == ["UI_CHANGED"]
    assert "Nothing matches." in browser.get(address, {"q": "zzz"}).content.decode()


def test_a_dead_process_is_marked(sign_in: Callable[..., Client], company: Company) -> None:
    now = clock.now()
    automation.beat(kind="browser", host="a", pid=1, started_at=now, now=now)
    automation.beat(kind="worker", host="a", pid=2, started_at=now, now=now)
    ProcessBeat.objects.filter(kind="worker").update(beat_at=company.now.replace(year=2020))
    page = sign_in().get("/console/automation/processbeat/").content.decode()
    assert page.count("chip-ok") == 1
    assert page.count("chip-bad") == 1


def test_the_overview_counts_what_there_is(
    sign_in: Callable[..., Client], company: Company
) -> None:
    fill(company, rows=2)
    context = sign_in().get("/console/").context
    numbers = {tile.name: tile.number for tile in context["tiles"]}
    with tenancy.platform("test"):
        entries, mails = AuditEntry.objects.count(), Captured.objects.count()
    assert numbers == {
        "approvals": 2,
        "trials": 2,
        "runs": 0,
        "failed": 2,
        "audit": entries,
        "mails": mails,
        "queue": 0,
    }
    assert [(share.state, share.count) for share in context["sessions"]] == [("HEALTHY", 4)]
    assert [alive for _beat, alive, _heard in context["processes"]] == [True, True]
    assert context["chart"].total == 6


def test_the_language_is_chosen_for_browser_and_person(
    client: Client, make_operator: Callable[..., User]
) -> None:
    user = make_operator()
    enter_password(client, user)
    enrol(client)
    assert '<html lang="en"' in client.get("/console/").content.decode()
    answer = client.post("/console/language/", {"language": "ko", "next": "/console/queue/"})
    assert answer.headers["Location"] == "/console/queue/"
    assert '<html lang="ko"' in client.get("/console/").content.decode()
    assert User.objects.get(id=user.id).language == "ko"
    assert client.get("/console/language/").status_code == 405


def test_the_console_speaks_the_operator_s_language(
    client: Client, make_operator: Callable[..., User]
) -> None:
    user = make_operator()
    User.objects.filter(id=user.id).update(language="ko")
    enter_password(client, user)
    enrol(client)
    assert '<html lang="ko"' in client.get("/console/").content.decode()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("ACCOUNT_ADAPTER", "allauth.account.adapter.DefaultAccountAdapter", "E001"),
        ("MFA_ADAPTER", "allauth.mfa.adapter.DefaultMFAAdapter", "E001"),
        ("MIDDLEWARE", [], "E002"),
        ("INSTALLED_APPS", ["unfold", "allauth", "tenantry.faces.console"], "E003"),
    ],
)
def test_an_open_door_is_a_system_check(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object, fault: str
) -> None:
    assert check_settings() == []
    # Not through override_settings: Django would load the apps anew.
    monkeypatch.setitem(live_settings.__dict__, name, value)
    assert [found.id for found in check_settings()] == [f"tenantry.console.{fault}"]


def test_lists_filter_by_what_they_offer_and_by_nothing_hidden(
    sign_in: Callable[..., Client], company: Company
) -> None:
    fill(company)
    browser = sign_in()
    hidden = {
        "accounts/user/": ("password__startswith=pbkdf2", "password__regex=.", "last_login__lt=x"),
        "notices/mail/": ("dedupe_key__startswith=a", "sealed__isnull=0"),
        "automation/connection/": ("session_secret_id__startswith=0",),
    }
    offered = {
        "accounts/user/": ("operator_role__exact=reviewer", "is_active__exact=1"),
        "schedules/schedule/": (f"tenant_id={company.tenant.id}", "product=cafe"),
        "automation/connection/": ("session_state__exact=HEALTHY",),
        "schedules/slot/": (f"tenant_id={company.tenant.id}", "outcome__exact=SKIPPED"),
    }
    for status, asked in ((400, hidden), (200, offered)):
        for path, queries in asked.items():
            for query in queries:
                answer = browser.get(f"/console/{path}?{query}")
                assert answer.status_code == status, (path, query)
