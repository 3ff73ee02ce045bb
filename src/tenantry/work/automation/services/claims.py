"""Verbs of a lane about whose turn it is: claiming, leasing, and the last safe point.

A claimed job carries a lease token; whoever lost it can change the job no more. Claiming and ending
many jobs are single statements, so that jobs without a browser run by the thousand.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.models import Q

from tenantry.core import tenancy
from tenantry.core.errors import NotFound
from tenantry.core.ids import uuid7
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.audit.services import APPEND_FROM, body_text
from tenantry.ledger.audit.vocabulary import Action
from tenantry.work.automation import kinds
from tenantry.work.automation.errors import JobStopped
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.services import news
from tenantry.work.automation.states import ENDED, JOB_MOVES, JobState

LEASE = timedelta(seconds=15)
RENEW_EVERY = timedelta(seconds=5)
BATCH = 50
SYSTEM = "system:browser"

# Ready jobs in order; of a kind that may be batched, all that come together. While a sign-in is
# pending only the sign-in runs.
_CLAIM = """
    WITH ready AS (
        SELECT j.id, j.kind FROM automation_job j
        JOIN automation_connection c ON c.id = j.connection_id
        WHERE j.connection_id = %(connection)s AND j.state = 'QUEUED' AND j.run_after <= %(now)s
            AND c.removed_at IS NULL
            AND (c.session_state = 'PENDING') = (j.kind = 'connection.sign_in')
        ORDER BY j.run_after, j.id LIMIT %(limit)s
        FOR NO KEY UPDATE OF j SKIP LOCKED
    ), head AS (SELECT id, kind FROM ready LIMIT 1)
    UPDATE automation_job AS job
    SET state = 'RUNNING', attempts = job.attempts + 1, lease_token = gen_random_uuid(),
        lease_until = %(until)s, started_at = coalesce(job.started_at, %(now)s),
        error_code = '', error_message = ''
    FROM ready, head
    WHERE job.id = ready.id
        AND (ready.id = head.id OR ready.kind = head.kind AND ready.kind = ANY(%(batch)s))
    RETURNING job.*
"""
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
_CONNECTION = """
    SELECT c.*, EXISTS (SELECT FROM automation_job j
        WHERE j.connection_id = c.id AND j.state = 'UNKNOWN' AND j.run_after <= %(now)s) AS has_open
    FROM automation_connection c WHERE c.id = %(connection)s
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
_BEGIN_ATTEMPTS = """
    INSERT INTO automation_attempt
        (id, tenant_id, job_id, number, mode, started_at, phase, error_code, message)
    SELECT id, %(tenant)s, job_id, number, 'headless', %(now)s, '', '', ''
    FROM unnest(%(attempt_ids)s::uuid[], %(ids)s::uuid[], %(numbers)s::int[])
        AS begun (id, job_id, number)
    ON CONFLICT (job_id, number) DO NOTHING
"""
_END_ATTEMPTS = """
    UPDATE automation_attempt AS attempt SET ended_at = %(now)s
    FROM unnest(%(ids)s::uuid[], %(numbers)s::int[]) AS done (job_id, number)
    WHERE attempt.job_id = done.job_id AND attempt.number = done.number
"""
_RECORD = f"""
    WITH audit_rows AS (
        SELECT id, %(tenant)s::uuid AS tenant_id, %(now)s::timestamptz AS at, %(actor)s AS actor,
            %(action)s AS action, 'job' AS target_kind, job_id AS target_id, '' AS reason,
            trace_id, %(body)s AS body
        FROM unnest(%(entry_ids)s::uuid[], %(targets)s::text[], %(traces)s::text[])
            AS moved (id, job_id, trace_id)
    ), attempts AS ({{attempts}}) {APPEND_FROM}
"""  # noqa: S608  # our own names
_RECORD_BEGUN = _RECORD.format(attempts=_BEGIN_ATTEMPTS)
_RECORD_ENDED = _RECORD.format(attempts=_END_ATTEMPTS)


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
    given: dict[str, Any] = {"connection": connection_id, "now": now, "until": now + LEASE}
    with tenancy.scope(tenant_id):
        if last_look:
            _execute(_AWAIT_QUEUEING, given)
        connection = next(iter(Connection.objects.raw(_CONNECTION, given)), None)
        if connection is None:
            raise NotFound
        batch = kinds.batchable(connection.product, connection.connector)
        if connection.has_open and (looks := list(Job.objects.raw(_CLAIM_LOOK, given))):
            return Claim(connection=connection, look=looks[0])
        given |= {"limit": BATCH if batch else 1, "batch": batch}
        claimed = list(Job.objects.raw(_CLAIM, given))
        claimed.sort(key=lambda job: (job.run_after, job.id))
        if claimed:
            _record(_RECORD_BEGUN, claimed, source=JobState.QUEUED, now=now)
            _tell(claimed)
            # Not waited for on disk: a crash of the server would only forget that it was claimed,
            # and whoever runs it then is stopped by its intent.
            _execute("SET LOCAL synchronous_commit = off", {})
    return Claim(connection=connection, jobs=tuple(claimed))


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
            _record(_RECORD_ENDED, ended, source=JobState.RUNNING, now=now)
            _tell(ended)
            for job in ended:
                if job.subject:
                    news.tell_moved(job)
    return len(ended)


def _record(statement: str, jobs: Sequence[Job], *, source: JobState, now: datetime) -> None:
    """Write the audit entries and attempts of jobs that one statement has moved."""
    given = {
        "tenant": jobs[0].tenant_id,
        "now": now,
        "actor": SYSTEM,
        "action": str(Action.AUTOMATION_JOB_CHANGED),
        "body": body_text({"from": str(source), "to": jobs[0].state}),
        "entry_ids": [uuid7() for _ in jobs],
        "targets": [str(job.id) for job in jobs],
        "traces": [job.trace_id for job in jobs],
        "ids": [job.id for job in jobs],
        "numbers": [job.attempts for job in jobs],
        "attempt_ids": [uuid7() for _ in jobs],
    }
    _execute(statement, given)


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
