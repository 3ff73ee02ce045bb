"""Commands and events of this room."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from tenantry.core.queue import Command, Event


@dataclass(frozen=True, kw_only=True)
class DrainLane(Command):
    """Run the ready jobs of one connection, one after another."""

    queue: ClassVar[str] = "browser"

    connection_id: UUID
    tenant_id: UUID

    @property
    def lock(self) -> str:
        """Return what keeps a connection's lanes apart, running and waiting alike."""
        return f"lane:{self.connection_id}"


@dataclass(frozen=True, kw_only=True)
class JobEnded(Event):
    """A job with a subject is SUCCESS, FAILED, CANCELLED, or UNKNOWN.

    UNKNOWN is not the last word: when the outcome was looked up another event follows, unless the
    job is queued again because nothing had been published.
    """

    job_id: UUID
    tenant_id: UUID
    kind: str
    subject: UUID
    state: str
    error_code: str


@dataclass(frozen=True, kw_only=True)
class SessionChanged(Event):
    """The session of a connection moved to another state; `code` says why it was lost."""

    connection_id: UUID
    tenant_id: UUID
    state: str
    code: str
    at: datetime
