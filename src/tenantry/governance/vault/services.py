"""Verbs: sealing, opening, replacing and destroying secrets, and turning the key.

Each enters the tenant's scope itself.
"""

from datetime import datetime
from uuid import UUID

from tenantry.core import crypto, tenancy
from tenantry.core.ids import uuid7
from tenantry.governance.vault.errors import SecretMissing
from tenantry.governance.vault.models import Secret
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action

_RESEAL_BATCH = 200
_SYSTEM = "system:vault"


def put(
    *, tenant_id: UUID, purpose: str, plaintext: bytes, now: datetime, actor: str = _SYSTEM
) -> UUID:
    """Store a secret and return its id."""
    secret = Secret(id=uuid7(), tenant_id=tenant_id, purpose=purpose, created_at=now)
    _seal(secret, plaintext)
    with tenancy.scope(tenant_id):
        secret.save(force_insert=True)
        _record(Action.VAULT_SECRET_STORED, secret, actor, now)
    return secret.id


def open_secret(*, secret_id: UUID, tenant_id: UUID, purpose: str) -> bytes:
    """Return the plaintext, for the moment of use.

    Refuses: `SecretMissing`, also for another tenant's and another purpose's;
    `core.crypto.SealBroken` when the row was tampered with.
    """
    with tenancy.scope(tenant_id):
        secret = Secret.objects.filter(id=secret_id, purpose=purpose).first()
    if secret is None or secret.sealed is None:
        raise SecretMissing
    return crypto.keyring().unseal(bytes(secret.sealed), aad=secret.aad)


def replace(
    *,
    secret_id: UUID,
    tenant_id: UUID,
    purpose: str,
    plaintext: bytes,
    now: datetime,
    actor: str = _SYSTEM,
) -> None:
    """Put another value under the same id. Refuses: `SecretMissing`."""
    with tenancy.scope(tenant_id):
        secret = _locked(secret_id, purpose)
        if secret is None:
            raise SecretMissing
        _seal(secret, plaintext)
        secret.replaced_at = now
        secret.save(update_fields=["sealed", "key_id", "replaced_at"])
        _record(Action.VAULT_SECRET_REPLACED, secret, actor, now)


def destroy(
    *, secret_id: UUID, tenant_id: UUID, purpose: str, actor: str, reason: str, now: datetime
) -> None:
    """Remove the ciphertext for good; destroying twice is no error."""
    with tenancy.scope(tenant_id):
        secret = _locked(secret_id, purpose)
        if secret is not None:
            secret.sealed, secret.key_id, secret.destroyed_at = None, "", now
            secret.save(update_fields=["sealed", "key_id", "destroyed_at"])
            _record(Action.VAULT_SECRET_DESTROYED, secret, actor, now, reason)


def reseal(*, actor: str, now: datetime) -> int:
    """Seal everything under the current master key and return how many secrets that changed.

    Afterwards older keys may leave ENCRYPTION_KEYS. Works in batches, each its own transaction, and
    may be run again after an interruption.
    """
    total = 0
    while changed := _reseal_batch(actor=actor, now=now):
        total += changed
    return total


def _reseal_batch(*, actor: str, now: datetime) -> int:
    keyring = crypto.keyring()
    with tenancy.platform("seal secrets under the current key"):
        stale = list(
            Secret.objects.select_for_update()
            .filter(sealed__isnull=False)
            .exclude(key_id=keyring.current)
            .order_by("id")[:_RESEAL_BATCH]
        )
        for secret in stale:
            _seal(secret, keyring.unseal(bytes(secret.sealed or b""), aad=secret.aad))
        Secret.objects.bulk_update(stale, ["sealed", "key_id"])
        if stale:
            audit.append(
                action=Action.VAULT_SECRETS_RESEALED,
                tenant_id=None,
                actor=actor,
                target=("key", keyring.current),
                at=now,
                body={"count": len(stale)},
            )
    return len(stale)


def _locked(secret_id: UUID, purpose: str) -> Secret | None:
    living = Secret.objects.select_for_update().filter(destroyed_at__isnull=True)
    return living.filter(id=secret_id, purpose=purpose).first()


def _seal(secret: Secret, plaintext: bytes) -> None:
    keyring = crypto.keyring()
    secret.sealed = keyring.seal(plaintext, aad=secret.aad)
    secret.key_id = keyring.current


def _record(action: Action, secret: Secret, actor: str, now: datetime, reason: str = "") -> None:
    audit.append(
        action=action,
        tenant_id=secret.tenant_id,
        actor=actor,
        target=("secret", str(secret.id)),
        at=now,
        reason=reason,
        body={"purpose": secret.purpose},
    )
