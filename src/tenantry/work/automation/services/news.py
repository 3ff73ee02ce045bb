"""What others hear: events for rooms above, hints for open pages. Inside the verb's transaction."""

from datetime import datetime

from tenantry.core import live, queue
from tenantry.work.automation.messages import JobEnded, SessionChanged
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.states import ENDED, JobState

# `tell_job` for one statement that moves a job: of the relation's first row, if it has one.
TELL_FROM = f"""
    SELECT pg_notify('{live.CHANNEL}', json_build_object('topic', topic, 'facts',
        json_build_object('kind', 'job', 'id', job.id))::text)
    FROM (SELECT id, tenant_id FROM {{source}} LIMIT 1) AS job,
        unnest(ARRAY['tenant:' || job.tenant_id, 'console']) AS topic
"""  # noqa: S608  # our own names


def tell_job(job: Job) -> None:
    """Let open pages look at a job again."""
    live.notify(f"tenant:{job.tenant_id}", kind="job", id=str(job.id))
    live.notify("console", kind="job", id=str(job.id))


def tell_moved(job: Job) -> None:
    """Tell pages, and those who asked for the job when it has ended or its outcome is unknown."""
    tell_job(job)
    if job.subject and (job.state in ENDED or job.state == JobState.UNKNOWN):
        queue.publish(
            JobEnded(
                job_id=job.id,
                tenant_id=job.tenant_id,
                kind=job.kind,
                subject=job.subject,
                state=job.state,
                error_code=job.error_code,
            )
        )


def tell_session(connection: Connection, *, at: datetime) -> None:
    """Tell pages and listeners that a session moved."""
    live.notify(f"tenant:{connection.tenant_id}", kind="connection", id=str(connection.id))
    live.notify("console", kind="connection", id=str(connection.id))
    queue.publish(
        SessionChanged(
            connection_id=connection.id,
            tenant_id=connection.tenant_id,
            state=connection.session_state,
            code=connection.session_code,
            at=at,
        )
    )
