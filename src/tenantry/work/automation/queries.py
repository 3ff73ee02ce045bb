"""Reads for others. Those with a `tenant_id` run inside its scope and refuse strangers."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from tenantry.core.errors import NotFound
from tenantry.work.automation.models import Attempt, Connection, Evidence, Job, ProcessBeat
from tenantry.work.automation.states import LIVE_SESSIONS, JobState

# A process that was silent for longer is taken for dead.
ALIVE_WITHIN = timedelta(seconds=15)


def list_connections(*, tenant_id: UUID) -> QuerySet[Connection]:
    """Return the tenant's live connections, the oldest first."""
    rows = Connection.objects.filter(tenant_id=tenant_id, removed_at__isnull=True)
    return rows.order_by("created_at")


def get_connection(*, tenant_id: UUID, connection_id: UUID) -> Connection:
    """Return a live connection of this tenant; `NotFound` for all others."""
    found = list_connections(tenant_id=tenant_id).filter(id=connection_id).first()
    if found is None:
        raise NotFound
    return found


def list_jobs(*, tenant_id: UUID) -> QuerySet[Job]:
    """Return the tenant's jobs, the newest first, with their connections."""
    rows = Job.objects.filter(tenant_id=tenant_id).select_related("connection")
    return rows.order_by("-created_at")


def get_job(*, tenant_id: UUID, job_id: UUID) -> Job:
    """Return one job of this tenant with its connection; `NotFound` for all others."""
    found = list_jobs(tenant_id=tenant_id).filter(id=job_id).first()
    if found is None:
        raise NotFound
    return found


def find_job_of(*, tenant_id: UUID, subject: UUID) -> Job | None:
    """Return the job that was made for a subject, for example a slot."""
    return list_jobs(tenant_id=tenant_id).filter(subject=subject).first()


def list_attempts(*, tenant_id: UUID, job_id: UUID) -> QuerySet[Attempt]:
    """Return the attempts of a job in order."""
    return Attempt.objects.filter(tenant_id=tenant_id, job_id=job_id).order_by("number")


def list_evidence(*, tenant_id: UUID, job_id: UUID) -> QuerySet[Evidence]:
    """Return the evidence of a job in order, what was lost included."""
    return Evidence.objects.filter(tenant_id=tenant_id, job_id=job_id).order_by("created_at", "id")


def get_evidence(*, tenant_id: UUID, evidence_id: UUID) -> Evidence:
    """Return one piece of evidence of this tenant; `NotFound` for all others."""
    found = Evidence.objects.filter(tenant_id=tenant_id, id=evidence_id).first()
    if found is None:
        raise NotFound
    return found


def list_unhealthy() -> QuerySet[Connection]:
    """Return the connections of all tenants that no job can use; under `tenancy.platform`."""
    rows = Connection.objects.filter(removed_at__isnull=True)
    return rows.exclude(session_state__in=LIVE_SESSIONS).order_by("session_state", "created_at")


def list_unresolved() -> QuerySet[Job]:
    """Return the jobs of all tenants whose outcome is open; under `tenancy.platform`."""
    rows = Job.objects.filter(state__in=[JobState.SUBMITTING, JobState.UNKNOWN])
    return rows.select_related("connection").order_by("submitted_at")


def list_processes(*, now: datetime) -> list[tuple[ProcessBeat, bool]]:
    """Return every process that beat within the last hour, and whether it lives."""
    beats = ProcessBeat.objects.filter(beat_at__gt=now - timedelta(hours=1))
    return [
        (beat, now - beat.beat_at < ALIVE_WITHIN)
        for beat in beats.order_by("kind", "host", "started_at")
    ]


def known_articles(*, connection_id: UUID, since: datetime, but: UUID) -> frozenset[str]:
    """Return the ids of articles that other jobs of the connection published after a moment."""
    rows = Job.objects.filter(connection_id=connection_id, published_id__isnull=False)
    recent = rows.filter(Q(submitted_at__gte=since) | Q(ended_at__gte=since)).exclude(id=but)
    return frozenset(published for (published,) in recent.values_list("published_id") if published)
