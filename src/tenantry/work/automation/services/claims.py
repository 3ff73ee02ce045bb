"""Verbs of a lane about whose turn it is: claiming, leasing, and the last safe point.

A claimed job carries a lease token; whoever lost it can change the job no more. Claiming and ending
many jobs are single statements, so that jobs without a browser run by the thousand.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from django.db import connection as database
from django.db.models import Field, JSONField, Model, Q
from psycopg_pool import AsyncConnectionPool

from tenantry.core import db, tenancy
from tenantry.core.errors import NotFound
from tenantry.core.ids import uuid7
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.audit.services import APPEND_FROM, body_text
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import registry
from tenantry.work.automation import kinds
from tenantry.work.automation.errors import JobStopped
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.services import news
from tenantry.work.automation.states import ENDED, JOB_MOVES, JobState

LEASE = timedelta(seconds=15)
RENEW_EVERY = timedelta(seconds=5)
BATCH = 50
# So many seconds a quick claim waits for a connection.
_PATIENCE = 5.0
SYSTEM = "system:browser"

M = TypeVar("M", bound=Model)

_LANE = Connection._meta.concrete_fields  # noqa: SLF001  # Django's public name
_JOB = Job._meta.concrete_fields  # noqa: SLF001  # Django's public name
# A UUID version 7, which PostgreSQL makes itself from version 18 on.
_UUID7 = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(
    int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid"""


def _columns(relation: str, fields: "Sequence[Field[Any, Any]]") -> str:
    """Return columns to select; JSON as text, whatever the cursor makes of it otherwise."""
    as_text = {field.column: "::text" for field in fields if isinstance(field, JSONField)}
    return ", ".join(f"{relation}.{f.column}{as_text.get(f.column, '')}" for f in fields)


