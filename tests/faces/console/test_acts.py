"""What operators do: through services, with a reason where one is due, by role, in bulk."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from tenantry.core import tenancy
from tenantry.customers.accounts.models import User
from tenantry.customers.notices import services as notices
from tenantry.customers.notices.models import Mail
from tenantry.customers.notices.states import MailState
from tenantry.faces.console import acts
from tenantry.ledger.audit.models import AuditEntry
from tenantry.work.automation import services as automation
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.states import JobState
from tenantry.work.schedules import services as schedules
from tenantry.work.schedules.models import Schedule
from tenantry.work.schedules.states import AdminStatus
from tests.faces.company import ACTOR, Company
from tests.faces.console.conftest import messages_of

SCHEDULES = "/console/schedules/schedule/"
CONNECTIONS = "/console/automation/connection/"
JOBS = "/console/automation/job/"
MAILS = "/console/notices/mail/"
REASON = "The post breaks the rules of the cafe."

Crew = dict[str, Client]
SignIn = Callable[..., Client]


def act(client: Client, where: str, name: str, *rows: object, **more: str) -> Any:  # noqa: ANN401  # of the test client
    """Send an act for rows, as its form does, and follow where it leads."""
    data = {"rows": " ".join(str(row) for row in rows), **more}
    return client.post(f"{where}act/{name}/", data, follow=True)


def status_of(schedule: Schedule) -> str:
    with tenancy.platform("test"):
        return str(Schedule.objects.get(id=schedule.id).admin_status)


def waiting(company: Company, name: str = "Waiting") -> Schedule:
    made = company.schedule(name, approved=False)
    assert status_of(made) == AdminStatus.NEEDS_REVIEW
    return made


def banned(company: Company, name: str = "Banned") -> Schedule:
    made = company.schedule(name)
    return schedules.ban(schedule_id=made.id, reason=REASON, actor=ACTOR, now=company.now)


def last_entry(action: str) -> AuditEntry:
    with tenancy.platform("test"):
        return AuditEntry.objects.filter(action=action).order_by("seq").last() or AuditEntry()


class TestApproving:
    def test_a_button_approves_and_says_so(self, sign_in: SignIn, company: Company) -> None:
        browser, schedule = sign_in(), waiting(company)
        answer = act(browser, SCHEDULES, "approve", schedule.id)
        assert messages_of(answer) == ["1 schedule was approved."]
        assert status_of(schedule) == AdminStatus.APPROVED
        operator = User.objects.get(email="operator@tenantry.example")
        entry = last_entry("schedules.review.approved")
        assert (entry.actor, entry.target_id) == (f"operator:{operator.id}", str(schedule.id))

    def test_what_changed_after_it_was_looked_at_is_not_approved(
        self, sign_in: SignIn, company: Company
    ) -> None:
        schedule = waiting(company)
        answer = act(sign_in(), SCHEDULES, "approve", f"{schedule.id}:anotherdigest")
        (refused,) = messages_of(answer)
        assert refused.startswith("Waiting: This was changed by somebody else in the meantime.")
        assert refused.endswith("Reload the page and decide again.")
        assert status_of(schedule) == AdminStatus.NEEDS_REVIEW

    def test_the_queue_s_button_carries_what_was_shown(
        self, sign_in: SignIn, company: Company
    ) -> None:
        browser, schedule = sign_in(), waiting(company)
        page = browser.get("/console/approvals/").content.decode()
        assert f'value="{schedule.id}:{schedule.content_digest}"' in page
        act(browser, SCHEDULES, "approve", f"{schedule.id}:{schedule.content_digest}")
        assert status_of(schedule) == AdminStatus.APPROVED

    def test_the_row_s_own_button_carries_what_was_shown(
        self, sign_in: SignIn, company: Company
    ) -> None:
        schedule = waiting(company)
        page = sign_in().get(f"{SCHEDULES}{schedule.id}/").content.decode()
        assert f'name="rows" value="{schedule.id}:{schedule.content_digest}"' in page

    def test_looking_never_approves(self, sign_in: SignIn, company: Company) -> None:
        schedule = waiting(company)
        answer = sign_in().get(f"{SCHEDULES}act/approve/?rows={schedule.id}")
        assert answer.status_code == 200
        assert status_of(schedule) == AdminStatus.NEEDS_REVIEW

    def test_a_form_without_its_token_does_nothing(self, sign_in: SignIn, company: Company) -> None:
        browser, schedule = sign_in(), waiting(company)
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = browser.cookies
        answer = strict.post(f"{SCHEDULES}act/approve/", {"rows": str(schedule.id)})
        assert answer.status_code == 403
        assert status_of(schedule) == AdminStatus.NEEDS_REVIEW

    def test_the_way_back_stays_on_this_site(self, sign_in: SignIn, company: Company) -> None:
        browser, schedule = sign_in(), waiting(company)
        data = {"rows": str(schedule.id), "next": "https://evil.example/"}
        answer = browser.post(f"{SCHEDULES}act/approve/", data)
        assert answer.headers["Location"] == SCHEDULES


class TestReasons:
    @pytest.mark.parametrize("given", [{}, {"reason": " ", "sure": "yes"}])
    def test_rejecting_asks_for_a_reason_first(
        self, sign_in: SignIn, company: Company, given: dict[str, str]
    ) -> None:
        schedule = waiting(company)
        answer = act(sign_in(), SCHEDULES, "reject", schedule.id, **given)
        assert answer.status_code == (422 if given else 200)
        assert "The customer reads it" in answer.content.decode()
        assert status_of(schedule) == AdminStatus.NEEDS_REVIEW

    def test_a_reason_is_kept_and_shown(self, sign_in: SignIn, company: Company) -> None:
        browser, schedule = sign_in(), waiting(company)
        answer = act(browser, SCHEDULES, "reject", schedule.id, reason=REASON, sure="yes")
        assert messages_of(answer) == ["1 schedule was rejected."]
        assert status_of(schedule) == AdminStatus.SUSPENDED
        assert last_entry("schedules.review.rejected").reason == REASON
        assert REASON in browser.get(f"{SCHEDULES}{schedule.id}/").content.decode()

    def test_a_long_reason_is_refused_and_kept_in_the_form(
        self, sign_in: SignIn, company: Company
    ) -> None:
        schedule, long = waiting(company), "x" * 501
        answer = act(sign_in(), SCHEDULES, "reject", schedule.id, reason=long, sure="yes")
        assert answer.status_code == 422
        assert long in answer.content.decode()

    def test_suspending_resuming_banning_and_appealing(
        self, sign_in: SignIn, company: Company
    ) -> None:
        browser, schedule = sign_in(), company.schedule()
        for name, expected in (
            ("suspend", AdminStatus.SUSPENDED),
            ("unsuspend", AdminStatus.APPROVED),
            ("ban", AdminStatus.BANNED),
            ("appeal", AdminStatus.NEEDS_REVIEW),
        ):
            act(browser, SCHEDULES, name, schedule.id, reason=REASON, sure="yes")
            assert status_of(schedule) == expected


class TestBulk:
    def test_many_are_approved_at_once(self, sign_in: SignIn, company: Company) -> None:
        browser = sign_in()
        # Made together: the first one approved would let the others pass without a review.
        chosen = [waiting(company, f"Waiting {number}") for number in range(3)]
        answer = act(browser, SCHEDULES, "approve", *[row.id for row in chosen])
        assert messages_of(answer) == ["3 schedules were approved."]
        assert {status_of(row) for row in chosen} == {AdminStatus.APPROVED}

    def test_many_are_rejected_with_one_reason(self, sign_in: SignIn, company: Company) -> None:
        browser = sign_in()
        chosen = [waiting(company, f"Waiting {number}") for number in range(2)]
        ids = [row.id for row in chosen]
        asked = act(browser, SCHEDULES, "reject", *ids)
        assert [name for name, _company in asked.context["named"]] == ["Waiting 0", "Waiting 1"]
        answer = act(browser, SCHEDULES, "reject", *ids, reason=REASON, sure="yes")
        assert messages_of(answer) == ["2 schedules were rejected."]
        assert {status_of(row) for row in chosen} == {AdminStatus.SUSPENDED}

    def test_one_refusal_leaves_the_others_done(self, sign_in: SignIn, company: Company) -> None:
        browser, open_one = sign_in(), waiting(company)
        shut = banned(company)
        answer = act(browser, SCHEDULES, "approve", open_one.id, shut.id)
        done, refused = messages_of(answer)
        assert done == "1 schedule was approved."
        assert refused.startswith("Banned: ")
        assert (status_of(open_one), status_of(shut)) == (
            AdminStatus.APPROVED,
            AdminStatus.BANNED,
        )

    def test_rows_of_all_pages_are_chosen_through_the_list(
        self, sign_in: SignIn, company: Company
    ) -> None:
        chosen = [waiting(company, f"Waiting {number}") for number in range(3)]
        browser = sign_in()
        address = f"{SCHEDULES}?admin_status__exact=NEEDS_REVIEW"
        data = {
            "action": "approve",
            "index": "0",
            "select_across": "1",
            "_selected_action": [str(chosen[0].id)],
        }
        answer = browser.post(address, data, follow=True)
        assert messages_of(answer) == ["3 schedules were approved."]
        assert {status_of(row) for row in chosen} == {AdminStatus.APPROVED}

    def test_the_list_asks_for_a_reason_too(self, sign_in: SignIn, company: Company) -> None:
        schedule = waiting(company)
        data = {"action": "reject", "index": "0", "_selected_action": [str(schedule.id)]}
        answer = sign_in().post(SCHEDULES, data)
        assert answer.status_code == 200
        assert answer.context["ids"] == f"{schedule.id}:{schedule.content_digest}"
        assert status_of(schedule) == AdminStatus.NEEDS_REVIEW

    def test_too_many_are_refused(
        self, sign_in: SignIn, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(acts, "MOST_ROWS", 1)
        chosen = [waiting(company, f"Waiting {number}") for number in range(2)]
        browser = sign_in()
        answer = act(browser, SCHEDULES, "approve", *[row.id for row in chosen])
        assert answer.status_code == 422
        data = {
            "action": "approve",
            "index": "0",
            "select_across": "1",
            "_selected_action": [str(chosen[0].id)],
        }
        assert browser.post(SCHEDULES, data).status_code == 422
        assert {status_of(row) for row in chosen} == {AdminStatus.NEEDS_REVIEW}


@pytest.mark.parametrize("rows", ["", "x", "01a20159-e167-70cc-bd99-01296ff5ff40"])
def test_an_act_on_nothing_is_404(sign_in: SignIn, rows: str) -> None:
    assert sign_in().post(f"{SCHEDULES}act/approve/", {"rows": rows}).status_code == 404


def test_an_unknown_act_is_404(sign_in: SignIn, company: Company) -> None:
    schedule = company.schedule()
    assert act(sign_in(), SCHEDULES, "delete", schedule.id).status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_acts_refuse_other_methods(sign_in: SignIn, method: str) -> None:
    assert getattr(sign_in(), method)(f"{SCHEDULES}act/approve/").status_code == 405


# Which role may do what: everything that is not here is refused.
ALLOWED = {
    "reviewer": {"approve", "reject"},
    "operator": {
        "approve", "reject", "suspend", "unsuspend", "ban", "appeal",
        "check", "disconnect", "cancel", "release", "retry",
    },
}  # fmt: skip
ALLOWED["superuser"] = ALLOWED["operator"]
ACTS = {
    SCHEDULES: ("approve", "reject", "suspend", "unsuspend", "ban", "appeal"),
    CONNECTIONS: ("check", "disconnect"),
    JOBS: ("cancel", "release"),
    MAILS: ("retry",),
}


def test_every_act_is_open_to_its_roles_only(crew: Crew, company: Company) -> None:
    schedule = company.schedule()
    slot = company.slot(schedule)
    mail = failed_mail(company)
    rows = {
        SCHEDULES: schedule.id,
        CONNECTIONS: schedule.connection_id,
        JOBS: slot.job_id,
        MAILS: mail.id,
    }
    for where, names in ACTS.items():
        for name in names:
            for role, browser in crew.items():
                # Only asked, so that no act changes what the next one meets.
                asked = browser.get(f"{where}act/{name}/", {"rows": str(rows[where])})
                expected = 200 if name in ALLOWED[role] else 403
                assert asked.status_code == expected, (role, where, name)
            answer = act(crew["reviewer"], where, name, rows[where], reason=REASON, sure="yes")
            refused = name not in ALLOWED["reviewer"]
            assert (answer.status_code == 403) is refused, (where, name)


def test_a_reviewer_sees_only_his_buttons(crew: Crew, company: Company) -> None:
    schedule = waiting(company)
    pages = {
        role: browser.get(f"{SCHEDULES}{schedule.id}/").content.decode()
        for role, browser in crew.items()
    }
    assert 'id="act-approve"' in pages["reviewer"]
    assert 'id="act-ban"' not in pages["reviewer"]
    assert 'id="act-ban"' in pages["operator"]
    assert 'value="ban"' not in crew["reviewer"].get(SCHEDULES).content.decode()


def test_nobody_outside_acts(company: Company, owner: User) -> None:
    schedule = waiting(company)
    customer, operator = Client(), Client()
    customer.force_login(owner)
    operator.force_login(
        User.objects.create(
            email="o@tenantry.example", operator_role="superuser", created_at=company.now
        )
    )
    for visitor in (Client(), customer, operator):
        answer = visitor.post(f"{SCHEDULES}act/approve/", {"rows": str(schedule.id)})
        assert answer.headers["Location"] == "/console/sign-in/"
    assert status_of(schedule) == AdminStatus.NEEDS_REVIEW


class TestJobsAndConnections:
    def test_a_waiting_job_is_cancelled(self, sign_in: SignIn, company: Company) -> None:
        slot = company.slot(company.schedule())
        answer = act(sign_in(), JOBS, "cancel", slot.job_id, reason=REASON, sure="yes")
        assert messages_of(answer) == ["1 job was cancelled."]
        assert job(slot.job_id).state == JobState.CANCELLED

    def test_an_ended_job_is_not_cancelled(self, sign_in: SignIn, company: Company) -> None:
        slot = company.published(company.schedule())
        answer = act(sign_in(), JOBS, "cancel", slot.job_id, reason=REASON, sure="yes")
        (refused,) = messages_of(answer)
        assert "This job can no longer be stopped" in refused
        assert job(slot.job_id).state == JobState.SUCCESS

    def test_a_held_job_is_released_once(self, sign_in: SignIn, company: Company) -> None:
        slot = company.slot(company.schedule())
        assert slot.job_id is not None
        with tenancy.platform("test"):
            automation.hold(job_ids=[slot.job_id], actor=ACTOR, now=company.now, reason="")
        browser = sign_in()
        assert messages_of(act(browser, JOBS, "release", slot.job_id)) == ["1 job was released."]
        assert job(slot.job_id).state == JobState.QUEUED
        (refused,) = messages_of(act(browser, JOBS, "release", slot.job_id))
        assert "This job is not held." in refused

    def test_a_session_is_checked(self, sign_in: SignIn, company: Company) -> None:
        account = company.account()
        answer = act(sign_in(), CONNECTIONS, "check", account.id)
        assert messages_of(answer) == ["1 session is being checked."]
        with tenancy.platform("test"):
            assert Job.objects.filter(connection=account, kind="connection.check").count() == 1

    def test_an_account_is_disconnected_with_a_reason(
        self, sign_in: SignIn, company: Company
    ) -> None:
        account, browser = company.account(), sign_in()
        answer = act(browser, CONNECTIONS, "disconnect", account.id, reason=REASON, sure="yes")
        assert messages_of(answer) == ["1 account was disconnected."]
        with tenancy.platform("test"):
            gone = Connection.objects.get(id=account.id)
        assert (gone.removed_at is not None, gone.session_secret_id) == (True, None)
        assert last_entry("automation.connection.removed").reason == REASON
        assert browser.get(f"{CONNECTIONS}{account.id}/").status_code == 404


def test_a_mail_that_was_given_up_is_sent_once_more(sign_in: SignIn, company: Company) -> None:
    mail, browser = failed_mail(company), sign_in()
    assert messages_of(act(browser, MAILS, "retry", mail.id)) == ["1 mail is sent once more."]
    (refused,) = messages_of(act(browser, MAILS, "retry", mail.id))
    assert "This mail was not given up." in refused


def failed_mail(company: Company) -> Mail:
    mail_id = notices.send_mail(
        to="owner@hanbit.example",
        language="en",
        template="sign_in_unknown",
        facts={},
        dedupe_key=str(uuid4()),
        now=company.now,
    )
    with tenancy.platform("test"):
        Mail.objects.filter(id=mail_id).update(state=MailState.FAILED)
        return Mail.objects.get(id=mail_id)


def job(job_id: UUID | None) -> Job:
    assert job_id is not None
    with tenancy.platform("test"):
        return Job.objects.get(id=job_id)
