"""Every page of the console, with each role and each wrong method."""

from collections.abc import Callable

import pytest
from django.test import Client

PAGES = (
    "", "approvals/", "schedules/schedule/", "schedules/slot/", "automation/job/",
    "automation/connection/", "automation/processbeat/", "tenants/tenant/", "accounts/user/",
    "notices/mail/", "notices/captured/", "audit/auditentry/", "policies/policy/", "queue/",
    "pulse/", "policies/policy/schedules.review/", f"trace/{'0' * 31}1/",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_page(sign_in: Callable[..., Client], path: str) -> None:
    answer = sign_in().get(f"/console/{path}")
    assert answer.status_code == 200, answer.content.decode()[:500]
