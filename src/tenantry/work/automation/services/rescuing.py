"""Verbs that pick up what a dead process left: leases that ran out, lanes that nobody woke."""

from datetime import datetime, timedelta

from django.db import connection as database
from django.db.models import Q

from tenantry.core import tenancy
from tenantry.work.automation import kinds
from tenantry.work.automation.errorcodes import Code, Failure
from tenantry.work.automation.errors import JobStopped
from tenantry.work.automation.models import Attempt, Job, ProcessBeat
from tenantry.work.automation.retry import Phase
from tenantry.work.automation.services import sessions
from tenantry.work.automation.services.claims import move_job
from tenantry.work.automation.services.queueing import WAKE_FROM
from tenantry.work.automation.states import JobState

# A job whose worker died so often is what kills them.
_MOST_ATTEMPTS = 5
# A post of unknown outcome is left to a person when nobody could look for so long.
_LOOKABLE_FOR = timedelta(days=3)
_FORGET_BEATS = timedelta(days=1)
_DIED = Failure(code=Code.BROWSER_ERROR, detail="the process that ran this ended")
_LOST = Failure(code=Code.OUTCOME_UNKNOWN, detail="the process that submitted this ended")
_NOBODY_LOOKED = Failure(code=Code.OUTCOME_UNKNOWN, detail="nobody could look on the site")

# What a claim would take now, of connections whose lane neither runs nor waits.
_READY = """
    (SELECT j.connection_id, j.tenant_id, j.trace_id
    FROM automation_job j JOIN automation_connection c ON c.id = j.connection_id
    WHERE j.run_after <= %(now)s AND c.removed_at IS NULL
        AND (j.state = 'QUEUED'
                AND (c.session_state = 'PENDING') = (j.kind = 'connection.sign_in')
            OR j.state = 'UNKNOWN' AND (j.lease_until IS NULL OR j.lease_until < %(now)s)
                AND c.session_state IN ('HEALTHY', 'EXPIRING'))
        AND NOT EXISTS (SELECT FROM procrastinate_jobs p
            WHERE p.lock = 'lane:' || j.connection_id AND p.status = 'doing')) AS ready
"""
_WAKE_READY = WAKE_FROM.format(source=_READY)


def rescue_jobs(*, now: datetime, limit: int = 200) -> int:
    """Take every job whose lease ran out from its dead worker; returns how many.

    RUNNING is queued again (the attempt counts) or, when it died too often, fails. SUBMITTING
    becomes UNKNOWN and is looked up. Any number of processes may do this at once.
    """
    with tenancy.platform("find jobs of dead workers"):
        left = Job.objects.filter(
            Q(state__in=[JobState.RUNNING, JobState.SUBMITTING], lease_until__lt=now)
            | Q(state=JobState.UNKNOWN, submitted_at__lt=now - _LOOKABLE_FOR)
            | Q(state=JobState.UNKNOWN, connection__removed_at__isnull=False)
        )
        found = list(left.order_by("lease_until")[:limit])
    return sum(_rescue(job, now) for job in found)


def _rescue(job: Job, now: datetime) -> bool:
    try:
        with tenancy.scope(job.tenant_id):
            # The worker may have come back since: then its lease is not the one that was seen.
            unchanged = Job.objects.select_for_update().filter(
                id=job.id, lease_token=job.lease_token, lease_until=job.lease_until
            )
            if not unchanged.exists():
                return False
            _take(job, now)
    except JobStopped:
        return False
    return True


def _take(job: Job, now: datetime) -> None:
    match job.state:
        case JobState.UNKNOWN:
            failure, target = _NOBODY_LOOKED, JobState.FAILED
        case JobState.SUBMITTING:
            failure, target = _LOST, JobState.UNKNOWN
        case _:
            failure = _DIED
            target = JobState.FAILED if job.attempts >= _MOST_ATTEMPTS else JobState.QUEUED
    move_job(
        job,
        target,
        now=now,
        reason=failure.detail,
        extra={
            "error_code": failure.code,
            "error_message": failure.detail,
            "run_after": now,
        },
    )
    open_attempt = Attempt.objects.filter(job=job, number=job.attempts, ended_at__isnull=True)
    open_attempt.update(
        ended_at=now,
        error_code=failure.code,
        message=failure.detail,
        phase=Phase.SUBMITTED if failure is _LOST else Phase.BEFORE_SUBMIT,
    )
    if target == JobState.FAILED and job.kind == kinds.SIGN_IN.name:
        sessions.fail_sign_in(connection_id=job.connection_id, failure=failure, now=now)


def wake_ready(*, now: datetime) -> int:
    """Send a `DrainLane` to every connection with ready work and no lane; returns how many.

    Retries come due this way, and a wake-up that was lost is made up for.
    """
    with tenancy.platform("wake lanes with ready work"), database.cursor() as cursor:
        cursor.execute(_WAKE_READY, {"now": now})
        woken: int = cursor.rowcount
        return woken


def forget_beats(*, now: datetime) -> int:
    """Delete the signs of life of processes that ended long ago."""
    count, _by_table = ProcessBeat.objects.filter(beat_at__lt=now - _FORGET_BEATS).delete()
    return count
