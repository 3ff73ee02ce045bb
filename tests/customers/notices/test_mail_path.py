"""Whether mail can leave, and the mail that says that a company's instance is ready."""

from datetime import datetime

import pytest
from django.conf import LazySettings

from tenantry.core import tenancy, trace
from tenantry.customers.notices import queries, services
from tenantry.customers.tenants.models import Tenant
from tests.probes import handle_messages

SMTP = "django.core.mail.backends.smtp.EmailBackend"


def test_built_in_mailbox_always_takes_mail() -> None:
    assert queries.mail_path() == queries.MailPath(works=True)


def test_mail_server_that_is_not_there_is_named(settings: LazySettings) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", 1
    path = queries.mail_path()
    assert not path.works
    assert path.detail


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ko"])
def test_news_of_activation_says_where(tenant: Tenant, now: datetime, language: str) -> None:
    facts = {"company": "Hanbit & Sons", "url": "http://tenant-a.localhost:8080", "portal": "p://t"}
    with trace.start() as here:
        for _ in range(2):
            services.send_mail(
                to="owner@hanbit.example",
                language=language,
                template="tenant_active",
                facts=facts,
                dedupe_key=f"activation:{tenant.id}",
                now=now,
                tenant_id=tenant.id,
            )
    with tenancy.platform("look"):
        (mail,) = queries.mails_of_trace(here.trace_id)
    assert mail.tenant_id == tenant.id
    handle_messages()
    (captured,) = queries.list_captured(to="owner@hanbit.example")
    letter = captured.letter
    assert "Hanbit & Sons" in letter.subject
    assert all(facts[name] in letter.text for name in ("company", "url", "portal"))
    assert "Hanbit &amp; Sons" in letter.html
    assert 'href="http://tenant-a.localhost:8080"' in letter.html
