"""States of this room: the operator's word on a schedule, and how a slot ended."""

from collections.abc import Mapping

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenantry.core.states import Moves, check_moves
from tenantry.work.automation.states import JobState


class AdminStatus(TextChoices):
    """The operator's word; the customer's own switch is `user_enabled`, and neither writes both."""

    NEEDS_REVIEW = "NEEDS_REVIEW", _("awaits approval")
    APPROVED = "APPROVED", _("approved")
    SUSPENDED = "SUSPENDED", _("suspended")
    BANNED = "BANNED", _("banned")


MOVES: Moves = check_moves(
    AdminStatus,
    {
        AdminStatus.NEEDS_REVIEW: frozenset(
            {AdminStatus.APPROVED, AdminStatus.SUSPENDED, AdminStatus.BANNED}
        ),
        AdminStatus.APPROVED: frozenset(
            {AdminStatus.NEEDS_REVIEW, AdminStatus.SUSPENDED, AdminStatus.BANNED}
        ),
        AdminStatus.SUSPENDED: frozenset(
            {AdminStatus.APPROVED, AdminStatus.NEEDS_REVIEW, AdminStatus.BANNED}
        ),
        AdminStatus.BANNED: frozenset(),
    },
)

# The one way out of a ban is an act of its own, and it leads to a review, not to approval.
APPEAL_MOVES: Moves = check_moves(
    AdminStatus,
    {status: frozenset() for status in AdminStatus}
    | {AdminStatus.BANNED: frozenset({AdminStatus.NEEDS_REVIEW})},
)


class Outcome(TextChoices):
    """What was decided about a slot; decided once."""

    DISPATCHED = "DISPATCHED", _("dispatched")
    SKIPPED = "SKIPPED", _("skipped")
    BLOCKED = "BLOCKED", _("blocked")
    HELD = "HELD", _("held")


class Status(TextChoices):
    """What became of a slot, as people see it: one chip."""

    QUEUED = "QUEUED", _("queued")
    RUNNING = "RUNNING", _("running")
    SUCCESS = "SUCCESS", _("success")
    FAILED = "FAILED", _("failed")
    SKIPPED = "SKIPPED", _("skipped")
    BLOCKED = "BLOCKED", _("blocked")


STATUS_OF_OUTCOME: Mapping[str, Status] = {
    Outcome.SKIPPED: Status.SKIPPED,
    Outcome.BLOCKED: Status.BLOCKED,
    Outcome.HELD: Status.BLOCKED,
}
# Of a dispatched slot it is the job that counts.
STATUS_OF_JOB: Mapping[str, Status] = {
    JobState.QUEUED: Status.QUEUED,
    JobState.HELD: Status.QUEUED,
    JobState.RUNNING: Status.RUNNING,
    JobState.SUBMITTING: Status.RUNNING,
    JobState.UNKNOWN: Status.RUNNING,
    JobState.SUCCESS: Status.SUCCESS,
    JobState.FAILED: Status.FAILED,
    JobState.CANCELLED: Status.SKIPPED,
}


class Origin(TextChoices):
    """What made a slot."""

    CLOCK = "clock", _("by the schedule")
    RUN_NOW = "run_now", _("run now")
