"""Encryption at rest: envelope AES-256-GCM with key ids, and keyed hashes for lookup.

A sealed value is `version | key id | wrapped data key | nonce | ciphertext`. The additional data
binds it to its row: the same bytes under another tenant, purpose or row do not open.
"""

import base64
import hmac as stdlib_hmac
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError

_VERSION = b"\x01"
_KEY_BYTES = 32
_NONCE_BYTES = 12
# nonce + data key + tag
_WRAPPED_BYTES = _NONCE_BYTES + _KEY_BYTES + 16


class SealBroken(DomainError):
    """The value was changed, moved to another row, or its key is not here."""

    code = "seal_broken"
    http_status = 500
    message = _("A stored secret cannot be opened.")
    remedy = _("Check that ENCRYPTION_KEYS still holds every key that was ever used.")


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """Master keys by id; new values are sealed with the current one."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read `id:base64,id:base64`, the current key first; each key has 32 bytes."""
        keys: dict[str, bytes] = {}
        for entry in text.split(","):
            key_id, _colon, encoded = entry.strip().partition(":")
            key = base64.b64decode(encoded)
            if not key_id or len(key) != _KEY_BYTES:
                reason = "ENCRYPTION_KEYS must read id:base64-of-32-bytes[,older…]."
                raise ImproperlyConfigured(reason)
            keys[key_id] = key
        return cls(current=next(iter(keys)), keys=keys)

    def seal(self, plaintext: bytes, *, aad: bytes) -> bytes:
        """Encrypt under a fresh data key that the current master key wraps."""
        data_key = AESGCM.generate_key(bit_length=256)
        key_id = self.current.encode()
        header = _VERSION + struct.pack("B", len(key_id)) + key_id
        nonce, wrap_nonce = os.urandom(_NONCE_BYTES), os.urandom(_NONCE_BYTES)
        wrapped = wrap_nonce + AESGCM(self.keys[self.current]).encrypt(
            wrap_nonce, data_key, header + aad
        )
        return header + wrapped + nonce + AESGCM(data_key).encrypt(nonce, plaintext, header + aad)

    def unseal(self, blob: bytes, *, aad: bytes) -> bytes:
        """Decrypt; raises `SealBroken` on any change of value, additional data or key."""
        end = 2 + blob[1] if blob[:1] == _VERSION and len(blob) > 1 else 0
        header, rest = blob[:end], blob[end:]
        key = self.keys.get(header[2:].decode(errors="replace"))
        if key is None or len(rest) < _WRAPPED_BYTES + _NONCE_BYTES:
            raise SealBroken
        wrapped, body = rest[:_WRAPPED_BYTES], rest[_WRAPPED_BYTES:]
        try:
            data_key = AESGCM(key).decrypt(
                wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], header + aad
            )
            return AESGCM(data_key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], header + aad)
        except InvalidTag as error:
            raise SealBroken from error


@lru_cache(maxsize=4)
def _parsed(text: str) -> Keyring:
    return Keyring.parse(text)


def keyring() -> Keyring:
    """Return the keyring of the settings."""
    return _parsed(settings.ENCRYPTION_KEYS)


def keyed_hash(purpose: str, *parts: str) -> bytes:
    """Return an HMAC-SHA-256 under the pepper, bound to purpose and to each part's length."""
    message = b"".join(
        struct.pack(">I", len(part.encode())) + part.encode() for part in (purpose, *parts)
    )
    return stdlib_hmac.digest(settings.PEPPER.encode(), message, "sha256")