# One statement for all a claim is: the connection, its ready jobs in order, their leases, attempts
# and audit entries. Of a kind that may be batched, all that come together are taken. While a
# sign-in is pending only the sign-in runs. While an outcome can be looked up nothing is taken,
# unless the looks are `passed`.
_CLAIM = f"""
    WITH lane AS (
        SELECT c.*, %(batches)s::jsonb -> (c.product || '/' || c.connector) AS batch,
            NOT %(passed)s::boolean AND c.removed_at IS NULL
            AND c.session_state IN ('HEALTHY', 'EXPIRING') AND EXISTS (
                SELECT FROM automation_job j
                WHERE j.connection_id = c.id AND j.state = 'UNKNOWN' AND j.run_after <= %(now)s
                    AND (j.lease_until IS NULL OR j.lease_until < %(now)s)) AS has_open
        FROM automation_connection c WHERE c.id = %(connection)s
    ), ready AS (
        SELECT j.id, j.kind, lane.batch FROM automation_job j JOIN lane ON lane.id = j.connection_id
        WHERE j.connection_id = %(connection)s AND j.state = 'QUEUED' AND j.run_after <= %(now)s
            AND lane.removed_at IS NULL AND lane.batch IS NOT NULL AND NOT lane.has_open
            AND (lane.session_state = 'PENDING') = (j.kind = 'connection.sign_in')
        ORDER BY j.run_after, j.id
        LIMIT (SELECT CASE WHEN batch = '[]' THEN 1 ELSE {BATCH} END FROM lane)
        FOR NO KEY UPDATE OF j SKIP LOCKED
    ), head AS (SELECT id, kind FROM ready LIMIT 1), claimed AS (
        UPDATE automation_job AS job
        SET state = 'RUNNING', attempts = job.attempts + 1, lease_token = gen_random_uuid(),
            lease_until = %(until)s, started_at = coalesce(job.started_at, %(now)s),
            error_code = '', error_message = ''
        FROM ready, head
        WHERE job.id = ready.id
            AND (ready.id = head.id OR ready.kind = head.kind AND ready.batch ? ready.kind)
        RETURNING job.*
    ), attempts AS (
        INSERT INTO automation_attempt
            (id, tenant_id, job_id, number, mode, started_at, phase, error_code, message)
        SELECT {_UUID7}, tenant_id, id, attempts, 'headless', %(now)s, '', '', '' FROM claimed
        ON CONFLICT (job_id, number) DO NOTHING
    ), audit_rows AS (
        SELECT {_UUID7} AS id, tenant_id, %(now)s::timestamptz AS at, %(actor)s::text AS actor,
            %(action)s::text AS action, 'job' AS target_kind, id::text AS target_id, '' AS reason,
            trace_id, %(body)s::text AS body
        FROM claimed
    ), audited AS ({APPEND_FROM}), told AS ({news.TELL_FROM.format(source="claimed")})
    SELECT lane.has_open, {_columns("lane", _LANE)}, {_columns("claimed", _JOB)},
        (SELECT count(*) FROM told)
    FROM lane LEFT JOIN claimed ON true ORDER BY claimed.run_after, claimed.id
"""  # noqa: S608  # our own names
_CLAIM_LOOK = """
    UPDATE automation_job AS job
    SET looks = job.looks + 1, lease_token = gen_random_uuid(), lease_until = %(until)s
    FROM (
        SELECT j.id FROM automation_job j JOIN automation_connection c ON c.id = j.connection_id
        WHERE j.connection_id = %(connection)s AND j.state = 'UNKNOWN' AND j.run_after <= %(now)s
            AND (j.lease_until IS NULL OR j.lease_until < %(now)s)
            AND c.removed_at IS NULL AND c.session_state IN ('HEALTHY', 'EXPIRING')
        ORDER BY j.run_after, j.id LIMIT 1
        FOR NO KEY UPDATE OF j SKIP LOCKED
    ) AS open
    WHERE job.id = open.id
    RETURNING job.*
"""
_AWAIT_QUEUEING = "SELECT FROM automation_connection WHERE id = %(connection)s FOR UPDATE"
_RENEW = """
    UPDATE automation_job SET lease_until = %(until)s
    WHERE id = ANY(%(ids)s) AND lease_token = ANY(%(tokens)s)
        AND state IN ('RUNNING', 'SUBMITTING', 'UNKNOWN')
"""
_COMPLETE = """
    UPDATE automation_job AS job
    SET state = 'SUCCESS', ended_at = %(now)s, lease_token = NULL, lease_until = NULL,
        result = done.result::jsonb
    FROM unnest(%(ids)s::uuid[], %(tokens)s::uuid[], %(results)s::text[])
        AS done (id, token, result)
    WHERE job.id = done.id AND job.lease_token = done.token AND job.state = 'RUNNING'
    RETURNING job.*
"""
_END_ATTEMPTS = """
    UPDATE automation_attempt AS attempt SET ended_at = %(now)s
    FROM unnest(%(ids)s::uuid[], %(numbers)s::int[]) AS done (job_id, number)
    WHERE attempt.job_id = done.job_id AND attempt.number = done.number
"""
_RECORD_ENDED = f"""
    WITH audit_rows AS (
        SELECT id, %(tenant)s::uuid AS tenant_id, %(now)s::timestamptz AS at, %(actor)s AS actor,
            %(action)s AS action, 'job' AS target_kind, job_id AS target_id, '' AS reason,
            trace_id, %(body)s AS body
        FROM unnest(%(entry_ids)s::uuid[], %(targets)s::text[], %(traces)s::text[])
            AS moved (id, job_id, trace_id)
    ), attempts AS ({_END_ATTEMPTS}) {APPEND_FROM}
"""  # noqa: S608  # our own names


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a lane may do now: one look for an open outcome, or jobs to run, or neither."""

    connection: Connection
    look: Job | None = None
    jobs: tuple[Job, ...] = ()


def claim(*, tenant_id: UUID, connection_id: UUID, now: datetime, last_look: bool = False) -> Claim:
    """Take the next work of a connection under a lease of 15 s; each job goes to one caller.

    Open outcomes come first: nothing new is posted while one could be looked up. Kinds that may be
    batched are taken up to 50 at once, all others alone. A `last_look` first waits for whoever is
    queueing on it: he saw the lane's message wait and sent no other. Refuses: `NotFound` (no such
    connection, or its product is gone).
    """
    given = _given(connection_id, now)
    with tenancy.scope(tenant_id):
        if last_look:
            _execute(_AWAIT_QUEUEING, given)
        claimed = _take(given)
        if claimed.connection.has_open:
            if looks := list(Job.objects.raw(_CLAIM_LOOK, given)):
                return Claim(connection=claimed.connection, look=looks[0])
            claimed = _take(given | {"passed": True})
        # Not waited for on disk: a crash of the server would only forget that it was claimed,
        # and whoever runs it then is stopped by its intent.
        _execute("SET LOCAL synchronous_commit = off", {})
    return claimed


async def claim_quickly(
    *, pool: AsyncConnectionPool, tenant_id: UUID, connection_id: UUID, now: datetime
) -> Claim | None:
    """Do what `claim` does in one round trip on the running loop, where jobs are all there is.

    Returns None where `claim` has to look closer: nothing is ready, an outcome is open, the
    database does not answer.
    """
    given = _given(connection_id, now)
    try:
        async with pool.connection(_PATIENCE) as session, session.pipeline():
            # Statements of one pipeline are one transaction.
            await session.execute(*tenancy.setting(tenant_id))
            cursor = await session.execute(_CLAIM, given, prepare=True)
        rows = await cursor.fetchall()
    except psycopg.Error:
        return None
    claimed = _claimed(rows) if rows else None
    return claimed if claimed and claimed.jobs else None


def _given(connection_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "connection": connection_id,
        "now": now,
        "until": now + LEASE,
        "passed": False,
        "batches": json.dumps(kinds.batches()),
        "actor": SYSTEM,
        "action": str(Action.AUTOMATION_JOB_CHANGED),
        "body": body_text({"from": JobState.QUEUED, "to": JobState.RUNNING}),
    }


def _take(given: Mapping[str, Any]) -> Claim:
    with db.prepared() as cursor:
        rows = cursor.execute(_CLAIM, given).fetchall()
    if not rows:
        raise NotFound
    return _claimed(rows)


def _claimed(rows: Sequence[Sequence[Any]]) -> Claim:
    width = 1 + len(_LANE)
    connection = _built(Connection, rows[0][1:width])
    registry.connector(connection.product, connection.connector)
    connection.has_open = rows[0][0]
    taken = [row[width:-1] for row in rows if row[width] is not None]
    return Claim(connection=connection, jobs=tuple(_built(Job, row) for row in taken))


def _built(model: type[M], row: Sequence[Any]) -> M:
    """Return an object as the ORM would make it of its columns."""
    fields = model._meta.concrete_fields  # noqa: SLF001  # Django's public name
    values = [
        json.loads(value) if value is not None and isinstance(field, JSONField) else value
        for field, value in zip(fields, row, strict=True)
    ]
    return model.from_db(database.alias, [field.attname for field in fields], values)


def renew(*, tenant_id: UUID, jobs: Sequence[Job], now: datetime) -> bool:
    """Prolong the leases by 15 s; False as soon as one of the jobs was stopped or taken over."""
    given = {
        "ids": [job.id for job in jobs],
        "tokens": [job.lease_token for job in jobs],
        "until": now + LEASE,
    }
    with tenancy.scope(tenant_id):
        return _execute(_RENEW, given) == len(jobs)


def intend(*, job: Job, submitted: Mapping[str, object], now: datetime) -> None:
    """Store the intent to submit, with what will be submitted: the last safe point.

    Raises `JobStopped` when the job was cancelled, held or taken over; then nothing may be
    submitted. Once this returned, the outcome is looked up whatever happens.
    """
    with tenancy.scope(job.tenant_id):
        move_job(
            job,
            JobState.SUBMITTING,
            now=now,
            keep_lease=True,
            extra={"submitted_at": now, "submitted": dict(submitted)},
        )


def complete(*, tenant_id: UUID, results: Mapping[Job, Mapping[str, object]], now: datetime) -> int:
    """End running jobs that publish nothing as SUCCESS; those whose lease was lost are left.

    Returns how many ended.
    """
    jobs = list(results)
    given = {
        "ids": [job.id for job in jobs],
        "tokens": [job.lease_token for job in jobs],
        "results": [json.dumps(results[job]) for job in jobs],
        "now": now,
    }
    with tenancy.scope(tenant_id):
        ended = list(Job.objects.raw(_COMPLETE, given))
        if ended:
            _record_ended(ended, now=now)
            _tell(ended)
            for job in ended:
                if job.subject:
                    news.tell_moved(job)
    return len(ended)


def _record_ended(jobs: Sequence[Job], *, now: datetime) -> None:
    """Write the audit entries of jobs that one statement has ended, and end their attempts."""
    given = {
        "tenant": jobs[0].tenant_id,
        "now": now,
        "actor": SYSTEM,
        "action": str(Action.AUTOMATION_JOB_CHANGED),
        "body": body_text({"from": JobState.RUNNING, "to": JobState.SUCCESS}),
        "entry_ids": [uuid7() for _ in jobs],
        "targets": [str(job.id) for job in jobs],
        "traces": [job.trace_id for job in jobs],
        "ids": [job.id for job in jobs],
        "numbers": [job.attempts for job in jobs],
    }
    _execute(_RECORD_ENDED, given)


def _execute(statement: str, given: Mapping[str, Any]) -> int:
    with database.cursor() as cursor:
        cursor.execute(statement, given)
        rows: int = cursor.rowcount
        return rows


def _tell(jobs: Sequence[Job]) -> None:
    # Of a whole batch pages are told once: they read the list anyway.
    news.tell_job(jobs[0])


def move_job(
    job: Job,
    target: JobState,
    *,
    now: datetime,
    keep_lease: bool = False,
    quiet: bool = False,
    reason: str = "",
    extra: Mapping[str, object] | None = None,
) -> None:
    """Move a job that this caller leases; raises `JobStopped` when he leases it no more.

    `quiet` is for a state that is left again in the same transaction.
    """
    released = {} if keep_lease else {"lease_token": None, "lease_until": None}
    ended = {"ended_at": now} if target in ENDED else {}
    try:
        lifecycle.transition(
            job,
            field="state",
            target=target,
            moves=JOB_MOVES,
            action=Action.AUTOMATION_JOB_CHANGED,
            actor=SYSTEM,
            at=now,
            tenant_id=job.tenant_id,
            reason=reason,
            guard=Q(lease_token=job.lease_token),
            extra={**released, **ended, **(extra or {})},
        )
    except Stale as error:
        raise JobStopped(str(job.id)) from error
    if not quiet:
        news.tell_moved(job)
