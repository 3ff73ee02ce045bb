"""Draining a lane: the ready jobs of one connection, one after another, in one browser context.

Nothing here raises: a job ends with an outcome, or its lease runs out and it is rescued. A message
that failed would keep its lock, and the lane would stand still.
"""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

from django.db import DatabaseError
from psycopg_pool import AsyncConnectionPool

from tenantry.core import db, tenancy, trace
from tenantry.core.errors import DomainError
from tenantry.core.logs import get_logger
from tenantry.sdk.errors import AuthExpired, ChallengeRequired, PermissionDenied, UiChanged
from tenantry.sdk.product import Capability
from tenantry.work.automation import evidence, kinds, leases, publishing, services, signing
from tenantry.work.automation.browserhost import BrowserHost
from tenantry.work.automation.errorcodes import Failure, classify
from tenantry.work.automation.errors import JobStopped
from tenantry.work.automation.lane import Clock, Lane
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.publishing import StoredIntent
from tenantry.work.automation.redaction import redact_text
from tenantry.work.automation.services import Claim
from tenantry.work.automation.states import SessionState

_JOB_SECONDS = 300.0
# After so long the lane goes to the end of the queue, so that others get their turn.
_TURN_SECONDS = 300.0
_log = get_logger(__name__)


async def drain(
    *,
    connection_id: UUID,
    tenant_id: UUID,
    host: BrowserHost,
    now: Clock,
    pool: AsyncConnectionPool | None = None,
) -> int:
    """Run what is ready on one connection and return how many jobs were taken.

    With a `pool` of this loop's own connections, in autocommit, jobs start sooner.
    """
    taken, lane = 0, None
    began = time.monotonic()
    try:
        while True:
            claim = await _next(connection_id, tenant_id, now, pool)
            if claim is None:
                break
            lane = lane or Lane.of(claim.connection, host=host, now=now)
            lane.connection = claim.connection
            taken += 1 if claim.look else len(claim.jobs)
            await _work_off(lane, claim)
            if host.stopping.is_set() or time.monotonic() - began > _TURN_SECONDS:
                await db.in_thread(_wake, connection_id, tenant_id)
                break
    except DomainError as error:
        _log.warning("lane_refused", connection_id=str(connection_id), reason=str(error))
    except DatabaseError as error:
        _log.warning("lane_interrupted", connection_id=str(connection_id), reason=str(error))
    except Exception:  # noqa: BLE001  # a message that failed would keep its lock
        _log.exception("lane_broken", connection_id=str(connection_id))
    finally:
        if lane is not None:
            await lane.leave()
    return taken


async def _next(
    connection_id: UUID, tenant_id: UUID, now: Clock, pool: AsyncConnectionPool | None
) -> Claim | None:
    if pool is not None:
        quick = await services.claim_quickly(
            pool=pool, tenant_id=tenant_id, connection_id=connection_id, now=now()
        )
        if quick:
            return quick
    for last_look in (False, True):
        claim = await db.in_thread(
            services.claim,
            tenant_id=tenant_id,
            connection_id=connection_id,
            now=now(),
            last_look=last_look,
        )
        if claim.look or claim.jobs:
            return claim
    return None


def _wake(connection_id: UUID, tenant_id: UUID) -> None:
    with tenancy.scope(tenant_id):
        services.wake(connection_id=connection_id, tenant_id=tenant_id)


async def _work_off(lane: Lane, claim: Claim) -> None:
    jobs = [claim.look] if claim.look else list(claim.jobs)
    try:
        async with leases.kept(jobs, now=lane.now):
            if claim.look:
                await _look(lane, claim.look)
            elif jobs[0].kind in kinds.batchable(lane.product.slug, lane.connector.slug):
                await _run_batch(lane, jobs)
            else:
                await _run(lane, jobs[0])
    except JobStopped:
        _log.info("job_stopped", job_id=str(jobs[0].id))
        await lane.leave()
    finally:
        await lane.end_job()


async def _run(lane: Lane, job: Job) -> None:
    with trace.start(_traceparent(job)):
        intents: list[StoredIntent] = []
        try:
            async with asyncio.timeout(_JOB_SECONDS):
                await _body(lane, job, intents)
        except (JobStopped, DatabaseError):
            raise
        except Exception as error:  # noqa: BLE001  # every error becomes an outcome
            await _record(lane, job, error, intents[0] if intents else None)


async def _body(lane: Lane, job: Job, intents: list[StoredIntent]) -> None:
    match kinds.get(job.kind).capability:
        case Capability.SIGN_IN:
            await signing.sign_in(lane, job)
        case Capability.CHECK:
            await signing.check(lane, job)
        case Capability.PUBLISH:
            _require_login(lane.connection)
            content = await db.in_thread(publishing.render, lane=lane, job=job)
            intents.append(StoredIntent(lane=lane, job=job, content=content))
            await publishing.publish(lane, job, content, intents[0])
        case other:
            raise PermissionDenied(f"no job runs {other}")


async def _record(lane: Lane, job: Job, error: Exception, intent: StoredIntent | None) -> None:
    captured = await evidence.of_failure(lane.page, lane.seat, lane.secrets)
    await evidence.store(job, captured, now=lane.now())
    # Only now: that the browser was lost may be heard a moment after its error.
    failure = _named(lane, error)
    if intent and intent.stored:
        await publishing.settle(lane, job, failure, lane.tried(intent.phase))
    else:
        await db.in_thread(
            services.fail_attempt, job=job, failure=failure, tried=lane.tried(), now=lane.now()
        )
    if failure.detail:
        _log.info("job_failed", job_id=str(job.id), error_code=failure.code)


def _named(lane: Lane, error: Exception) -> Failure:
    seat = lane.seat
    if seat and seat.escapes:
        error = UiChanged(f"the site led to {seat.escapes[0]}")
    found = classify(error, browser_lost=seat is not None and seat.lost)
    return Failure(
        code=found.code,
        detail=redact_text(found.detail, lane.secrets),
        retry_after=found.retry_after,
    )


async def _look(lane: Lane, job: Job) -> None:
    with trace.start(_traceparent(job)):
        try:
            await publishing.look_up(lane, job)
        except (JobStopped, DatabaseError):
            raise
        except Exception as error:  # noqa: BLE001  # every doubt leaves the outcome open
            failure = _named(lane, error)
            await db.in_thread(services.still_unknown, job=job, failure=failure, now=lane.now())


async def _run_batch(lane: Lane, jobs: Sequence[Job]) -> None:
    """Run jobs that need no browser and can be repeated; those that went well end together."""
    done: dict[Job, dict[str, object]] = {}
    try:
        for job in jobs:
            try:
                signed_in = await lane.connector.check(await lane.open_page())
                done[job] = {"account": signed_in.account}
            except Exception as error:  # noqa: BLE001  # every error becomes an outcome
                await _record(lane, job, error, None)
    finally:
        if done:
            await db.in_thread(
                services.complete, tenant_id=lane.tenant_id, results=done, now=lane.now()
            )


def _require_login(connection: Connection) -> None:
    if connection.session_state == SessionState.CHALLENGE_REQUIRED:
        raise ChallengeRequired("the session waits for its owner")
    if not connection.is_live:
        raise AuthExpired(f"the session is {connection.session_state}")


def _traceparent(job: Job) -> str:
    return f"00-{job.trace_id}-{'1'.rjust(16, '0')}-01"
