"""States of this room: the living login of a connection, and the life of a job."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenantry.core.states import Moves, check_moves, terminal


class SessionState(TextChoices):
    """The living login of a connection. Every state has a way out."""

    PENDING = "PENDING", _("signing in")
    HEALTHY = "HEALTHY", _("healthy")
    EXPIRING = "EXPIRING", _("expires soon")
    EXPIRED = "EXPIRED", _("expired")
    CHALLENGE_REQUIRED = "CHALLENGE_REQUIRED", _("needs you on the site")
    ERROR = "ERROR", _("error")


_S = SessionState
_LOST = frozenset({_S.EXPIRED, _S.CHALLENGE_REQUIRED, _S.ERROR})
_LIVE = frozenset({_S.HEALTHY, _S.EXPIRING})

SESSION_MOVES: Moves = check_moves(
    SessionState,
    {
        _S.PENDING: _LIVE | _LOST,
        _S.HEALTHY: frozenset({_S.PENDING, _S.EXPIRING}) | _LOST,
        _S.EXPIRING: frozenset({_S.PENDING, _S.HEALTHY}) | _LOST,
        # A check may find the saved login alive again, for example after the owner met a challenge.
        _S.EXPIRED: _LIVE | (_LOST - {_S.EXPIRED}) | {_S.PENDING},
        _S.CHALLENGE_REQUIRED: _LIVE | (_LOST - {_S.CHALLENGE_REQUIRED}) | {_S.PENDING},
        _S.ERROR: _LIVE | (_LOST - {_S.ERROR}) | {_S.PENDING},
    },
)

# With these a job may use the saved login.
LIVE_SESSIONS: frozenset[str] = _LIVE


class JobState(TextChoices):
    """The life of a job. SUBMITTING means: the intent is stored, the post may be out."""

    QUEUED = "QUEUED", _("queued")
    RUNNING = "RUNNING", _("running")
    SUBMITTING = "SUBMITTING", _("submitting")
    SUCCESS = "SUCCESS", _("success")
    FAILED = "FAILED", _("failed")
    UNKNOWN = "UNKNOWN", _("outcome unknown")
    HELD = "HELD", _("held")
    CANCELLED = "CANCELLED", _("cancelled")


_J = JobState

JOB_MOVES: Moves = check_moves(
    JobState,
    {
        _J.QUEUED: frozenset({_J.RUNNING, _J.HELD, _J.CANCELLED}),
        # SUCCESS without SUBMITTING is for kinds that publish nothing.
        _J.RUNNING: frozenset(
            {_J.QUEUED, _J.SUBMITTING, _J.SUCCESS, _J.FAILED, _J.HELD, _J.CANCELLED}
        ),
        _J.SUBMITTING: frozenset({_J.SUCCESS, _J.FAILED, _J.UNKNOWN}),
        # QUEUED only when it was proven that nothing was published.
        _J.UNKNOWN: frozenset({_J.SUCCESS, _J.FAILED, _J.QUEUED}),
        _J.HELD: frozenset({_J.QUEUED, _J.CANCELLED}),
        _J.SUCCESS: frozenset(),
        _J.FAILED: frozenset(),
        _J.CANCELLED: frozenset(),
    },
)

ENDED: frozenset[str] = terminal(JOB_MOVES)
# Nothing irreversible has happened yet: these may be stopped.
STOPPABLE: frozenset[str] = frozenset({_J.QUEUED, _J.RUNNING, _J.HELD})
