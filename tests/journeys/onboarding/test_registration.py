"""A stranger's way from the first page to acceptance, and every way in which it goes wrong."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from django.db import connection

from tenantry.core import tenancy, trace
from tenantry.core.errors import LanguageUnknown, NotFound, ZoneUnknown
from tenantry.customers.accounts import queries as people
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.errors import AddressTaken, CodeRefused, TooManyCodes
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants.errors import TenantNameInvalid
from tenantry.customers.tenants.models import Membership, Tenant
from tenantry.customers.tenants.states import Role, TenantState
from tenantry.fleet.provisioning import queries as provisioning
from tenantry.fleet.provisioning.drivers.fake import FakeDriver
from tenantry.fleet.provisioning.failures import Failure
from tenantry.fleet.provisioning.models import Run
from tenantry.fleet.provisioning.states import ENDED_RUNS
from tenantry.governance.policies import services as policies
from tenantry.journeys.onboarding import queries, services
from tenantry.journeys.onboarding.errors import (
    AddressRefused,
    AddressUnreadable,
    EntryOver,
    NotNow,
    ReasonMissing,
    RegionUnavailable,
    RegistrationMissing,
    TooManyRegistrations,
)
from tenantry.journeys.onboarding.models import Decision, Registration
from tenantry.journeys.onboarding.states import DictionaryRule, RegistrationState
from tenantry.ledger.audit.models import AuditEntry
from tests.fleet.provisioning.conftest import Time
from tests.journeys.onboarding.name_server import SERVFAIL, NameServer
from tests.journeys.onboarding.visitor import COMPANY, FREE, Visitor, code_for, letters, steps
from tests.probes import database_text, handle_messages

OPERATOR = "operator:0"
pytestmark = pytest.mark.usefixtures("place")


def look(registration_id: UUID) -> Registration:
    return queries.get_registration(registration_id)


def count(model: type[Tenant | Run | Registration | Decision]) -> int:
    with tenancy.platform("count"):
        return model._default_manager.count()


def test_company_address_leads_to_a_tenant(visitor: Visitor, now: datetime) -> None:
    assert visitor.begins().state == RegistrationState.STARTED
    assert visitor.gives(" Kim@Hanbit.KR ").state == RegistrationState.CODE_SENT
    assert visitor.enters(code_for(COMPANY)).state == RegistrationState.VERIFIED
    accepted = visitor.tells()

    assert accepted.state == RegistrationState.ACCEPTED
    assert accepted.id == visitor.journey_id
    user = people.find_by_email(COMPANY)
    assert user is not None
    assert accepted.tenant_id is not None
    tenant = tenants.get_tenant(accepted.tenant_id)
    assert (tenant.name, tenant.state, tenant.zone) == (
        "Hanbit Phones",
        TenantState.REQUESTED,
        "Asia/Seoul",
    )
    with tenancy.scope(tenant.id):
        members = list(Membership.objects.values_list("user_id", "role"))
    assert members == [(user.id, Role.OWNER)]
    run = provisioning.run_of(tenant.id)
    assert run is not None
    assert (run.kind, run.region, run.subject) == ("create", "sg", visitor.journey_id)
    assert steps(visitor.journey_id) == [
        "visited",
        "address_given",
        "code_sent",
        "code_verified",
        "details_given",
        "accepted",
    ]
    assert look(visitor.journey_id).user_id == user.id


def test_journey_is_in_the_books(visitor: Visitor) -> None:
    visitor.proves(COMPANY)
    visitor.tells()

    with tenancy.platform("look"):
        told = AuditEntry.objects.filter(target_id=str(visitor.journey_id)).order_by("seq")
        assert [(entry.action, entry.facts.get("to", "")) for entry in told] == [
            ("onboarding.registration.started", ""),
            ("onboarding.address.judged", ""),
            ("onboarding.registration.changed", "code_sent"),
            ("onboarding.registration.changed", "verified"),
            ("onboarding.registration.changed", "accepted"),
        ]


def test_one_trace_runs_through_the_whole_journey(visitor: Visitor) -> None:
    with trace.start() as first:
        visitor.proves(COMPANY)
        accepted = visitor.tells()

    assert accepted.tenant_id is not None
    run = provisioning.run_of(accepted.tenant_id)
    assert run is not None
    assert accepted.decision is not None
    assert {accepted.trace_id, run.trace_id, accepted.decision.trace_id} == {first.trace_id}


def test_decision_is_stored_with_everything(visitor: Visitor) -> None:
    visitor.begins()
    visitor.gives("Kim+trial@mail.hanbit.kr")
    (decision,) = queries.list_decisions(registration_id=visitor.journey_id)

    assert (decision.domain, decision.kind, decision.outcome, decision.code) == (
        "mail.hanbit.kr",
        "company",
        "accept",
        "COMPANY",
    )
    assert [answer.gate for answer in decision.stages] == [
        "syntax",
        "domain",
        "dictionary",
        "disposable",
        "free_mail",
        "mx",
    ]
    assert set(decision.list_versions) == {"public_suffix", "disposable", "free_mail"}
    assert {"mx", "dictionary"} <= set(decision.latencies)
    assert look(visitor.journey_id).decision_id == decision.id
    assert "kim" not in str(vars(decision)).lower()


def test_free_mail_waits_for_an_operator(visitor: Visitor, now: datetime) -> None:
    visitor.proves(FREE)
    waiting = visitor.tells(company="Kim's Bakery")

    assert waiting.state == RegistrationState.AWAITING_APPROVAL
    assert (count(Tenant), count(Run)) == (0, 0)
    assert letters(FREE)[-1] == f"We have your registration {waiting.reference}"

    # The operator's own request is no part of the visitor's journey.
    with trace.start():
        approved = services.approve(
            registration_id=waiting.id, actor=OPERATOR, reason="known to us", now=now
        )
    assert approved.state == RegistrationState.ACCEPTED
    assert (approved.reviewed_by, approved.reason) == (OPERATOR, "known to us")
    assert steps(visitor.journey_id)[-3:] == ["details_given", "approved", "accepted"]
    assert approved.tenant_id is not None
    run = provisioning.run_of(approved.tenant_id)
    assert run is not None
    assert run.trace_id == waiting.trace_id
    again = services.approve(registration_id=waiting.id, actor=OPERATOR, now=now)
    assert (again.state, count(Tenant), count(Run)) == (RegistrationState.ACCEPTED, 1, 1)
    with pytest.raises(NotNow):
        services.reject(registration_id=waiting.id, reason="late", actor=OPERATOR, now=now)


def test_rejection_is_mailed_with_its_reason(visitor: Visitor, now: datetime) -> None:
    visitor.proves(FREE)
    waiting = visitor.tells()
    with pytest.raises(ReasonMissing):
        services.reject(registration_id=waiting.id, reason="  ", actor=OPERATOR, now=now)
    for _time in range(2):
        rejected = services.reject(
            registration_id=waiting.id, reason="no such company", actor=OPERATOR, now=now
        )
        assert rejected.state == RegistrationState.REJECTED

    assert letters(FREE).count(f"About your registration {waiting.reference}") == 1
    assert count(Tenant) == 0
    with pytest.raises(NotNow):
        services.approve(registration_id=waiting.id, actor=OPERATOR, now=now)
    # Nothing keeps the person from starting again.
    other = visitor.elsewhere()
    assert other.proves(FREE).id == other.journey_id


@pytest.mark.parametrize("act", [services.approve, partial(services.reject, reason="why")])
def test_unknown_registration_is_not_found(db: None, now: datetime, act: object) -> None:
    assert callable(act)
    with pytest.raises(NotFound):
        act(registration_id=UUID(int=7), actor=OPERATOR, now=now)


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("kim@mailinator.com", "DISPOSABLE"),
        ("kim@x.github.io.", "MX_NULL"),
        ("kim@co.kr", "DOMAIN_SUFFIX"),
    ],
)
def test_refused_address_says_why_and_may_be_replaced(
    visitor: Visitor, names: NameServer, email: str, code: str
) -> None:
    names.records["x.github.io", "MX"] = ["0 ."]
    visitor.begins()

    with pytest.raises(AddressRefused) as refusal:
        visitor.gives(email)

    assert refusal.value.remedy_text()
    registration = visitor.registration
    assert registration.state == RegistrationState.REFUSED
    assert registration.email == ""
    assert registration.decision is not None
    assert registration.decision.code == code
    assert letters(email.rstrip(".")) == []
    assert "kim@" not in database_text()
    assert visitor.gives(COMPANY).state == RegistrationState.CODE_SENT
    assert count(Decision) == 2


@pytest.mark.parametrize(
    ("policy", "email", "state"),
    [
        ("accept", FREE, RegistrationState.ACCEPTED),
        ("approval", FREE, RegistrationState.AWAITING_APPROVAL),
    ],
)
def test_policy_says_what_happens_to_free_mail(
    visitor: Visitor, now: datetime, policy: str, email: str, state: RegistrationState
) -> None:
    set_policy("onboarding.free_mail", policy, now)
    visitor.proves(email)

    assert visitor.tells().state == state


def set_policy(key: str, value: str | int, now: datetime) -> None:
    policies.set_policy(key=key, value=value, reason="test", actor=OPERATOR, now=now)


def test_policy_may_refuse_free_mail(visitor: Visitor, now: datetime) -> None:
    set_policy("onboarding.free_mail", "refuse", now)
    visitor.begins()

    with pytest.raises(AddressRefused):
        visitor.gives(FREE)


def test_silent_name_servers_never_refuse(visitor: Visitor, names: NameServer) -> None:
    names.records["hanbit.kr", "MX"] = [SERVFAIL]
    visitor.proves(COMPANY)

    assert visitor.tells().state == RegistrationState.AWAITING_APPROVAL


def test_dictionary_lets_in_and_keeps_out(
    visitor: Visitor, names: NameServer, now: datetime
) -> None:
    names.is_generous = False
    for domain, rule in (("hanbit.kr", DictionaryRule.ALLOW), ("naver.com", DictionaryRule.DENY)):
        services.add_domain(domain=domain, rule=rule, note="test", actor=OPERATOR, now=now)
    visitor.begins()
    with pytest.raises(AddressRefused):
        visitor.gives(FREE)
    visitor.gives(COMPANY)
    visitor.enters(code_for(COMPANY))

    assert visitor.tells().state == RegistrationState.ACCEPTED


@pytest.mark.parametrize(
    "email", ["", "kim", "김@hanbit.kr", f"{'a' * 300}@hanbit.kr", "a@b.kr\nBcc: c@d.kr"]
)
def test_what_is_no_address_changes_nothing(visitor: Visitor, email: str) -> None:
    visitor.begins()
    with pytest.raises(AddressUnreadable) as refusal:
        visitor.gives(email)

    assert visitor.registration.state == RegistrationState.STARTED
    assert count(Decision) == 0
    assert email not in refusal.value.text() or not email
    assert steps(visitor.journey_id) == ["visited"]


def test_begin_again_keeps_the_registration(visitor: Visitor) -> None:
    first = visitor.begins(plan="free", region="sg")
    again = visitor.later(hours=1).begins(plan="team", region="")

    assert again.reference == first.reference
    assert (again.plan, again.region, again.trace_id) == ("team", "sg", first.trace_id)
    visitor.gives(COMPANY)
    visitor.enters(code_for(COMPANY))
    assert visitor.begins(plan="free").plan == "team"
    assert steps(visitor.journey_id).count("visited") == 1


def test_journey_belongs_to_one_browser(visitor: Visitor) -> None:
    visitor.proves(COMPANY)
    thief = Visitor(now=visitor.now, journey_id=visitor.journey_id, browser="browser-9")

    for act in (
        thief.begins,
        thief.wants_another_code,
        thief.tells,
        lambda: thief.gives(COMPANY),
        lambda: thief.enters("BCDF-GHJK"),
        lambda: services.enter(journey_id=thief.journey_id, browser="browser-9", now=thief.now),
    ):
        with pytest.raises(RegistrationMissing):
            act()
    with pytest.raises(ValueError, match="browser"):
        Visitor(now=visitor.now, browser="").begins()


def test_code_of_another_browser_does_not_work(visitor: Visitor) -> None:
    visitor.begins()
    visitor.gives(COMPANY)
    code = code_for(COMPANY)
    other = visitor.elsewhere().later(minutes=1)
    other.begins()
    other.gives("lee@hanbit.kr")

    with pytest.raises(CodeRefused):
        other.enters(code)
    assert visitor.enters(code).state == RegistrationState.VERIFIED


def test_expired_code_asks_for_a_new_one(visitor: Visitor) -> None:
    visitor.begins()
    visitor.gives(COMPANY)
    old = code_for(COMPANY)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_signincode SET expires_at = now()")
    later = visitor.later(minutes=11)

    with pytest.raises(CodeRefused):
        later.enters(old)
    assert later.wants_another_code().state == RegistrationState.CODE_SENT
    new = code_for(COMPANY)
    with pytest.raises(CodeRefused):
        later.enters(old)
    assert later.enters(new).state == RegistrationState.VERIFIED


def test_wrong_codes_are_counted(visitor: Visitor) -> None:
    visitor.begins()
    visitor.gives(COMPANY)
    code = code_for(COMPANY)
    wrong = code[:-1] + ("B" if code[-1] != "B" else "C")
    for _try in range(5):
        with pytest.raises(CodeRefused):
            visitor.enters(wrong)

    with pytest.raises(CodeRefused):
        visitor.enters(code)


def test_form_sent_twice_sends_one_code(visitor: Visitor) -> None:
    visitor.begins()
    visitor.gives(COMPANY)
    visitor.gives(COMPANY)
    visitor.wants_another_code()
    assert len(letters(COMPANY)) == 1

    visitor.later(seconds=10).wants_another_code()
    assert len(letters(COMPANY)) == 2


def test_back_button_changes_nothing_that_is_done(visitor: Visitor) -> None:
    visitor.begins()
    visitor.gives(COMPANY)
    code = code_for(COMPANY)
    visitor.enters(code)

    assert visitor.enters(code).state == RegistrationState.VERIFIED
    assert visitor.enters("nonsense").state == RegistrationState.VERIFIED
    with pytest.raises(NotNow):
        visitor.gives("lee@hanbit.kr")
    with pytest.raises(NotNow):
        visitor.wants_another_code()
    accepted = visitor.tells()
    again = visitor.tells(company="Another", region="nowhere")
    assert (again.id, again.company, again.tenant_id) == (
        accepted.id,
        "Hanbit Phones",
        accepted.tenant_id,
    )
    assert (count(Tenant), count(Run)) == (1, 1)


def test_address_may_be_corrected_before_the_code(visitor: Visitor) -> None:
    visitor.begins()
    visitor.gives("kmi@hanbit.kr")
    typo = code_for("kmi@hanbit.kr")
    visitor.later(seconds=30).gives(COMPANY)

    with pytest.raises(CodeRefused):
        visitor.enters(typo)
    assert visitor.enters(code_for(COMPANY)).email == COMPANY


def test_steps_cannot_be_skipped(visitor: Visitor) -> None:
    visitor.begins()

    for act in (visitor.tells, visitor.wants_another_code, lambda: visitor.enters("BCDF-GHJK")):
        with pytest.raises(NotNow):
            act()
    with pytest.raises(NotNow):
        services.enter(journey_id=visitor.journey_id, browser=visitor.browser, now=visitor.now)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"company": "  "}, TenantNameInvalid),
        ({"company": "a" * 101}, TenantNameInvalid),
        ({"company": "a\x00b"}, TenantNameInvalid),
        ({"region": "moon"}, RegionUnavailable),
        ({"region": ""}, RegionUnavailable),
        ({"zone": "Mars/Olympus"}, ZoneUnknown),
        ({"language": "tlh"}, LanguageUnknown),
    ],
)
def test_details_that_cannot_be_used_change_nothing(
    visitor: Visitor, given: dict[str, str], refusal: type[Exception]
) -> None:
    visitor.proves(COMPANY)

    with pytest.raises(refusal):
        visitor.tells(**given)
    assert visitor.registration.state == RegistrationState.VERIFIED
    assert "details_given" not in steps(visitor.journey_id)
    assert visitor.tells(company="Hanbit\n  Phones").company == "Hanbit Phones"


def test_reserved_and_equal_company_names_are_just_names(visitor: Visitor) -> None:
    visitor.proves(COMPANY)
    other = visitor.elsewhere()
    other.proves("lee@daon.kr")
    hosts = set()
    for somebody in (visitor, other):
        accepted = somebody.tells(company="admin")
        assert accepted.tenant_id is not None
        hosts.add(tenants.get_tenant(accepted.tenant_id).short_id)

    assert len(hosts) == 2


def test_known_person_gets_another_company(visitor: Visitor, now: datetime) -> None:
    known = accounts.create_user(email=COMPANY, actor=OPERATOR, now=now)
    visitor.proves(COMPANY)

    assert visitor.tells().user_id == known.id
    assert User.objects.count() == 1


def test_person_who_was_shut_out_stays_out(visitor: Visitor, now: datetime) -> None:
    shut_out = accounts.create_user(email=COMPANY, actor=OPERATOR, now=now)
    User.objects.filter(id=shut_out.id).update(is_active=False)
    visitor.proves(COMPANY)

    with pytest.raises(AddressTaken):
        visitor.tells()
    assert count(Tenant) == 0
    assert visitor.registration.state == RegistrationState.VERIFIED


def test_answer_does_not_tell_whether_an_address_is_known(visitor: Visitor, now: datetime) -> None:
    accounts.create_user(email=COMPANY, actor=OPERATOR, now=now)
    visitor.begins()
    stranger = visitor.elsewhere()
    stranger.begins()

    known, unknown = visitor.gives(COMPANY), stranger.gives("lee@hanbit.kr")

    assert (known.state, known.reason) == (unknown.state, unknown.reason)
    assert letters(COMPANY)[0].rpartition(" ")[0] == letters("lee@hanbit.kr")[0].rpartition(" ")[0]


@pytest.mark.parametrize("stop", ["verified", "awaiting_approval", "accepted"])
def test_another_browser_that_proves_the_address_takes_over(visitor: Visitor, stop: str) -> None:
    email = FREE if stop == "awaiting_approval" else COMPANY
    visitor.proves(email)
    if stop != "verified":
        visitor.tells()
    other = visitor.elsewhere().later(minutes=5)
    other.begins()
    other.gives(email)

    running = other.enters(code_for(email))

    assert (running.id, running.state) == (visitor.journey_id, stop)
    assert look(other.journey_id).state == RegistrationState.ABANDONED
    with pytest.raises(RegistrationMissing):
        _read = visitor.registration
    goes_on = Visitor(now=other.now, journey_id=running.id, browser=other.browser)
    assert goes_on.tells().state != RegistrationState.VERIFIED
    assert count(Tenant) == (0 if stop == "awaiting_approval" else 1)


def test_alias_of_a_mailbox_finds_the_running_registration(visitor: Visitor) -> None:
    visitor.proves("kim.lee@gmail.com")
    other = visitor.elsewhere()

    assert other.proves("kimlee+2@googlemail.com").id == visitor.journey_id


def test_unproven_registration_is_not_taken_over(visitor: Visitor) -> None:
    visitor.begins()
    visitor.gives(COMPANY)
    other = visitor.elsewhere()

    assert other.proves(COMPANY).id == other.journey_id
    assert visitor.registration.state == RegistrationState.CODE_SENT
    # It comes late, proves the address too, and goes on with the running one.
    late = visitor.later(minutes=1)
    late.wants_another_code()
    assert late.enters(code_for(COMPANY)).id == other.journey_id


def test_addresses_per_network_are_limited(visitor: Visitor, now: datetime) -> None:
    set_policy("onboarding.per_network_hour", 2, now)
    for number in range(2):
        somebody = visitor.elsewhere(f"b{number}")
        somebody.begins()
        somebody.gives(f"kim@c{number}.kr")
    visitor.begins()

    with pytest.raises(TooManyRegistrations):
        visitor.gives(COMPANY)
    visitor.later(hours=1).gives(COMPANY)


def test_domain_that_asks_again_and_again_asks_an_operator(visitor: Visitor, now: datetime) -> None:
    set_policy("onboarding.per_domain_day", 2, now)

    def state_of(email: str, asking: Visitor) -> str:
        asking.proves(email)
        return asking.tells().state

    found = [
        state_of(f"kim{more}.kr", visitor.elsewhere(f"b{more}"))
        for more in ("@hanbit", "+1@hanbit", "+2@hanbit", "@mail.hanbit", "@another")
    ]
    accepted, waits = RegistrationState.ACCEPTED, RegistrationState.AWAITING_APPROVAL
    assert found == [accepted, accepted, waits, waits, accepted]
    assert state_of("kim+3@hanbit.kr", visitor.elsewhere("b3").later(days=1)) == accepted


def test_domain_that_the_dictionary_allows_asks_nobody(
    visitor: Visitor, list_domain: Callable[[str, DictionaryRule], None], now: datetime
) -> None:
    set_policy("onboarding.per_domain_day", 1, now)
    list_domain("hanbit.kr", DictionaryRule.ALLOW)
    for more in ("", "+1", "+2"):
        asking = visitor.elsewhere(f"b{more}")
        asking.proves(f"kim{more}@hanbit.kr")
        assert asking.tells().state == RegistrationState.ACCEPTED


def test_code_limit_leaves_the_registration_alone(visitor: Visitor, now: datetime) -> None:
    set_policy("codes.per_address_hour", 1, now)
    visitor.begins()
    visitor.gives(COMPANY)
    other = visitor.elsewhere().later(minutes=1)
    other.begins()

    with pytest.raises(TooManyCodes):
        other.gives(COMPANY)
    assert other.registration.state == RegistrationState.STARTED
    assert count(Decision) == 1


@pytest.mark.parametrize("stop", ["started", "refused", "code_sent", "verified"])
def test_unfinished_registration_expires_and_forgets(visitor: Visitor, stop: str) -> None:
    visitor.begins()
    if stop == "refused":
        with pytest.raises(AddressRefused):
            visitor.gives("kim@mailinator.com")
    if stop in {"code_sent", "verified"}:
        visitor.gives(COMPANY)
    if stop == "verified":
        visitor.enters(code_for(COMPANY))
    assert visitor.registration.state == stop

    assert services.expire(now=visitor.now + timedelta(hours=23)) == 0
    assert services.expire(now=visitor.now + timedelta(hours=25)) == 1
    assert services.expire(now=visitor.now + timedelta(hours=25)) == 0
    over = visitor.registration
    assert (over.state, over.email) == (RegistrationState.EXPIRED, "")
    with pytest.raises(NotNow):
        visitor.gives(COMPANY)


def test_what_waits_for_us_never_expires(visitor: Visitor) -> None:
    visitor.proves(FREE)
    visitor.tells()

    assert services.expire(now=visitor.now + timedelta(days=400)) == 0


def test_visitor_who_goes_on_does_not_expire(visitor: Visitor) -> None:
    visitor.begins()
    visitor.later(hours=20).gives(COMPANY)

    assert services.expire(now=visitor.now + timedelta(hours=30)) == 0


def test_interrupted_registration_is_found_again(visitor: Visitor) -> None:
    visitor.proves(COMPANY)

    found = queries.find_for_browser(journey_id=visitor.journey_id, browser=visitor.browser)
    assert found is not None
    assert found.state == RegistrationState.VERIFIED
    assert queries.find_for_browser(journey_id=visitor.journey_id, browser="other") is None
    assert visitor.later(hours=3).tells().state == RegistrationState.ACCEPTED


def enter(visitor: Visitor) -> User:
    return services.enter(journey_id=visitor.journey_id, browser=visitor.browser, now=visitor.now)


def test_run_that_succeeds_makes_it_ready_and_lets_the_owner_in(
    visitor: Visitor, place: FakeDriver
) -> None:
    visitor.proves(COMPANY)
    accepted = visitor.tells()
    assert accepted.tenant_id is not None
    run = provisioning.run_of(accepted.tenant_id)
    assert run is not None
    Time(now=visitor.now).drive(run, place)
    handle_messages()

    assert visitor.registration.state == RegistrationState.READY
    assert tenants.get_tenant(accepted.tenant_id).state == TenantState.ACTIVE
    owner = enter(visitor.later(hours=1))
    assert owner.email == COMPANY
    with tenancy.platform("look"):
        signed_in = AuditEntry.objects.filter(action="accounts.user.signed_in")
        assert signed_in.filter(target_id=str(owner.id)).count() == 1
    with pytest.raises(EntryOver):
        enter(visitor.later(hours=25))
    assert services.follow_run(tenant_id=accepted.tenant_id, now=visitor.now) is not None
    assert visitor.registration.state == RegistrationState.READY


def force_run(tenant_id: UUID, state: str) -> None:
    with tenancy.scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE provisioning_run SET state = %s, error_code = %s,"
            " ended_at = CASE WHEN %s THEN now() END",
            [state, Failure.NO_CAPACITY.value if state == "failed" else "", state in ENDED_RUNS],
        )


def test_run_that_fails_and_is_tried_again_is_followed(visitor: Visitor) -> None:
    visitor.proves(COMPANY)
    tenant_id = visitor.tells().tenant_id
    assert tenant_id is not None
    seen = []
    for state in ("failed", "failed", "queued", "cancelled", "succeeded", "failed"):
        force_run(tenant_id, state)
        services.follow_run(tenant_id=tenant_id, now=visitor.now)
        seen.append(visitor.registration.state)

    assert seen == ["failed", "failed", "accepted", "failed", "ready", "ready"]


def test_tenant_without_registration_is_nobody_elses(db: None, now: datetime) -> None:
    assert services.follow_run(tenant_id=UUID(int=7), now=now) is None


def test_explain_stores_nothing(db: None, names: NameServer) -> None:
    told = services.explain(" Kim@Naver.com")

    assert (told.normal, told.verdict.kind) == ("kim@naver.com", "free")
    assert "mx" in told.latencies
    assert services.explain("nonsense").verdict.code == "SYNTAX_BAD"
    assert (count(Decision), count(Registration)) == (0, 0)


def test_what_ended_long_ago_is_deleted_with_its_verdicts(visitor: Visitor, now: datetime) -> None:
    visitor.begins()
    visitor.gives(COMPANY)
    kept = visitor.elsewhere("b2")
    kept.proves("lee@another.kr")
    kept.tells()

    def rows() -> tuple[int, int]:
        with tenancy.platform("look"):
            return Registration.objects.count(), Decision.objects.count()

    assert services.expire(now=now + timedelta(days=2)) == 1
    services.expire(now=now + timedelta(days=60))
    assert rows() == (2, 2)
    services.expire(now=now + timedelta(days=62))
    assert rows() == (1, 1)
    assert kept.registration.state == RegistrationState.ACCEPTED
