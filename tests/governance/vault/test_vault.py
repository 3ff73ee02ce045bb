"""The vault: what is sealed opens in its own place only, and is gone when destroyed."""

import base64
import os
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.conf import settings as live_settings
from django.db import connection

from tenantry.core import tenancy
from tenantry.core.crypto import SealBroken
from tenantry.core.ids import uuid7
from tenantry.governance.vault import services as vault
from tenantry.governance.vault.errors import SecretMissing
from tenantry.governance.vault.models import Secret
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tests.probes import database_text

PLAINTEXT = b"storage-state: NID_AUT=very-secret-cookie"
PURPOSE = "session"
ACTOR = "user:0"

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant_id() -> UUID:
    return uuid7()


@pytest.fixture
def secret_id(tenant_id: UUID, now: datetime) -> UUID:
    return vault.put(tenant_id=tenant_id, purpose=PURPOSE, plaintext=PLAINTEXT, now=now)


def opened(secret_id: UUID, tenant_id: UUID, purpose: str = PURPOSE) -> bytes:
    return vault.open_secret(secret_id=secret_id, tenant_id=tenant_id, purpose=purpose)


def change(statement: str, *values: UUID) -> None:
    with tenancy.platform("tamper"), connection.cursor() as cursor:
        cursor.execute(statement, values)


def rotate(settings: LazySettings) -> None:
    fresh = base64.b64encode(os.urandom(32)).decode()
    settings.ENCRYPTION_KEYS = f"next:{fresh},{live_settings.ENCRYPTION_KEYS}"


def test_secret_opens_with_tenant_and_purpose(secret_id: UUID, tenant_id: UUID) -> None:
    assert opened(secret_id, tenant_id) == PLAINTEXT


def test_secret_is_missing_for_another_tenant(secret_id: UUID) -> None:
    with pytest.raises(SecretMissing):
        opened(secret_id, uuid4())


def test_secret_is_missing_for_another_purpose(secret_id: UUID, tenant_id: UUID) -> None:
    with pytest.raises(SecretMissing):
        opened(secret_id, tenant_id, "credentials")


def test_secret_moved_to_another_tenant_does_not_open(secret_id: UUID, tenant_id: UUID) -> None:
    thief = uuid7()
    change("UPDATE vault_secret SET tenant_id = %s WHERE id = %s", thief, secret_id)

    with pytest.raises(SealBroken):
        opened(secret_id, thief)


def test_secret_moved_to_another_purpose_does_not_open(secret_id: UUID, tenant_id: UUID) -> None:
    change("UPDATE vault_secret SET purpose = 'credentials' WHERE id = %s", secret_id)

    with pytest.raises(SealBroken):
        opened(secret_id, tenant_id, "credentials")


def test_ciphertext_copied_to_another_row_does_not_open(
    secret_id: UUID, tenant_id: UUID, now: datetime
) -> None:
    other = vault.put(tenant_id=tenant_id, purpose=PURPOSE, plaintext=b"other", now=now)
    change(
        "UPDATE vault_secret SET sealed = (SELECT sealed FROM vault_secret WHERE id = %s)"
        " WHERE id = %s",
        secret_id,
        other,
    )

    with pytest.raises(SealBroken):
        opened(other, tenant_id)


def test_replace_keeps_the_id_and_forgets_the_old_value(
    secret_id: UUID, tenant_id: UUID, now: datetime
) -> None:
    vault.replace(
        secret_id=secret_id, tenant_id=tenant_id, purpose=PURPOSE, plaintext=b"new", now=now
    )

    assert opened(secret_id, tenant_id) == b"new"
    with pytest.raises(SecretMissing):
        vault.replace(
            secret_id=secret_id, tenant_id=uuid4(), purpose=PURPOSE, plaintext=b"x", now=now
        )


def test_destroy_removes_the_ciphertext_and_is_audited_once(
    secret_id: UUID, tenant_id: UUID, now: datetime
) -> None:
    for _time in range(2):
        vault.destroy(
            secret_id=secret_id,
            tenant_id=tenant_id,
            purpose=PURPOSE,
            actor=ACTOR,
            reason="disconnected",
            now=now,
        )

    with pytest.raises(SecretMissing):
        opened(secret_id, tenant_id)
    with tenancy.platform("look"):
        assert Secret.objects.get(id=secret_id).sealed is None
        entries = AuditEntry.objects.filter(
            action=Action.VAULT_SECRET_DESTROYED, target_id=str(secret_id)
        )
        told = [(entry.tenant_id, entry.reason, entry.facts) for entry in entries]
    assert told == [(tenant_id, "disconnected", {"purpose": PURPOSE})]


def test_reseal_turns_the_key_and_the_old_one_may_go(
    secret_id: UUID, tenant_id: UUID, now: datetime, settings: LazySettings
) -> None:
    rotate(settings)
    newer = vault.put(tenant_id=uuid7(), purpose=PURPOSE, plaintext=b"newer", now=now)
    assert opened(secret_id, tenant_id) == PLAINTEXT

    assert vault.reseal(actor="operator:0", now=now) == 1
    assert vault.reseal(actor="operator:0", now=now) == 0

    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS.partition(",")[0]
    assert opened(secret_id, tenant_id) == PLAINTEXT
    with tenancy.platform("look"):
        assert set(Secret.objects.values_list("id", "key_id")) == {
            (secret_id, "next"),
            (newer, "next"),
        }


def test_secret_of_a_lost_key_does_not_open(
    secret_id: UUID, tenant_id: UUID, settings: LazySettings
) -> None:
    rotate(settings)
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS.partition(",")[0]

    with pytest.raises(SealBroken):
        opened(secret_id, tenant_id)


def test_nothing_of_a_secret_is_readable_in_the_database(
    secret_id: UUID,
) -> None:
    text = database_text()

    assert str(secret_id) in text
    for readable in (PLAINTEXT, b"very-secret-cookie", base64.b64encode(PLAINTEXT)):
        assert readable.decode() not in text
        assert readable.hex() not in text


def test_secret_shows_nothing_of_itself(secret_id: UUID) -> None:
    with tenancy.platform("look"):
        secret = Secret.objects.get(id=secret_id)

    assert f"{secret!r} {secret}" == f"<Secret: {PURPOSE} {secret_id}> {PURPOSE} {secret_id}"
