"""Many at the same moment, on the real database: one tenant, one run, one proof."""

from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from tenantry.core import tenancy
from tenantry.customers.accounts.errors import CodeRefused
from tenantry.customers.accounts.models import User
from tenantry.customers.notices.models import Mail
from tenantry.customers.tenants.models import Membership, Tenant
from tenantry.fleet.provisioning.drivers.fake import FakeDriver
from tenantry.fleet.provisioning.models import Run
from tenantry.governance.policies import services as policies
from tenantry.journeys.onboarding import services
from tenantry.journeys.onboarding.models import Decision, Registration
from tenantry.journeys.onboarding.states import RUNNING, RegistrationState
from tests.fleet.provisioning.conftest import register_host
from tests.journeys.onboarding.visitor import COMPANY, FREE, Visitor, code_for, steps
from tests.probes import at_once

PARALLEL = 64
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visitor(driver: FakeDriver, now: datetime) -> Visitor:
    register_host(now)
    return Visitor(now=now)


def count(model: type[Tenant | Run | User | Membership | Registration | Decision]) -> int:
    with tenancy.platform("count"):
        return model._default_manager.count()


def states_of(answers: list[Registration | Exception]) -> Counter[str]:
    return Counter(
        str(answer.state) if isinstance(answer, Registration) else type(answer).__name__
        for answer in answers
    )


def test_first_page_opened_at_once_begins_once(visitor: Visitor) -> None:
    answers = at_once([visitor.begins] * PARALLEL)

    assert states_of(answers) == {"started": PARALLEL}
    assert count(Registration) == 1
    assert steps(visitor.journey_id) == ["visited"]


def test_address_given_at_once_sends_one_code(visitor: Visitor) -> None:
    visitor.begins()
    answers = at_once([partial(visitor.gives, COMPANY)] * 16)

    assert states_of(answers) == {"code_sent": 16}
    assert count(Decision) == 1
    code = code_for(COMPANY)
    with tenancy.platform("count"):
        assert Mail.objects.filter(template="trial_code").count() == 1
    assert visitor.enters(code).state == RegistrationState.VERIFIED


def test_right_code_in_many_tabs_proves_once_and_refuses_nobody(visitor: Visitor) -> None:
    visitor.begins()
    visitor.gives(COMPANY)
    answers = at_once([partial(visitor.enters, code_for(COMPANY))] * PARALLEL)

    assert states_of(answers) == {"verified": PARALLEL}
    assert steps(visitor.journey_id).count("code_verified") == 1


def test_details_sent_64_times_make_one_tenant(visitor: Visitor) -> None:
    visitor.proves(COMPANY)
    answers = at_once([partial(visitor.tells, company=f"Hanbit {n}") for n in range(PARALLEL)])

    assert states_of(answers) == {"accepted": PARALLEL}
    made = {model: count(model) for model in (Tenant, Run, User, Membership)}
    assert set(made.values()) == {1}
    assert len({answer.tenant_id for answer in answers if isinstance(answer, Registration)}) == 1


def test_approved_and_rejected_at_once_is_one_of_both(visitor: Visitor, now: datetime) -> None:
    visitor.proves(FREE)
    waiting = visitor.tells()
    given: dict[str, Any] = {"registration_id": waiting.id, "actor": "operator:0", "now": now}
    answers = at_once(
        [partial(services.approve, **given), partial(services.reject, reason="no", **given)] * 16
    )

    seen = states_of(answers)
    assert seen in ({"accepted": 16, "NotNow": 16}, {"rejected": 16, "NotNow": 16})
    assert count(Tenant) == count(Run) == (1 if "accepted" in seen else 0)


def test_browsers_that_prove_one_address_share_one_registration(visitor: Visitor) -> None:
    for number in range(5):
        later = visitor.elsewhere(f"browser-{number}").later(minutes=number)
        later.proves(COMPANY)
    with tenancy.platform("look"):
        running = list(Registration.objects.filter(state__in=RUNNING))

    assert len(running) == 1
    assert count(Tenant) == 0
    last = Visitor(now=visitor.now, journey_id=running[0].id, browser="browser-4")
    answers = at_once([last.tells] * 16)
    assert states_of(answers) == {"accepted": 16}
    assert count(Tenant) == 1


def test_code_and_new_address_at_once_leave_one_truth(visitor: Visitor, now: datetime) -> None:
    policies.set_policy(
        key="codes.per_address_hour", value=100, reason="test", actor="operator:0", now=now
    )
    for number in range(8):
        browser = visitor.elsewhere(f"browser-{number}")
        email = f"kim{number}@hanbit.kr"
        browser.begins()
        browser.gives(email)
        code = code_for(email)
        proven, moved = at_once(
            [
                partial(browser.enters, code),
                partial(browser.later(minutes=1).gives, f"lee{number}@hanbit.kr"),
            ]
        )
        after = browser.registration
        if isinstance(proven, Registration):
            assert (after.state, after.email) == (RegistrationState.VERIFIED, email)
        else:
            assert isinstance(proven, CodeRefused)
            assert isinstance(moved, Registration)
            assert after.email == f"lee{number}@hanbit.kr"
