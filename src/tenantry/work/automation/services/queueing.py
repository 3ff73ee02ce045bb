"""Verbs: putting work on a connection's lane, and stopping it before its last safe point."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection as database

from tenantry.core import queue, tenancy, trace
from tenantry.core.ids import uuid7
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import registry
from tenantry.work.automation import kinds, queries
from tenantry.work.automation.errors import CannotDoThat
from tenantry.work.automation.messages import DrainLane
from tenantry.work.automation.models import Attempt, Connection, Job
from tenantry.work.automation.services import news
from tenantry.work.automation.states import JOB_MOVES, STOPPABLE, JobState

# Set-based enqueueing for one statement that holds guard, effect and audit entries:
#   WITH wanted AS (SELECT …), jobs AS ({ENQUEUE_FROM}), lanes AS ({WAKE_FROM}), … SELECT …
# with ENQUEUE_FROM.format(source="wanted") and WAKE_FROM.format(source="wanted"). The relation has
# the columns job_id uuid (of `core.ids.uuid7`), tenant_id uuid, connection_id uuid, kind text,
# content_id uuid, content_digest text, moment timestamptz, zone text, subject uuid, debug boolean,
# trace_id text (32 hex digits) and at timestamptz (now). The caller's `audit_rows` hold one
# `automation.job.queued` on ("job", job_id) for each row.
ENQUEUE_FROM = """
    INSERT INTO automation_job (id, tenant_id, connection_id, kind, state, content_id,
        content_digest, moment, zone, subject, debug, attempts, looks, run_after, error_code,
        error_message, result, created_at, trace_id)
    SELECT job_id, tenant_id, connection_id, kind, 'QUEUED', content_id, content_digest, moment,
        zone, subject, debug, 0, 0, at, '', '', jsonb_build_object(), at, trace_id
    FROM {source}
