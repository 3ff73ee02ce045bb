"""States as chips: one colour, one sign and one word each."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from tenantry.faces.portal.words import Chip
from tenantry.work.automation.models import Connection
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules.states import AdminStatus, Status

SESSION: Mapping[str, Chip] = {
    SessionState.PENDING: Chip(tone="busy", text=_("Signing in")),
    SessionState.HEALTHY: Chip(tone="ok", text=_("Signed in")),
    SessionState.EXPIRING: Chip(tone="warn", text=_("Expires soon"), icon="clock"),
    SessionState.EXPIRED: Chip(tone="bad", text=_("Expired")),
    SessionState.CHALLENGE_REQUIRED: Chip(tone="bad", text=_("Needs you"), icon="user"),
    SessionState.ERROR: Chip(tone="bad", text=_("Error")),
}
REMOVED = Chip(tone="bad", text=_("Disconnected"), icon="link")
ADMIN: Mapping[str, Chip] = {
    AdminStatus.NEEDS_REVIEW: Chip(tone="warn", text=_("In review"), icon="clock"),
    AdminStatus.APPROVED: Chip(tone="ok", text=_("Approved")),
    AdminStatus.SUSPENDED: Chip(tone="bad", text=_("Suspended"), icon="pause"),
    AdminStatus.BANNED: Chip(tone="bad", text=_("Banned"), icon="lock"),
}
ON = Chip(tone="ok", text=_("On"), icon="power")
OFF = Chip(tone="idle", text=_("Off"), icon="power")
READY = Chip(tone="ok", text=_("Ready"))
LIMITED = Chip(tone="warn", text=_("Limit reached"), icon="gauge")
RUN: Mapping[str, Chip] = {
    Status.QUEUED: Chip(tone="idle", text=_("Queued"), icon="clock"),
    Status.RUNNING: Chip(tone="busy", text=_("Running")),
    Status.SUCCESS: Chip(tone="ok", text=_("Success")),
    Status.FAILED: Chip(tone="bad", text=_("Failed"), icon="x"),
    Status.SKIPPED: Chip(tone="idle", text=_("Skipped"), icon="skip"),
    Status.BLOCKED: Chip(tone="warn", text=_("Blocked"), icon="lock"),
}


def of_session(connection: Connection) -> Chip:
    """Return the state of a connection's sign-in."""
    return REMOVED if connection.removed_at else SESSION[connection.session_state]
