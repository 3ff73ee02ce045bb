"""Verbs: starting, cancelling and retrying runs."""

from datetime import datetime
from uuid import UUID

from tenantry.fleet.provisioning.models import Run


def start_run(
    *,
    tenant_id: UUID,
    kind: str,
    actor: str,
    reason: str,
    now: datetime,
    subject: UUID | None = None,
    region: str = "",
    recipe: str = "",
) -> Run:
    """Begin a run of a kind of `states.RunKind`, in the caller's transaction; returns it.

    `recipe` empty means the instance's own, or the first installed one; `region` empty means the
    instance's own. Refuses: `RunInProgress`, `RunNotAllowed`, `RecipeUnknown`, `NotFound`;
    `RunReasonMissing` when an operator gives none.
    """
    raise NotImplementedError


def cancel_run(*, run_id: UUID, actor: str, reason: str, now: datetime) -> None:
    """Ask that all a run has made is undone; a failed run is undone too.

    Refuses: `RunNotCancellable`, `RunOvertaken`, `RunReasonMissing`, `NotFound`.
    """
    raise NotImplementedError


def retry_run(
    *,
    run_id: UUID,
    actor: str,
    reason: str,
    now: datetime,
    from_step: str = "",
) -> None:
    """Let a failed run go on from the step that failed, or from an earlier one.

    Refuses: `RunNotFailed`, `RunOvertaken`, `RunNotAllowed`, `StepUnknown`, `RunReasonMissing`,
    `NotFound`.
    """
    raise NotImplementedError
