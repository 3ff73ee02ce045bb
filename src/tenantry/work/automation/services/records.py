"""Verbs that keep records: evidence, and the signs of life of processes."""

from datetime import datetime
from uuid import UUID

from django.db import connection as database

from tenantry.core import objects, tenancy
from tenantry.core.ids import uuid7
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action
from tenantry.work.automation import queries
from tenantry.work.automation.models import Evidence, ProcessBeat
from tenantry.work.automation.services import news

_BEAT = """
    INSERT INTO automation_processbeat (id, kind, host, pid, started_at, beat_at, version, note)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (kind, host, pid) DO UPDATE SET started_at = excluded.started_at,
        beat_at = excluded.beat_at, version = excluded.version, note = excluded.note
"""


def record_evidence(*, evidence: Evidence) -> None:
    """Keep one row about a stored object, or about why it was lost."""
    with tenancy.scope(evidence.tenant_id):
        evidence.save(force_insert=True)
        if not evidence.lost:
            audit.append(
                action=Action.AUTOMATION_EVIDENCE_STORED,
                tenant_id=evidence.tenant_id,
                actor="system:browser",
                target=("job", str(evidence.job_id)),
                at=evidence.created_at,
                body={
                    "evidence": evidence.id,
                    "kind": str(evidence.kind),
                    "sha256": evidence.sha256,
                },
            )
        news.tell_job(evidence.job)


def read_evidence(*, tenant_id: UUID, evidence_id: UUID, actor: str, now: datetime) -> bytes:
    """Return the stored bytes and record who looked.

    Refuses: `NotFound`, `core.objects.ObjectMissing` (also for what was lost),
    `ObjectStoreUnavailable`.
    """
    with tenancy.scope(tenant_id):
        evidence = queries.get_evidence(tenant_id=tenant_id, evidence_id=evidence_id)
        audit.append(
            action=Action.AUTOMATION_EVIDENCE_VIEWED,
            tenant_id=tenant_id,
            actor=actor,
            target=("job", str(evidence.job_id)),
            at=now,
            body={"evidence": evidence.id, "kind": str(evidence.kind)},
        )
    if evidence.lost:
        raise objects.ObjectMissing(key=evidence.kind)
    return objects.get(evidence.object_key)


def beat(
    *,
    kind: str,
    host: str,
    pid: int,
    started_at: datetime,
    now: datetime,
    version: str = "",
    note: str = "",
) -> None:
    """Record that a process lives; called every five seconds."""
    row: list[UUID | str | int | datetime] = [
        uuid7(),
        kind,
        host[:120],
        pid,
        started_at,
        now,
        version[:40],
        note[:200],
    ]
    with database.cursor() as cursor:
        cursor.execute(_BEAT, row)


def end_beat(*, host: str, pid: int) -> None:
    """Forget a process that ended as it should; one that died stays to be seen."""
    ProcessBeat.objects.filter(host=host[:120], pid=pid).delete()
