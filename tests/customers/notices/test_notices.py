"""Notices: told once, in each reader's language, to the tenant's own people."""

from datetime import datetime
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.utils import translation
from django.utils.translation import gettext_lazy

from tenantry.core import tenancy
from tenantry.customers.notices import queries, services
from tenantry.customers.notices.catalogue import NOTICES, Given
from tenantry.customers.notices.messages import Recipient
from tenantry.customers.notices.models import Notice
from tenantry.customers.tenants.models import Tenant
from tests.probes import handle_messages

KOREAN_JANUARY = "1\uc6d4"
PEOPLE = [
    Recipient(address="en@hanbit.example", language="en"),
    Recipient(address="ko@hanbit.example", language="ko"),
]


def suspend(
    tenant: Tenant, now: datetime, *, key: str = "", schedule: str = "Morning", cause: Given = "c"
) -> object:
    return services.notify(
        tenant_id=tenant.id,
        code="schedule_suspended",
        facts={"schedule": schedule, "cause": cause, "remedy": "Mend it."},
        link="/t/x/schedules/",
        recipients=PEOPLE,
        now=now,
        dedupe_key=key,
    )


def test_notice_is_in_the_portal_and_in_the_mail(
    tenant: Tenant, now: datetime, settings: LazySettings
) -> None:
    notice_id = suspend(tenant, now)
    handle_messages()

    with tenancy.scope(tenant.id):
        (notice,) = queries.list_notices()
        assert queries.count_unread() == 1
    assert (notice.id, notice.title) == (notice_id, "\u201cMorning\u201d was suspended")
    assert (notice.message, notice.remedy) == ("c", "Mend it.")
    (captured,) = queries.list_captured(to="en@hanbit.example")
    assert captured.letter.subject == notice.title
    link = f"{settings.BASE_URL}/t/x/schedules/"
    assert captured.letter.text == f"{notice.title}\n\nc\n\nMend it.\n\n{link}\n"
    assert f'href="{link}"' in captured.letter.html


def test_each_reader_gets_the_own_language(tenant: Tenant, now: datetime) -> None:
    suspend(tenant, now, cause=gettext_lazy("January"))
    handle_messages()

    texts = [queries.list_captured(to=to.address)[0].letter.text for to in PEOPLE]
    assert [text.split("\n\n")[1] for text in texts] == ["January", KOREAN_JANUARY]
    with tenancy.scope(tenant.id):
        notice = Notice.objects.get()
    with translation.override("ko"):
        assert notice.message == KOREAN_JANUARY


def test_same_key_is_told_once(tenant: Tenant, other_tenant: Tenant, now: datetime) -> None:
    first = suspend(tenant, now, key="job:1")

    assert suspend(tenant, now, key="job:1") == first
    assert suspend(other_tenant, now, key="job:1") != first
    assert suspend(tenant, now) != suspend(tenant, now)
    with tenancy.scope(tenant.id):
        assert Notice.objects.count() == 3


def test_names_cannot_break_mails(tenant: Tenant, now: datetime) -> None:
    suspend(tenant, now, schedule="a\r\nBcc: x@y.example <script>")
    handle_messages()

    letter = queries.list_captured(to="en@hanbit.example")[0].letter
    assert letter.subject == "\u201ca Bcc: x@y.example <script>\u201d was suspended"
    assert "&lt;script&gt;" in letter.html
    assert "<script>" not in letter.html


def test_notices_are_the_tenants_own(tenant: Tenant, other_tenant: Tenant, now: datetime) -> None:
    suspend(tenant, now)

    assert list(queries.list_notices()) == []
    with tenancy.scope(other_tenant.id):
        assert list(queries.list_notices()) == []
    assert services.mark_read(tenant_id=other_tenant.id, now=now) == 0
    assert services.mark_read(tenant_id=tenant.id, now=now) == 1
    assert services.mark_read(tenant_id=tenant.id, now=now) == 0


@pytest.mark.parametrize("code", NOTICES)
def test_every_notice_reads_well_with_its_facts(code: str) -> None:
    facts = {name: f"<{name}>" for name in NOTICES[code].facts}
    notice = Notice(tenant_id=uuid4(), code=code, facts=facts)
    text = f"{notice.title} {notice.message} {notice.remedy}"

    assert all(fact in text for fact in facts.values())
    assert "%" not in text


def test_notice_without_its_facts_is_a_bug(tenant: Tenant, now: datetime) -> None:
    with pytest.raises(ValueError, match="reason"):
        services.notify(
            tenant_id=tenant.id,
            code="schedule_rejected",
            facts={"schedule": "x"},
            link="",
            recipients=(),
            now=now,
        )
