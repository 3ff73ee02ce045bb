"""Verbs of a lane about how an attempt ended. Only the holder of the job's lease can end it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenantry.core import tenancy
from tenantry.governance.policies import queries as policies
from tenantry.sdk.product import Published, SignedIn
from tenantry.work.automation import kinds
from tenantry.work.automation.errorcodes import Code, Failure, lookup
from tenantry.work.automation.models import Attempt, Connection, Job, Mode
from tenantry.work.automation.retry import (
    GiveUp,
    Phase,
    Reconcile,
    Retry,
    RetryPolicy,
    Step,
    next_look,
    next_step,
)
from tenantry.work.automation.services import sessions
from tenantry.work.automation.services.claims import move_job
from tenantry.work.automation.states import JobState


@dataclass(frozen=True, kw_only=True)
class Tried:
    """How an attempt ran: in what, how far, and what the operators should know of it."""

    phase: Phase = Phase.BEFORE_SUBMIT
    mode: Mode = Mode.HEADLESS
    note: str = ""


def succeed(
    *,
    job: Job,
    published: Published,
    result: Mapping[str, object],
    tried: Tried | None,
    now: datetime,
) -> None:
    """End a job as SUCCESS with the article that proves it; `tried` is None after a mere look.

    Raises `JobStopped` when the lease was lost. An article that belongs to another job is refused
    by the database (IntegrityError): one article proves one job.
    """
    with tenancy.scope(job.tenant_id):
        extra = {"published_id": published.id, "result": dict(result), "error_code": ""}
        move_job(job, JobState.SUCCESS, now=now, extra={**extra, "error_message": ""})
        if tried:
            _close_attempt(job, tried, now=now)


def end_check(*, job: Job, signed_in: SignedIn, tried: Tried, now: datetime) -> None:
    """End a connection test: the saved login counts, until when the site says."""
    with tenancy.scope(job.tenant_id):
        connection = Connection.objects.select_for_update().get(id=job.connection_id)
        move_job(job, JobState.SUCCESS, now=now)
        sessions.keep_login(connection=connection, signed_in=signed_in, state=None, now=now)
        _close_attempt(job, tried, now=now)


def end_sign_in(
    *,
    job: Job,
    signed_in: SignedIn,
    state: Mapping[str, object],
    tried: Tried,
    now: datetime,
) -> None:
    """End a sign-in that was verified: the browser's state is sealed, the credentials are gone."""
    with tenancy.scope(job.tenant_id):
        connection = Connection.objects.select_for_update().get(id=job.connection_id)
        move_job(job, JobState.SUCCESS, now=now)
        sessions.keep_login(connection=connection, signed_in=signed_in, state=state, now=now)
        _close_attempt(job, tried, now=now)


def retry_policy() -> RetryPolicy:
    """Return the operators' numbers as they hold now."""
    return RetryPolicy(
        network_retries=policies.number("automation.network_retries"),
        rate_limit_wait=timedelta(minutes=policies.number("automation.rate_limit_wait_minutes")),
    )


def fail_attempt(*, job: Job, failure: Failure, tried: Tried, now: datetime) -> Step:
    """Record a failed attempt and do what the code's rule says; returns what follows.

    RUNNING becomes QUEUED or FAILED; SUBMITTING becomes UNKNOWN and is looked up. Touches the
    session of the job's own connection only. Raises `JobStopped` when the lease was lost.
    """
    with tenancy.scope(job.tenant_id):
        step = _next_step(job, failure, tried.phase, now)
        cause = {"error_code": failure.code, "error_message": failure.detail}
        match step:
            case Retry(at=at):
                move_job(job, JobState.QUEUED, now=now, extra={**cause, "run_after": at})
            case Reconcile(at=at):
                move_job(job, JobState.UNKNOWN, now=now, extra={**cause, "run_after": at})
            case GiveUp():
                move_job(job, JobState.FAILED, now=now, extra=cause)
        _close_attempt(job, tried, failure=failure, now=now)
        _touch_session(job, failure, ended=isinstance(step, GiveUp), now=now)
    return step


