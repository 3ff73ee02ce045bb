"""Counts for the overview and the queue page, each in one statement; under `tenancy.platform`.

They cross rooms, and one of them reads the queue engine's own tables: models would need a query
per room and state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from tenantry.core.queue import STALLED_AFTER

HOURS = 24


@dataclass(frozen=True, kw_only=True)
class Hour:
    """The jobs that ended, or were made and still wait, in one hour; by state."""

    start: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class QueueLine:
    """One kind of message in the queue engine."""

    queue: str
    task: str
    waiting: int
    later: int
    running: int
    stalled: int
    failed: int


_SESSIONS = """
    SELECT session_state, count(*) FROM automation_connection
    WHERE removed_at IS NULL GROUP BY session_state
"""
_SCHEDULES = "SELECT admin_status, count(*), min(created_at) FROM schedules_schedule GROUP BY 1"
_HOURS = """
    SELECT date_trunc('hour', coalesce(ended_at, created_at), 'UTC'), state, count(*)
    FROM automation_job WHERE coalesce(ended_at, created_at) >= %s GROUP BY 1, 2
"""
_MAILS = """
    SELECT (SELECT count(*) FROM notices_captured),
        count(*) FILTER (WHERE state = 'FAILED'),
        count(*) FILTER (WHERE state IN ('QUEUED', 'SENDING'))
    FROM notices_mail
"""
_TRIALS = """
    SELECT count(*), min(verified_at) FROM onboarding_registration
    WHERE state = 'awaiting_approval'
"""
# Of each company the latest run counts: what failed before it was put right.
_FAILED_RUNS = """
    SELECT count(*) FROM (
        SELECT DISTINCT ON (tenant_id) state FROM provisioning_run
        ORDER BY tenant_id, created_at DESC, id DESC) AS latest
    WHERE state = 'failed'
"""
_QUEUE = """
    SELECT j.queue_name, j.task_name,
        count(*) FILTER (WHERE j.status = 'todo' AND coalesce(j.scheduled_at <= %(now)s, true)),
        count(*) FILTER (WHERE j.status = 'todo' AND j.scheduled_at > %(now)s),
        count(*) FILTER (WHERE j.status = 'doing'),
        count(*) FILTER (
            WHERE j.status = 'doing' AND coalesce(w.last_heartbeat < %(silent)s, true)),
        count(*) FILTER (WHERE j.status IN ('failed', 'aborted'))
    FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
    WHERE j.status IN ('todo', 'doing', 'failed', 'aborted')
    GROUP BY 1, 2 ORDER BY 1, 2
"""


def count_sessions() -> dict[str, int]:
    """Return how many live connections are in each session state."""
    with connection.cursor() as cursor:
        cursor.execute(_SESSIONS)
        return dict(cursor.fetchall())


def count_schedules() -> dict[str, tuple[int, datetime]]:
    """Return how many schedules each word of the operators has, and since when the oldest is."""
    with connection.cursor() as cursor:
        cursor.execute(_SCHEDULES)
        return {status: (count, oldest) for status, count, oldest in cursor.fetchall()}


def count_jobs(*, now: datetime) -> list[Hour]:
    """Return the jobs of the last 24 hours, hour by hour, the present one last."""
    last = now.replace(minute=0, second=0, microsecond=0)
    first = last - timedelta(hours=HOURS - 1)
    counts: dict[datetime, dict[str, int]] = {
        first + timedelta(hours=hour): {} for hour in range(HOURS)
    }
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, [first])
        for hour, state, count in cursor.fetchall():
            counts.setdefault(hour, {})[state] = count
    return [Hour(start=start, counts=of_hour) for start, of_hour in sorted(counts.items())]


def count_mails() -> tuple[int, int, int]:
    """Return how many mails were captured, given up, and wait in the outbox."""
    with connection.cursor() as cursor:
        cursor.execute(_MAILS)
        captured, failed, waiting = cursor.fetchone()
    return captured, failed, waiting


def count_trials() -> tuple[int, datetime | None]:
    """Return how many registrations wait for an operator, and since when the oldest does."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIALS)
        count, oldest = cursor.fetchone()
    return count, oldest


def count_failed_runs() -> int:
    """Return how many companies' latest run failed."""
    with connection.cursor() as cursor:
        cursor.execute(_FAILED_RUNS)
        return int(cursor.fetchone()[0])


def list_queue(*, now: datetime) -> list[QueueLine]:
    """Return what the queue engine holds, by queue and task; what succeeded is not counted."""
    silent = now - timedelta(seconds=STALLED_AFTER)
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, {"now": now, "silent": silent})
        return [
            QueueLine(
                queue=queue,
                task=task,
                waiting=waiting,
                later=later,
                running=running,
                stalled=stalled,
                failed=failed,
            )
            for queue, task, waiting, later, running, stalled, failed in cursor.fetchall()
        ]
