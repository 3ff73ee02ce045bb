"""The bytes that are hashed for an entry: version, then each field with its length.

There are two implementations on purpose. The sealer and the verifier let PostgreSQL send
`CANONICAL_COLUMNS` in its binary COPY format, whose row is the canonical form but for the version
byte. `canonical_bytes` is what an auditor would write from the description alone; a test compares
the two byte by byte.

Form, version 1: the byte 1, then for each field a 32-bit length (-1 for none) and its bytes. All
numbers are big-endian. Fields: id (16 bytes), tenant (16 bytes or none), moment (64-bit
microseconds since 1970 UTC), actor, action, kind and id of the target, reason, trace id (each
UTF-8), and SHA-256 of salt and body.
"""

import struct
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from tenantry.ledger.audit.tree import LEAF_PREFIX

VERSION = b"\x01"
# Ten fields, of the row `e` of audit_auditentry.
CANONICAL_COLUMNS = """
    e.id, e.tenant_id, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor, e.action,
    e.target_kind, e.target_id, e.reason, e.trace_id, sha256(e.salt || convert_to(e.body, 'UTF8'))
"""
# What is hashed before the fields that PostgreSQL sent.
LEAF_START = LEAF_PREFIX + VERSION

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def canonical_bytes(
    *,
    entry_id: UUID,
    tenant_id: UUID | None,
    at: datetime,
    texts: tuple[str, str, str, str, str, str],
    salt: bytes,
    body: str,
) -> bytes:
    """Return the canonical form; `texts` are the six text fields in their order."""
    fields = [
        entry_id.bytes,
        tenant_id.bytes if tenant_id else None,
        struct.pack(">q", (at - _EPOCH) // _MICROSECOND),
        *(text.encode() for text in texts),
        sha256(salt + body.encode()).digest(),
    ]
    return VERSION + b"".join(_with_length(field) for field in fields)


def _with_length(field: bytes | None) -> bytes:
    return struct.pack(">i", -1) if field is None else struct.pack(">i", len(field)) + field
