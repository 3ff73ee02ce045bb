"""Reading the log: timelines, and how its keeping goes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from psycopg import sql

from tenantry.core import db, tenancy
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.rows import unsealed

_LEASE = """
    SELECT sealed::text, holder, until > clock_timestamp() FROM audit_sealerlease
"""
_EXPORTS = """
    SELECT count(*), min(at) FROM audit_checkpoint
    WHERE tree_size > (SELECT coalesce(max(exported), 0) FROM audit_sealerlease)
"""


@dataclass(frozen=True, kw_only=True)
class Health:
    """How the keeping of the log goes; times in seconds, None where nothing waits.

    `holder` is who seals now, empty while nobody does.
    """

    holder: str
    unsealed: int
    oldest_unsealed_seconds: float | None
    exports_pending: int
    oldest_export_seconds: float | None


def list_for_tenant(tenant_id: UUID) -> QuerySet[AuditEntry]:
    """Return what happened at one tenant, newest first."""
    return AuditEntry.objects.filter(tenant_id=tenant_id)


def list_for_target(kind: str, target_id: UUID | str) -> QuerySet[AuditEntry]:
    """Return what happened to one thing, newest first."""
    return AuditEntry.objects.filter(target_kind=kind, target_id=str(target_id))


def list_for_trace(trace_id: str) -> QuerySet[AuditEntry]:
    """Return what happened on one journey, in order."""
    return AuditEntry.objects.filter(trace_id=trace_id).order_by("at", "seq")


def health(*, now: datetime) -> Health:
    """Return what waits to be sealed and to be exported, and for how long."""
    with tenancy.platform("look after the audit log"), connection.cursor() as cursor:
        cursor.execute(_LEASE)
        sealed, holder, is_held = cursor.fetchone() or (None, "", False)
        count = sql.SQL("SELECT count(*), min(e.at)") + unsealed(sealed)
        ((waiting, since),) = db.raw().execute(count).fetchall()
        cursor.execute(_EXPORTS)
        pending, pending_since = cursor.fetchone()
    return Health(
        holder=holder if is_held else "",
        unsealed=int(str(waiting)),
        oldest_unsealed_seconds=_seconds(since, now),
        exports_pending=pending,
        oldest_export_seconds=_seconds(pending_since, now),
    )


def _seconds(since: object, now: datetime) -> float | None:
    return (now - since).total_seconds() if isinstance(since, datetime) else None
