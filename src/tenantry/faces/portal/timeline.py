"""What happened, as people read it: audit entries, job attempts, decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from tenantry.core.errors import Text
from tenantry.faces.portal import chips
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules.states import AdminStatus


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line: `tone` is ok, warn, bad, busy or nothing."""

    title: Text
    at: datetime
    text: Text = ""
    who: Text = ""
    tone: str = ""


def entries_of(log: Iterable[AuditEntry], *, actor: str) -> list[Entry]:
    """Return a timeline of audit entries as the given person reads it."""
    return [
        Entry(
            title=entry.label,
            text=_change(entry) or entry.reason,
            at=entry.at,
            who=who(entry.actor, reader=actor),
            tone=_tone(entry),
        )
        for entry in log
    ]


def who(actor: str, *, reader: str) -> str:
    """Say who did it, without names of other people."""
    if actor == reader:
        return _("you")
    kind = actor.partition(":")[0]
    return {"user": _("a colleague"), "operator": _("an operator")}.get(kind, "Tenantry")


def _change(entry: AuditEntry) -> str:
    target = _state(entry)
    if target in SessionState.values:
        return str(chips.SESSION[target].text)
    if target in AdminStatus.values:
        return " · ".join(filter(None, [str(chips.ADMIN[target].text), entry.reason]))
    return ""


def _tone(entry: AuditEntry) -> str:
    target = _state(entry)
    chip = chips.SESSION.get(target) or chips.ADMIN.get(target)
    if chip:
        return chip.tone
    return _TONES.get(entry.action, "")


def _state(entry: AuditEntry) -> str:
    return str(entry.facts.get("to", ""))


_TONES = {
    Action.SCHEDULES_SCHEDULE_ENABLED.value: "ok",
    Action.SCHEDULES_SCHEDULE_SUSPENDED.value: "bad",
    Action.SCHEDULES_SCHEDULE_BANNED.value: "bad",
}
