"""The small parts of the contract: codes, the way into the audit log, news of content."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from tenantry.core import queue
from tenantry.sdk import Connector, Credentials, Image, audit, content_changed, errors, record
from tenantry.sdk.content import ContentChanged
from tenantry.sdk.testing import captured_audit

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TENANT = UUID(int=1)


def test_codes_are_those_of_the_error_classes() -> None:
    assert {
        "AUTH_EXPIRED",
        "AUTH_INVALID",
        "BROWSER_ERROR",
        "CHALLENGE_REQUIRED",
        "LOGIN_FAILED",
        "NETWORK_ERROR",
        "OUTCOME_UNKNOWN",
        "PERMISSION_DENIED",
        "RATE_LIMIT",
        "TARGET_NOT_FOUND",
        "TIMEOUT",
        "UI_CHANGED",
        "UNKNOWN",
        "UPLOAD_FAILED",
        "VALIDATION_ERROR",
    } == errors.CODES


def test_errors_carry_what_was_seen() -> None:
    limited = errors.RateLimited("status 429", retry_after=60)
    changed = errors.UiChanged(landmark="write.title")
    assert (limited.detail, limited.retry_after) == ("status 429", 60)
    assert (changed.detail, changed.landmark) == ("write.title", "write.title")
    assert errors.UiChanged("seen", landmark="x").detail == "seen"
    assert str(errors.AuthExpired("no session")) == "no session"


def test_secrets_and_pictures_stay_out_of_reprs() -> None:
    assert repr(Credentials(account="a", password="hunter2")) == "Credentials(account='a')"
    picture = Image(name="a", media_type="image/png", data=b"bytes")
    assert repr(picture) == "Image(name='a', media_type='image/png')"


def test_record_goes_to_the_installed_sink() -> None:
    before = list(audit._sinks)
    with captured_audit() as entries:
        record(
            action="cafe.template.saved",
            tenant_id=TENANT,
            actor="user:1",
            target=("template", "7"),
            at=NOW,
        )
    assert entries == [
        {
            "action": "cafe.template.saved",
            "tenant_id": TENANT,
            "actor": "user:1",
            "target": ("template", "7"),
            "at": NOW,
            "body": None,
        }
    ]
    assert audit._sinks == before


def test_content_changed_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[queue.Event] = []
    monkeypatch.setattr(queue, "publish", published.append)
    content_changed(tenant_id=TENANT, product="cafe", content_id=UUID(int=2), digest="d")
    assert published == [
        ContentChanged(tenant_id=TENANT, product="cafe", content_id=UUID(int=2), digest="d")
    ]


def test_half_a_connector_is_none() -> None:
    class Half:
        slug = "half"

        def origins(self) -> list[str]:
            return []

    assert not isinstance(Half(), Connector)
