"""Policies are set by superusers, with a reason; everybody reads what held and why."""

import pytest
from django.test import Client

from tenantry.customers.accounts.models import User
from tenantry.governance.policies import queries as policies
from tenantry.governance.policies.models import Policy

KEY = "schedules.suspend_after"
ADDRESS = f"/console/policies/policy/{KEY}/"
REASON = "Customers noticed too late."

Crew = dict[str, Client]


def test_a_superuser_sets_a_policy(crew: Crew) -> None:
    answer = crew["superuser"].post(ADDRESS, {"value": "3", "reason": REASON})
    assert answer.headers["Location"] == ADDRESS
    assert policies.number(KEY) == 3
    version = Policy.objects.get(key=KEY)
    superuser = User.objects.get(email="superuser@tenantry.example")
    assert (version.set_by, version.reason) == (f"operator:{superuser.id}", REASON)
    page = crew["reviewer"].get(ADDRESS).content.decode()
    assert REASON in page
    assert superuser.email in page


@pytest.mark.parametrize("role", ["reviewer", "operator"])
def test_others_read_but_do_not_set(crew: Crew, role: str) -> None:
    page = crew[role].get(ADDRESS)
    assert page.status_code == 200
    assert 'id="policy-form"' not in page.content.decode()
    assert crew[role].post(ADDRESS, {"value": "3", "reason": REASON}).status_code == 403
    assert policies.number(KEY) == 5


@pytest.mark.parametrize(
    ("key", "value", "reason", "field"),
    [
        (KEY, "3", "", "reason"),
        (KEY, "3", "   ", "reason"),
        (KEY, "0", REASON, "value"),
        (KEY, "51", REASON, "value"),
        (KEY, "many", REASON, "value"),
        (KEY, "", REASON, "value"),
        ("schedules.review", "some", REASON, "value"),
        ("sessions.accept_expiring", "maybe", REASON, "value"),
    ],
)
def test_what_cannot_be_set_is_said_at_its_field(
    crew: Crew, key: str, value: str, reason: str, field: str
) -> None:
    answer = crew["superuser"].post(
        f"/console/policies/policy/{key}/", {"value": value, "reason": reason}
    )
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert Policy.objects.count() == 0
    if reason.strip():
        assert reason in answer.content.decode()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("schedules.review", "none", "none"),
        ("sessions.accept_expiring", "false", False),
        ("automation.network_retries", "0", 0),
    ],
)
def test_every_kind_of_value_is_set(crew: Crew, key: str, value: str, expected: object) -> None:
    crew["superuser"].post(f"/console/policies/policy/{key}/", {"value": value, "reason": REASON})
    assert policies.value(key) == expected
