"""States of this room: runs, their steps, what a host is asked for and what it shows."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tenantry.core.states import Moves, check_moves, terminal


class RunKind(TextChoices):
    """What a run does to a tenant."""

    CREATE = "create", pgettext_lazy("what a run does", "set up")
    SUSPEND = "suspend", _("suspend")
    RESUME = "resume", _("resume")
    ARCHIVE = "archive", _("archive")


class RunState(TextChoices):
    """The life of a run. WAITING has a moment at which it goes on by itself."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    WAITING = "waiting", _("waiting")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


_R = RunState
RUN_MOVES: Moves = check_moves(
    RunState,
    {
        _R.QUEUED: frozenset({_R.RUNNING}),
        _R.RUNNING: frozenset({_R.WAITING, _R.SUCCEEDED, _R.FAILED, _R.CANCELLED}),
        _R.WAITING: frozenset({_R.RUNNING}),
        _R.SUCCEEDED: frozenset(),
        # An operator tries again, or has undone what was made.
        _R.FAILED: frozenset({_R.QUEUED}),
        _R.CANCELLED: frozenset(),
    },
)
# Of these a tenant has one at a time.
LIVE_RUNS: frozenset[str] = frozenset({_R.QUEUED, _R.RUNNING, _R.WAITING})
ENDED_RUNS: frozenset[str] = frozenset({_R.FAILED}) | terminal(RUN_MOVES)


class StepState(TextChoices):
    """The life of one step of a run."""

    PENDING = "pending", _("to do")
    RUNNING = "running", _("running")
    WAITING = "waiting", _("waiting")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    COMPENSATED = "compensated", _("undone")
    SKIPPED = "skipped", _("not needed")


_S = StepState
STEP_MOVES: Moves = check_moves(
    StepState,
    {
        _S.PENDING: frozenset({_S.RUNNING, _S.SKIPPED}),
        # PENDING: what an earlier step showed no longer counts.
        _S.RUNNING: frozenset({_S.PENDING, _S.WAITING, _S.SUCCEEDED, _S.FAILED, _S.COMPENSATED}),
        # FAILED: it could not be undone.
        _S.WAITING: frozenset({_S.RUNNING, _S.COMPENSATED, _S.FAILED}),
        # Done again: by an operator's wish, or because what it showed is too old to count.
        _S.SUCCEEDED: frozenset({_S.PENDING, _S.COMPENSATED}),
        _S.FAILED: frozenset({_S.PENDING, _S.COMPENSATED}),
        _S.COMPENSATED: frozenset(),
        _S.SKIPPED: frozenset(),
    },
)
# A run goes on with its first step that is none of these.
DONE_STEPS: frozenset[str] = frozenset({_S.SUCCEEDED, _S.COMPENSATED, _S.SKIPPED})
# A cancelled run undoes its last step that is none of these.
UNDONE_STEPS: frozenset[str] = frozenset({_S.PENDING, _S.COMPENSATED, _S.SKIPPED})


class Desired(TextChoices):
    """What a host is asked to make of an instance."""

    RUNNING = "running", _("running")
    STOPPED = "stopped", _("stopped")
    REMOVED = "removed", pgettext_lazy("instance", "removed")


class Observed(TextChoices):
    """What a host last saw of an instance."""

    UNKNOWN = "unknown", _("not seen yet")
    STARTING = "starting", _("starting")
    RUNNING = "running", _("running")
    DEAD = "dead", _("dead")
    STOPPED = "stopped", _("stopped")
    REMOVED = "removed", pgettext_lazy("instance", "removed")


class ConditionType(TextChoices):
    """A fact about a tenant's instance, shown with its age; each is a gate of readiness."""

    ALIVE = "alive", _("Process alive")
    CANONICAL_HOST = "canonical_host", _("Own host name answers")
    LOG_IN = "log_in", _("Log-in works")
    ROUTE = "route", _("Gateway serves it")
    MAIL = "mail", _("Mail can leave")


class ConditionStatus(TextChoices):
    """Whether it holds."""

    TRUE = "true", _("yes")
    FALSE = "false", _("no")
    UNKNOWN = "unknown", _("not known")


class Level(TextChoices):
    """How loud a log line is."""

    INFO = "info", _("info")
    WARNING = "warning", _("warning")
    ERROR = "error", _("error")
