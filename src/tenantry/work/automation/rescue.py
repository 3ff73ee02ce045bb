"""Rescue of messages whose worker died, and everything else that must happen every few seconds."""

import json
from datetime import datetime

from procrastinate import exceptions
from procrastinate.jobs import Job as Envelope
from procrastinate.jobs import Status
from procrastinate.manager import JobManager

from tenantry.core import db, queue
from tenantry.core.logs import get_logger
from tenantry.work.automation import services

# A message that killed its worker so often is what kills them.
_MOST_ATTEMPTS = 10
_log = get_logger(__name__)


async def retry_stalled(manager: JobManager, *, now: datetime) -> int:
    """Give the messages of dead workers to others; returns how many.

    Dead is who sent no heartbeat for `core.queue.STALLED_AFTER` seconds, or whose row is gone.
    """
    stalled = await manager.get_stalled_jobs(seconds_since_heartbeat=queue.STALLED_AFTER)
    return sum([await _retried(manager, envelope, now) for envelope in stalled])


async def _retried(manager: JobManager, envelope: Envelope, now: datetime) -> bool:
    try:
        if envelope.attempts >= _MOST_ATTEMPTS:
            await manager.finish_job(envelope, status=Status.FAILED, delete_job=False)
        else:
            await _put_back(manager, envelope, now)
    except exceptions.ConnectorException as error:
        # Another process was quicker, or the worker came back and has ended it.
        _log.info("rescue_not_needed", message_id=envelope.id, reason=str(error))
        return False
    _log.warning("message_rescued", message_id=envelope.id, task=envelope.task_name)
    return True


async def _put_back(manager: JobManager, envelope: Envelope, now: datetime) -> None:
    try:
        await manager.retry_job(envelope, retry_at=now)
        # Workers are told of new messages only; without this they would find it seconds later.
        await manager.connector.execute_query_async(
            "SELECT pg_notify(%(channel)s, %(news)s)",
            channel=f"procrastinate_queue_v1#{envelope.queue}",
            news=json.dumps({"type": "job_inserted", "job_id": envelope.id}),
        )
    except exceptions.UniqueViolation:
        # The same is waiting already (its queueing lock is taken) and can do the work.
        await manager.finish_job(envelope, status=Status.FAILED, delete_job=True)


async def tend(manager: JobManager, *, now: datetime) -> None:
    """Do once what has to be done every few seconds, by any process and by many at once."""
    await retry_stalled(manager, now=now)
    await db.in_thread(services.rescue_jobs, now=now)
    await db.in_thread(services.age_sessions, now=now)
    await db.in_thread(services.wake_ready, now=now)
    await db.in_thread(services.forget_beats, now=now)