"""
# Sends one `DrainLane` per connection, unless one waits already. That one may begin and end before
# this commits: a lane's last look waits for whoever holds its connection this way (`claim`).
WAKE_FROM = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
    SELECT DISTINCT ON (connection_id) 'browser', 'tenantry.work.automation.tasks.drain_lane',
        'lane:' || connection_id, 'lane:' || connection_id,
        jsonb_build_object(
            'body', jsonb_build_object('connection_id', connection_id, 'tenant_id', tenant_id),
            'traceparent', '00-' || trace_id || '-0000000000000001-01')
    FROM (SELECT c.id AS connection_id, c.tenant_id, trace_id
        FROM {source} JOIN automation_connection c ON c.id = connection_id
        FOR KEY SHARE OF c) AS held
    ORDER BY connection_id
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""
_HOLD = "SELECT FROM automation_connection WHERE id = %s FOR KEY SHARE"


def enqueue(  # noqa: PLR0913  # the columns of a job
    *,
    tenant_id: UUID,
    connection_id: UUID,
    kind: str,
    actor: str,
    now: datetime,
    content_id: UUID | None = None,
    content_digest: str = "",
    moment: datetime | None = None,
    zone: str = "",
    subject: UUID | None = None,
    debug: bool = False,
) -> Job:
    """Put one job on the connection's lane; of jobs with one `subject` there is only one.

    The second call for a subject returns the first one's job. Refuses: `NotFound` for a strange
    connection or an unknown kind, `CannotDoThat` where the connector lacks the capability.
    """
    with tenancy.scope(tenant_id):
        connection = _able(tenant_id, connection_id, kind)
        job = Job(
            id=uuid7(),
            tenant_id=tenant_id,
            connection=connection,
            kind=kind,
            content_id=content_id,
            content_digest=content_digest,
            moment=moment,
            zone=zone,
            subject=subject,
            debug=debug,
            run_after=now,
            created_at=now,
            trace_id=trace.current().trace_id,
        )
        Job.objects.bulk_create([job], ignore_conflicts=subject is not None)
        if subject is not None and not Job.objects.filter(id=job.id).exists():
            return Job.objects.get(subject=subject)
        _queued(job, actor=actor, now=now)
    return job


def _able(tenant_id: UUID, connection_id: UUID, kind: str) -> Connection:
    connection = queries.get_connection(tenant_id=tenant_id, connection_id=connection_id)
    connector = registry.connector(connection.product, connection.connector)
    if kinds.get(kind).capability not in connector.capabilities:
        raise CannotDoThat(connector=connector.label)
    return connection


def _queued(job: Job, *, actor: str, now: datetime) -> None:
    audit.append(
        action=Action.AUTOMATION_JOB_QUEUED,
        tenant_id=job.tenant_id,
        actor=actor,
        target=("job", str(job.id)),
        at=now,
        body={"kind": job.kind, "connection": job.connection_id},
    )
    wake(connection_id=job.connection_id, tenant_id=job.tenant_id)
    news.tell_job(job)


def wake(*, connection_id: UUID, tenant_id: UUID) -> None:
    """Let the lane look for ready jobs when the present transaction commits."""
    with database.cursor() as cursor:
        cursor.execute(_HOLD, [connection_id])
    command = DrainLane(connection_id=connection_id, tenant_id=tenant_id)
    queue.defer(command, lock=command.lock, queueing_lock=command.lock)


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """What a stop achieved: jobs that will never submit, and those that were submitting already."""

    stopped: tuple[UUID, ...]
    too_late: tuple[UUID, ...]


def cancel_jobs(*, subjects: Iterable[UUID], actor: str, now: datetime, reason: str) -> Stopped:
    """Cancel the jobs of these subjects; after the commit none of `stopped` submits any more.

    Called in the reach that sees the jobs (`tenancy.scope` or `platform`). Ended jobs are left.
    """
    jobs = Job.objects.filter(subject__in=list(subjects)).exclude(state__in=_ENDED)
    return _stop(list(jobs), JobState.CANCELLED, actor=actor, now=now, reason=reason)


def cancel_for_connection(
    *, connection_id: UUID, actor: str, now: datetime, reason: str, kind: str = ""
) -> Stopped:
    """Cancel every job of a connection (of one kind) that can still be stopped."""
    jobs = Job.objects.filter(connection_id=connection_id).exclude(state__in=_ENDED)
    jobs = jobs.filter(kind=kind) if kind else jobs
    return _stop(list(jobs), JobState.CANCELLED, actor=actor, now=now, reason=reason)


def cancel(*, job_ids: Iterable[UUID], actor: str, now: datetime, reason: str) -> Stopped:
    """Cancel these very jobs; see `cancel_jobs` for reach and promise."""
    jobs = Job.objects.filter(id__in=list(job_ids)).exclude(state__in=_ENDED)
    return _stop(list(jobs), JobState.CANCELLED, actor=actor, now=now, reason=reason)


def hold(*, job_ids: Iterable[UUID], actor: str, now: datetime, reason: str) -> Stopped:
    """Keep jobs from running until they are released; see `cancel_jobs` for reach and promise."""
    jobs = Job.objects.filter(id__in=list(job_ids), state__in=_HOLDABLE)
    return _stop(list(jobs), JobState.HELD, actor=actor, now=now, reason=reason)


def release(*, job_ids: Iterable[UUID], actor: str, now: datetime) -> int:
    """Queue held jobs again and return how many."""
    released = 0
    for job in Job.objects.filter(id__in=list(job_ids), state=JobState.HELD):
        released += _moved(
            job, JobState.QUEUED, actor=actor, now=now, reason="", extra={"run_after": now}
        )
        wake(connection_id=job.connection_id, tenant_id=job.tenant_id)
    return released


_ENDED = (JobState.SUCCESS, JobState.FAILED, JobState.CANCELLED)
_HOLDABLE = (JobState.QUEUED, JobState.RUNNING)
_LONGEST_MESSAGE = 500


def _stop(
    jobs: Sequence[Job], target: JobState, *, actor: str, now: datetime, reason: str
) -> Stopped:
    stopped, too_late = [], []
    for job in jobs:
        extra: dict[str, object] = {"lease_token": None, "lease_until": None}
        extra |= {"ended_at": now} if target is JobState.CANCELLED else {}
        if _moved(job, target, actor=actor, now=now, reason=reason, extra=extra):
            stopped.append(job.id)
            tries = Attempt.objects.filter(job=job, ended_at__isnull=True)
            tries.update(ended_at=now, message=reason[:_LONGEST_MESSAGE])
        elif job.state not in _ENDED:
            too_late.append(job.id)
    return Stopped(stopped=tuple(stopped), too_late=tuple(too_late))


def _moved(
    job: Job,
    target: JobState,
    *,
    actor: str,
    now: datetime,
    reason: str,
    extra: dict[str, object],
) -> bool:
    """Move a job that others may move at the same time; tell whether this call did it."""
    while job.state in (STOPPABLE if target is not JobState.QUEUED else {JobState.HELD}):
        try:
            lifecycle.transition(
                job,
                field="state",
                target=target,
                moves=JOB_MOVES,
                action=Action.AUTOMATION_JOB_CHANGED,
                actor=actor,
                at=now,
                tenant_id=job.tenant_id,
                reason=reason,
                extra=extra,
            )
        except Stale:
            # Claimed, put back or submitted in this moment: look again.
            job.refresh_from_db()
        else:
            news.tell_moved(job)
            return True
    return False
