"""Messages of this room."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from tenantry.core.queue import Command, Event


@dataclass(frozen=True, kw_only=True)
class AdvanceRun(Command):
    """Take a run as far as it goes now."""

    queue: ClassVar[str] = "pipelines"

    run_id: UUID
    tenant_id: UUID


@dataclass(frozen=True, kw_only=True)
class TendRuns(Command):
    """Send on what nobody works on, and look at the instances that were not looked at lately."""


@dataclass(frozen=True, kw_only=True)
class LookAtInstance(Command):
    """Probe one living instance and store what was seen as its conditions."""

    queue: ClassVar[str] = "pipelines"

    tenant_id: UUID


@dataclass(frozen=True, kw_only=True)
class RunEnded(Event):
    """A run has succeeded, failed or was cancelled; `error_code` says why it failed."""

    run_id: UUID
    tenant_id: UUID
    kind: str
    state: str
    error_code: str
