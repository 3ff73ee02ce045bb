"""Schedules as pages show them: four separate states, what hinders the next run, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.faces.portal import chips, words
from tenantry.faces.portal.words import Chip
from tenantry.work.schedules.explanations import Told
from tenantry.work.schedules.models import Schedule
from tenantry.work.schedules.queries import Standing
from tenantry.work.schedules.states import AdminStatus

WEEKDAYS: tuple[tuple[str, Text], ...] = (
    ("0", _("Mon")),
    ("1", _("Tue")),
    ("2", _("Wed")),
    ("3", _("Thu")),
    ("4", _("Fri")),
    ("5", _("Sat")),
    ("6", _("Sun")),
)
_HINDRANCES: Mapping[str, Text] = {
    "USER_DISABLED": _("turned off"),
    "ADMIN_NEEDS_REVIEW": _("approval required"),
    "ADMIN_STALE": _("approval required"),
    "ADMIN_SUSPENDED": _("suspended"),
    "ADMIN_BANNED": _("banned"),
    "SESSION_PENDING": _("signing in"),
    "SESSION_REMOVED": _("no account"),
}
_SIGN_IN: Text = _("sign-in required")
_LOCKED: Text = _("The switch is locked: it can be turned on once an operator has approved.")
# These stay closed until somebody does something about them; the others open by themselves.
_BAD = frozenset(
    {
        "ADMIN_SUSPENDED",
        "ADMIN_BANNED",
        "SESSION_EXPIRED",
        "SESSION_CHALLENGE",
        "SESSION_ERROR",
        "SESSION_REMOVED",
    }
)
# The limit of one day says nothing about a run on another.
_LIMIT = "limit"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One gate as a station of the way to a post."""

    told: Told
    since: str = ""

    @property
    def tone(self) -> str:
        """Return `open`, `closed`, or `closed soft` where it opens by waiting or by a click."""
        if self.told.open:
            return "open"
        return "closed" if self.told.code in _BAD else "closed soft"

    @property
    def needed(self) -> str:
        """Return what would open it, or keep it open."""
        return self.told.remedy if not self.told.open or self.told.warning else ""


def gates(told: Sequence[Told], since: Mapping[str, str] | None = None) -> list[Gate]:
    """Return answers as stations, in their order; `since` says in words when each last changed."""
    return [Gate(told=one, since=(since or {}).get(one.gate, "")) for one in told]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A schedule with its standing now and the name of what it posts."""

    standing: Standing
    content: str
    now: datetime
    schedule: Schedule = field(init=False)

    def __post_init__(self) -> None:
        """Keep the schedule at hand."""
        object.__setattr__(self, "schedule", self.standing.schedule)

    @property
    def account(self) -> str:
        """Return the account's name."""
        connection = self.schedule.connection
        return connection.label or connection.masked_account

    @property
    def user(self) -> Chip:
        """Return the customer's own switch."""
        return chips.ON if self.schedule.user_enabled else chips.OFF

    @property
    def admin(self) -> Chip:
        """Return the operator's word; an approval of other content counts as a review."""
        stale = any(told.code == "ADMIN_STALE" for told in self.standing.gates)
        return chips.ADMIN[AdminStatus.NEEDS_REVIEW if stale else self.schedule.admin_status]

    @property
    def session(self) -> Chip:
        """Return the state of the account's sign-in."""
        return chips.of_session(self.schedule.connection)

    @property
    def hindering(self) -> Told | None:
        """Return the first of the three conditions that does not hold, or None."""
        return next((t for t in self.standing.gates if not t.open and t.gate != _LIMIT), None)

    @property
    def hindrance(self) -> Text:
        """Return in two words why the next run will not post, or nothing."""
        closed = self.hindering
        return _HINDRANCES.get(closed.code, _SIGN_IN) if closed else ""

    @property
    def is_ready(self) -> bool:
        """Return whether the three conditions hold, whatever is left of today's limit."""
        return self.hindering is None

    @property
    def readiness(self) -> Chip:
        """Return one chip for lists: ready, or the condition that hinders it."""
        closed = self.hindering
        if closed is None:
            return chips.READY if self.standing.dispatched else chips.LIMITED
        return {"enabled": self.user, "admin": self.admin, "session": self.session}[closed.gate]

    @property
    def when(self) -> str:
        """Return the next planned time in words."""
        due = self.schedule.next_due_at
        return words.day_and_time(due, zone=self.schedule.zone, now=self.now) if due else ""

    @property
    def locked(self) -> Text:
        """Return why the switch cannot be turned on, or nothing."""
        return _LOCKED if self.schedule.is_locked and not self.schedule.user_enabled else ""

    @property
    def stopped(self) -> Told | None:
        """Return the operator's answer where it stopped the schedule, whatever else is closed."""
        if self.schedule.admin_status not in {AdminStatus.SUSPENDED, AdminStatus.BANNED}:
            return None
        return next(told for told in self.standing.gates if told.gate == "admin")

    @property
    def is_suspended(self) -> bool:
        """Return whether a new review can be asked for."""
        return self.schedule.admin_status == AdminStatus.SUSPENDED

    @property
    def tone(self) -> str:
        """Return how bad it is that a gate is closed."""
        closed = self.standing.closed
        return "bad" if closed and closed.code in _BAD else "warn"

    @property
    def days(self) -> list[tuple[Text, bool]]:
        """Return the seven days, each with whether the schedule runs on it."""
        return [(name, bool(self.schedule.weekdays >> int(key) & 1)) for key, name in WEEKDAYS]