def _next_step(job: Job, failure: Failure, phase: Phase, now: datetime) -> Step:
    step = next_step(
        code=failure.code,
        attempt=job.attempts,
        phase=phase,
        retry_after=failure.retry_after,
        policy=retry_policy(),
        now=now,
        jitter=random.random(),  # noqa: S311  # spreads load, hides nothing
    )
    # The lane has looked already when it comes here.
    return next_look(looks=1, now=now) if isinstance(step, Reconcile) else step


def _touch_session(job: Job, failure: Failure, *, ended: bool, now: datetime) -> None:
    if job.kind == kinds.SIGN_IN.name:
        if ended:
            sessions.fail_sign_in(connection_id=job.connection_id, failure=failure, now=now)
    elif target := lookup(failure.code).session:
        sessions.lose_session(
            connection_id=job.connection_id,
            failure=failure,
            target=target,
            checked=job.kind == kinds.CHECK.name,
            now=now,
        )


def proven_absent(*, job: Job, failure: Failure, tried: Tried | None, now: datetime) -> Step:
    """Record that nothing was published: the job runs again or fails with its first cause.

    The only way from SUBMITTING or UNKNOWN back to QUEUED. Raises `JobStopped`.
    """
    with tenancy.scope(job.tenant_id):
        step = _next_step(job, failure, Phase.PROVEN_ABSENT, now)
        reason = "proven absent from the account's own posts"
        # It is known now that there is no post; what is left of the cause is that nobody answered.
        known = Code.TIMEOUT if failure.code is Code.OUTCOME_UNKNOWN else failure.code
        cause = {"error_code": known, "error_message": failure.detail, "result": {}}
        if isinstance(step, Retry):
            if job.state == JobState.SUBMITTING:
                move_job(job, JobState.UNKNOWN, now=now, keep_lease=True, quiet=True)
            forgotten = {"submitted_at": None, "submitted": None, "looks": 0}
            extra = {**cause, **forgotten, "run_after": step.at}
            move_job(job, JobState.QUEUED, now=now, reason=reason, extra=extra)
        else:
            move_job(job, JobState.FAILED, now=now, reason=reason, extra=cause)
        if tried:
            _close_attempt(job, tried, failure=failure, now=now)
        _touch_session(job, failure, ended=isinstance(step, GiveUp), now=now)
    return step


def still_unknown(*, job: Job, failure: Failure, now: datetime) -> Step:
    """Record a look that brought no answer: look again later, or leave it to a person.

    A lost session is no look: it waits until the account is connected again.
    """
    with tenancy.scope(job.tenant_id):
        session = lookup(failure.code).session
        if session is not None:
            sessions.lose_session(
                connection_id=job.connection_id,
                failure=failure,
                target=session,
                checked=False,
                now=now,
            )
        step = next_look(looks=job.looks, now=now)
        if isinstance(step, GiveUp):
            extra = {"error_code": Code.OUTCOME_UNKNOWN, "error_message": failure.detail}
            move_job(job, JobState.FAILED, now=now, reason="left to a person", extra=extra)
        else:
            held = Job.objects.filter(id=job.id, lease_token=job.lease_token)
            held.update(run_after=step.at, lease_token=None, lease_until=None)
    return step


def remember_article(*, job: Job, published: Published) -> None:
    """Keep the address of what seems to be the article until its proof was read."""
    with tenancy.scope(job.tenant_id):
        result = {"id": published.id, "url": published.url}
        Job.objects.filter(id=job.id, lease_token=job.lease_token).update(result=result)


def _close_attempt(
    job: Job, tried: Tried, *, now: datetime, failure: Failure | None = None
) -> None:
    changes: dict[str, object] = {"ended_at": now, "mode": tried.mode, "phase": tried.phase}
    if failure:
        changes |= {"error_code": failure.code, "message": failure.detail}
    elif tried.note:
        changes["message"] = tried.note
    Attempt.objects.filter(job=job, number=job.attempts).update(**changes)
