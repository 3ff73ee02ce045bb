"""The audit timeline, one journey, and the chart of a day."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from tenantry.core import clock, tenancy, trace
from tenantry.customers.accounts.models import User
from tenantry.faces.console.admin import audit as timeline
from tenantry.faces.console.chart import HEIGHT, chart_of
from tenantry.faces.console.readings import HOURS, Hour, count_jobs
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action
from tenantry.work.automation.states import JobState
from tests.faces.company import Company

ADDRESS = "/console/audit/auditentry/"
SignIn = Callable[..., Client]


def write(reason: str, **given: object) -> None:
    entry: dict[str, object] = {
        "action": Action.POLICIES_POLICY_SET,
        "tenant_id": None,
        "actor": "system:probe",
        "target": ("policy", "probe.one"),
        "at": datetime(2026, 3, 2, 12, tzinfo=UTC),
    }
    with tenancy.platform("test"):
        audit.append(**{**entry, "reason": reason, **given})  # type: ignore[arg-type]  # by name


def reasons(browser: Client, **asked: str) -> list[str]:
    lines = browser.get(ADDRESS, asked).context["lines"]
    return [line.entry.reason for line in lines if line.entry.reason]


class TestTimeline:
    def test_the_newest_comes_first(self, sign_in: SignIn) -> None:
        for reason in ("first", "second"):
            write(reason)
        assert reasons(sign_in()) == ["second", "first"]

    def test_it_is_narrowed_by_each_field(self, sign_in: SignIn, company: Company) -> None:
        with trace.start() as journey:
            write("wanted", tenant_id=company.tenant.id, actor="operator:probe")
        write("other", action=Action.VAULT_SECRET_STORED, target=("secret", "x"))
        write("late", at=datetime(2026, 3, 5, tzinfo=UTC), target=("policy", "probe.two"))
        browser = sign_in()
        assert reasons(browser, tenant=str(company.tenant.id)) == ["wanted"]
        assert reasons(browser, actor="operator:probe") == ["wanted"]
        assert reasons(browser, trace=journey.trace_id) == ["wanted"]
        assert reasons(browser, action="vault.secret.stored") == ["other"]
        assert reasons(browser, target="policy:probe.two") == ["late"]
        assert reasons(browser, target="policy", actor="system:probe") == ["late"]
        assert reasons(browser, since="2026-03-05", until="2026-03-05") == ["late"]
        assert reasons(browser, actor="nobody") == []

    @pytest.mark.parametrize(
        "asked", [{"tenant": "x"}, {"action": "no.such.word"}, {"since": "yesterday"}]
    )
    def test_a_wrong_filter_is_said_and_shows_nothing_foreign(
        self, sign_in: SignIn, asked: dict[str, str]
    ) -> None:
        answer = sign_in().get(ADDRESS, asked)
        assert answer.status_code == 200
        assert list(answer.context["form"].errors) == list(asked)

    def test_older_entries_are_reached_page_by_page(
        self, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(timeline, "PER_PAGE", 2)
        for number in range(3):
            write(str(number))
        browser = sign_in()
        first = browser.get(ADDRESS, {"actor": "system:probe"})
        assert [line.entry.reason for line in first.context["lines"]] == ["2", "1"]
        older = str(first.context["older"])
        second = browser.get(ADDRESS, {"actor": "system:probe", "before": older})
        assert [line.entry.reason for line in second.context["lines"]] == ["0"]
        assert second.context["older"] is None

    def test_people_are_named(self, sign_in: SignIn, owner: User) -> None:
        write("named", actor=f"user:{owner.id}")
        assert owner.email in sign_in().get(ADDRESS, {"actor": "user:"}).content.decode()

    def test_reasons_are_escaped(self, sign_in: SignIn) -> None:
        write("<script>alert(1)</script>")
        assert "<script>alert(1)" not in sign_in().get(ADDRESS).content.decode()


def test_a_journey_shows_everything_that_carries_it_in_order(
    sign_in: SignIn, company: Company
) -> None:
    slot = company.failed(company.schedule())
    steps = sign_in().get(f"/console/trace/{slot.trace_id}/").context["steps"]
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    text = " ".join(str(step.title) for step in steps)
    for word in ("Slot decided", "Job made", "Attempt 1 begins", "Attempt 1 ends", "Job ended"):
        assert word in text


def test_a_journey_of_nothing_is_an_empty_page(sign_in: SignIn) -> None:
    answer = sign_in().get(f"/console/trace/{'a' * 32}/")
    assert (answer.status_code, answer.context["steps"]) == (200, [])


@pytest.mark.parametrize("trace_id", ["x", "A" * 32, "a" * 33])
def test_what_is_no_trace_id_is_404(sign_in: SignIn, trace_id: str) -> None:
    assert sign_in().get(f"/console/trace/{trace_id}/").status_code == 404


class TestChart:
    def hour(self, **counts: int) -> Hour:
        return Hour(start=datetime(2026, 3, 2, 9, tzinfo=UTC), counts=counts)

    def test_the_highest_hour_fills_the_chart(self) -> None:
        chart = chart_of([self.hour(SUCCESS=3, FAILED=1), self.hour(SUCCESS=2), self.hour()])
        assert (chart.total, chart.highest) == (6, 4)
        assert [(block.state, block.height) for block in chart.blocks] == [
            ("success", HEIGHT * 3 / 4),
            ("failed", HEIGHT / 4),
            ("success", HEIGHT / 2),
        ]
        assert [(state, count) for state, _label, count in chart.legend] == [
            ("success", 5),
            ("failed", 1),
        ]

    def test_one_of_many_is_still_seen(self) -> None:
        chart = chart_of([self.hour(SUCCESS=100_000, FAILED=1)])
        assert min(block.height for block in chart.blocks) >= 2
        assert min(block.y for block in chart.blocks) >= 0

    def test_no_job_is_no_bar(self) -> None:
        chart = chart_of([self.hour() for _ in range(HOURS)])
        assert (chart.blocks, chart.legend, chart.total) == ((), (), 0)

    def test_a_day_has_24_hours_with_the_present_one_last(self, company: Company) -> None:
        company.failed(company.schedule())
        now = clock.now()
        with tenancy.platform("test"):
            hours = count_jobs(now=now)
        assert len(hours) == HOURS
        assert hours[-1].start <= now < hours[-1].start + timedelta(hours=1)
        assert hours[-1].counts[JobState.FAILED] == 1
