"""States as chips: one colour, one sign and one word each."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from tenantry.faces.portal.words import Chip
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules.states import AdminStatus

SESSION: Mapping[str, Chip] = {
    SessionState.PENDING: Chip(tone="busy", text=_("Signing in")),
    SessionState.HEALTHY: Chip(tone="ok", text=_("Signed in")),
    SessionState.EXPIRING: Chip(tone="warn", text=_("Expires soon"), icon="clock"),
    SessionState.EXPIRED: Chip(tone="bad", text=_("Expired")),
    SessionState.CHALLENGE_REQUIRED: Chip(tone="bad", text=_("Needs you"), icon="user"),
    SessionState.ERROR: Chip(tone="bad", text=_("Error")),
}
ADMIN: Mapping[str, Chip] = {
    AdminStatus.NEEDS_REVIEW: Chip(tone="warn", text=_("In review"), icon="clock"),
    AdminStatus.APPROVED: Chip(tone="ok", text=_("Approved")),
    AdminStatus.SUSPENDED: Chip(tone="bad", text=_("Suspended"), icon="pause"),
    AdminStatus.BANNED: Chip(tone="bad", text=_("Banned"), icon="lock"),
}
ON = Chip(tone="ok", text=_("On"), icon="power")
OFF = Chip(tone="idle", text=_("Off"), icon="power")

QUEUED, RUNNING, SUCCESS, FAILED = "QUEUED", "RUNNING", "SUCCESS", "FAILED"
SKIPPED, BLOCKED = "SKIPPED", "BLOCKED"
RUN: Mapping[str, Chip] = {
    QUEUED: Chip(tone="idle", text=_("Queued"), icon="clock"),
    RUNNING: Chip(tone="busy", text=_("Running")),
    SUCCESS: Chip(tone="ok", text=_("Success")),
    FAILED: Chip(tone="bad", text=_("Failed"), icon="x"),
    SKIPPED: Chip(tone="idle", text=_("Skipped"), icon="skip"),
    BLOCKED: Chip(tone="warn", text=_("Blocked"), icon="lock"),
}
