"""Appending: one INSERT in the caller's transaction, no lock, nothing to wait for."""

import json
import os
from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from django.db import connection
from django.db.transaction import TransactionManagementError

from tenantry.core import db, trace
from tenantry.core.ids import uuid7
from tenantry.ledger.audit.vocabulary import require_known

_SALT_BYTES = 16
_COLUMNS = "id, tenant_id, at, actor, action, target_kind, target_id, reason, trace_id, body"
_APPEND = f"""
    INSERT INTO audit_auditentry ({_COLUMNS}, salt)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""  # noqa: S608  # our own names

# A set-based append, for one statement that holds guard, effect and entries:
#   WITH …, audit_rows AS (SELECT …), audited AS ({APPEND_FROM}) SELECT …
# `audit_rows` has the columns id uuid (of `core.ids.uuid7`), tenant_id uuid, at timestamptz, and
# as text actor, action (a word of the vocabulary), target_kind, target_id, reason ('' for none),
# trace_id, body (of `body_text`).
APPEND_FROM = f"""
    INSERT INTO audit_auditentry ({_COLUMNS}) SELECT {_COLUMNS} FROM audit_rows
"""  # noqa: S608  # our own names


def append(
    *,
    action: str,
    tenant_id: UUID | None,
    actor: str,
    target: tuple[str, str],
    at: datetime,
    reason: str = "",
    body: Mapping[str, object] | None = None,
) -> UUID:
    """Write that something happened, in the transaction in which it happens; returns the entry.

    `actor` reads `user:<id>`, `operator:<id>` or `system:<process>`; `target` is kind and id.
    `body` holds facts, never secrets. Entries without a tenant are written under
    `tenancy.platform`. Outside a transaction, and with an unknown action, this is a bug and raises.
    """
    if not connection.in_atomic_block:
        message = "append to the audit log inside the transaction that makes the change"
        raise TransactionManagementError(message)
    require_known(action)
    entry_id = uuid7()
    trace_id = trace.current().trace_id
    what = [str(action), *target, reason, trace_id, body_text(body)]
    with db.prepared() as cursor:
        # The salt comes from here because PostgreSQL may open /dev/urandom for it each time.
        cursor.execute(_APPEND, [entry_id, tenant_id, at, actor, *what, os.urandom(_SALT_BYTES)])
    return entry_id


def body_text(body: Mapping[str, object] | None) -> str:
    """Return facts as they are stored and hashed: JSON with sorted keys and no blanks."""
    return json.dumps(
        body or {},
        ensure_ascii=False,
        allow_nan=False,
        sort_keys=True,
        separators=(",", ":"),
        default=_plain,
    )


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    message = f"a {type(value).__name__} cannot stand in the body of an audit entry"
    raise TypeError(message)
