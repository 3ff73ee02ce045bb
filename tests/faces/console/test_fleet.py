"""Hosts, companies' instances and runs, as operators see them and act on them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from tenantry.core import tenancy, trace
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants.models import Tenant
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.hosts import queries as hosts
from tenantry.fleet.hosts.models import Host
from tenantry.fleet.hosts.placement import SILENT_AFTER
from tenantry.fleet.hosts.states import HostState
from tenantry.fleet.provisioning import queries as provisioning
from tenantry.fleet.provisioning import services as runs
from tenantry.fleet.provisioning.states import RunKind, RunState
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tests.faces.console.conftest import messages_of
from tests.faces.console.fleet import Fleet, latest_run, register_host

SignIn = Callable[..., Client]
Crew = dict[str, Client]
TENANTS = "/console/tenants/tenant/"
HOSTS = "/console/hosts/host/"
REASON = "The customer asked for it."


def act(client: Client, where: str, name: str, rows: object, **more: str) -> Any:  # noqa: ANN401  # of the test client
    data = {"rows": str(rows), "reason": REASON, "sure": "yes", **more}
    return client.post(f"{where}act/{name}/", data, follow=True)


def page_of(client: Client, tenant: Tenant) -> str:
    return str(client.get(f"{TENANTS}{tenant.id}/").content.decode())


def acts_on(client: Client, tenant: Tenant) -> set[str]:
    answer = client.get(f"{TENANTS}{tenant.id}/")
    return {shown.name for shown in answer.context["acts"]}


def state_of(tenant: Tenant) -> str:
    return str(tenants.get_tenant(tenant.id).state)


# Companies


def test_a_company_s_page_shows_all_that_belongs_to_it(sign_in: SignIn, fleet: Fleet) -> None:
    tenant = fleet.settled()
    page = page_of(sign_in(), tenant)
    run = latest_run(tenant.id)
    for shown in (
        "Prove that it is ready",
        "Process alive",
        f"tenant-{tenant.short_id}.localhost",
        "local-sg",
        "Why this host",
        f"tnt_{tenant.short_id}",
        reverse("console:trace", args=[run.trace_id]),
        "owner@hanbit.example",
        escape(str(Action.TENANTS_TENANT_MOVED.label)),
    ):
        assert shown in page, shown


def test_a_company_without_instance_says_so(sign_in: SignIn, fleet: Fleet, tenant: Tenant) -> None:
    page = page_of(sign_in(), tenant)
    for shown in (
        "Nothing was done to this company&#x27;s instance yet.",
        "It has no host name now.",
        "holds no room on any host",
        "the readiness step of a run begins it",
    ):
        assert shown in page, shown


def test_the_page_asks_for_itself_when_there_is_news(sign_in: SignIn, fleet: Fleet) -> None:
    tenant = fleet.request()
    browser = sign_in()
    page = page_of(browser, tenant)
    now = reverse("console:tenant_now", args=[tenant.id])
    assert f'hx-get="{now}"' in page
    assert f"/console/tenants/{tenant.id}/events" in page
    run = fleet.begin(tenant)
    part = browser.get(now).content.decode()
    assert 'id="row-head" hx-swap-oob="true"' in part
    assert "<html" not in part
    assert "Choose a host" in part
    assert fleet.drive(run).state == RunState.SUCCEEDED
    assert "chip-ok" in browser.get(now).content.decode()
    assert browser.post(now).status_code == 405
    nobody = reverse("console:tenant_now", args=["00000000-0000-7000-8000-000000000000"])
    assert browser.get(nobody).status_code == 404


def test_a_step_s_log_is_shown_with_it(sign_in: SignIn, fleet: Fleet) -> None:
    tenant = fleet.settled()
    lines = provisioning.lines_of(latest_run(tenant.id))
    assert lines
    page = page_of(sign_in(), tenant)
    assert page.count("<time") > len(lines)
    assert lines[0].text in page


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (RunKind.SUSPEND, TenantState.SUSPENDED),
        (RunKind.ARCHIVE, TenantState.ARCHIVED),
    ],
)
def test_an_operator_puts_a_company_away_and_brings_it_back(
    sign_in: SignIn, fleet: Fleet, kind: RunKind, state: TenantState
) -> None:
    tenant, browser = fleet.settled(), sign_in()
    assert acts_on(browser, tenant) == {"suspend", "archive"}

    answer = act(browser, TENANTS, kind, tenant.id)
    assert messages_of(answer)[0].startswith("1 company is being")
    run = latest_run(tenant.id)
    assert (run.kind, run.reason) == (kind, REASON)
    assert run.actor.startswith("operator:")
    assert acts_on(browser, tenant) <= {"cancel"}
    fleet.drive(run)
    assert state_of(tenant) == state

    assert "resume" in acts_on(browser, tenant)
    act(browser, TENANTS, "resume", tenant.id)
    fleet.drive(latest_run(tenant.id))
    assert state_of(tenant) == TenantState.ACTIVE


@pytest.mark.parametrize("name", ["suspend", "resume", "archive", "retry", "cancel"])
def test_every_act_asks_for_a_reason(sign_in: SignIn, fleet: Fleet, name: str) -> None:
    tenant, browser = fleet.settled(), sign_in()
    before = latest_run(tenant.id).id
    asked = browser.get(f"{TENANTS}act/{name}/?rows={tenant.id}")
    assert (asked.status_code, "Reason" in asked.content.decode()) == (200, True)
    assert act(browser, TENANTS, name, tenant.id, reason=" ").status_code == 422
    assert latest_run(tenant.id).id == before


def test_what_was_ordered_on_an_old_page_is_refused(sign_in: SignIn, fleet: Fleet) -> None:
    tenant, browser = fleet.settled(), sign_in()
    shown = f"{tenant.id}:{latest_run(tenant.id).id}"
    assert f"rows={shown.replace(':', '%3A')}" in page_of(browser, tenant)
    fleet.drive(fleet.begin(tenant, RunKind.SUSPEND))
    fleet.drive(fleet.begin(tenant, RunKind.RESUME))
    last = latest_run(tenant.id).id

    (refused,) = messages_of(act(browser, TENANTS, "archive", shown))

    assert "This was changed by somebody else in the meantime." in refused
    assert latest_run(tenant.id).id == last
    assert state_of(tenant) == TenantState.ACTIVE


@pytest.fixture
def stuck(fleet: Fleet) -> Tenant:
    """A company whose run failed at its first step: there is no room in its region."""
    tenant = fleet.request()
    with tenancy.platform("test"):
        Host.objects.update(memory_mb=1)
    run = fleet.drive(fleet.begin(tenant))
    assert (run.state, run.error_code) == (RunState.FAILED, "NO_CAPACITY")
    return tenant


def test_a_failed_run_says_cause_and_remedy_and_is_tried_again(
    sign_in: SignIn, fleet: Fleet, stuck: Tenant
) -> None:
    browser = sign_in()
    page = page_of(browser, stuck)
    assert "No host of this region has room at the moment." in page
    assert "It goes on by itself as soon as there is room" in page
    assert "Retry from here" in page
    assert acts_on(browser, stuck) == {"retry", "cancel"}
    register_host("local-sg", fleet.now, size=10**6)

    answer = act(browser, TENANTS, "retry", f"{stuck.id}:{latest_run(stuck.id).id}")

    assert messages_of(answer) == ["1 run goes on."]
    assert fleet.drive(latest_run(stuck.id)).state == RunState.SUCCEEDED


def test_a_run_is_tried_again_from_a_step(
    sign_in: SignIn, fleet: Fleet, stuck: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(runs, "retry_run", lambda from_step, **_given: asked.append(from_step))
    browser, run = sign_in(), latest_run(stuck.id)
    rows = f"{stuck.id}:{run.id}/place"
    assert f"{run.id}%2Fplace" in page_of(browser, stuck)
    question = browser.get(f"{TENANTS}act/retry/", {"rows": rows})
    assert "Choose a host" in question.content.decode()
    assert question.context["ids"] == rows
    act(browser, TENANTS, "retry", rows)
    act(browser, TENANTS, "retry", f"{stuck.id}:{run.id}")
    assert asked == ["place", ""]


def test_a_run_is_cancelled_and_undone(sign_in: SignIn, fleet: Fleet) -> None:
    tenant, browser = fleet.request(), sign_in()
    run = fleet.begin(tenant)
    assert acts_on(browser, tenant) == {"cancel"}
    answer = act(browser, TENANTS, "cancel", tenant.id)
    assert messages_of(answer) == ["1 run is being undone."]
    assert "cancel was asked for" in page_of(browser, tenant)
    assert fleet.drive(run).state == RunState.CANCELLED
    assert fleet.driver.labels() == frozenset()


def test_a_reviewer_reads_and_does_nothing_to_companies_and_hosts(crew: Crew, fleet: Fleet) -> None:
    tenant = fleet.settled()
    reviewer = crew["reviewer"]
    host = hosts.list_hosts()[0]
    assert "Prove that it is ready" in page_of(reviewer, tenant)
    assert acts_on(reviewer, tenant) == set()
    for name in ("suspend", "resume", "archive", "retry", "cancel"):
        assert act(reviewer, TENANTS, name, tenant.id).status_code == 403, name
    for name in ("open", "drain"):
        assert act(reviewer, HOSTS, name, host.id).status_code == 403, name
    assert (state_of(tenant), hosts.get_host(host.id).state) == (
        TenantState.ACTIVE,
        HostState.OPEN,
    )
    assert "Retry from here" not in page_of(reviewer, tenant)


# Runs


def test_a_run_has_a_page_of_its_own(sign_in: SignIn, fleet: Fleet, stuck: Tenant) -> None:
    run = latest_run(stuck.id)
    browser = sign_in()
    page = browser.get(f"/console/provisioning/run/{run.id}/").content.decode()
    assert "NO_CAPACITY" in page
    assert "Choose a host" in page
    listed = browser.get("/console/provisioning/run/?state__exact=failed").content.decode()
    assert "Sori Sound" in listed


# Hosts


def test_a_host_s_capacity_is_drawn(sign_in: SignIn, fleet: Fleet) -> None:
    tenant = fleet.settled()
    needs = fleet.recipe.needs
    host = hosts.list_hosts()[0]
    browser = sign_in()
    for address in (HOSTS, f"{HOSTS}{host.id}/"):
        page = browser.get(address).content.decode()
        width = round(100 * needs.memory_mb / host.memory_mb, 2)
        assert f'<rect class="meter-busy" width="{width}"' in page
    assert f"{TENANTS}{tenant.id}/" in page
    assert "in use" in page


def test_a_full_host_is_marked(sign_in: SignIn, fleet: Fleet) -> None:
    fleet.settled()
    with tenancy.platform("test"):
        Host.objects.update(memory_mb=fleet.recipe.needs.memory_mb)
    page = sign_in().get(HOSTS).content.decode()
    assert '<rect class="meter-bad" width="100.0"' in page


def test_a_silent_host_is_marked(sign_in: SignIn, fleet: Fleet) -> None:
    with tenancy.platform("test"):
        Host.objects.update(beat_at=fleet.now - 2 * SILENT_AFTER)
    assert "silent" in sign_in().get(HOSTS).content.decode()


def test_hosts_are_drained_and_opened_with_a_reason(sign_in: SignIn, fleet: Fleet) -> None:
    host = hosts.list_hosts()[0]
    browser = sign_in()
    assert act(browser, HOSTS, "drain", host.id, reason="").status_code == 422
    assert messages_of(act(browser, HOSTS, "drain", host.id)) == ["1 host takes nobody new."]
    assert hosts.get_host(host.id).state == HostState.DRAINING
    assert messages_of(act(browser, HOSTS, "open", host.id)) == ["1 host was opened."]
    assert hosts.get_host(host.id).state == HostState.OPEN
    with tenancy.platform("test"):
        entries = AuditEntry.objects.filter(target_id=str(host.id)).order_by("seq")
        told = list(entries.values_list("action", "reason"))[1:]
    assert told == [("hosts.host.drained", REASON), ("hosts.host.opened", REASON)]


# The trace


def test_the_trace_page_has_runs_steps_and_mails_in_order(sign_in: SignIn, fleet: Fleet) -> None:
    with trace.start() as started:
        tenant = fleet.settled()
    answer = sign_in().get(f"/console/trace/{started.trace_id}/")
    page = answer.content.decode()
    moments = [step.at for step in answer.context["steps"]]
    assert moments == sorted(moments)
    for shown in ("Run asked for", "Copy the database", "Run ended", "Got a host"):
        assert shown in page, shown
    assert f"{TENANTS}{tenant.id}/" in page
