"""Runs as pages show them: what came of a slot, why, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.faces.portal import chips, plans
from tenantry.faces.portal.timeline import Entry
from tenantry.faces.portal.words import Chip
from tenantry.work.automation.models import Attempt, Evidence, EvidenceKind, Job
from tenantry.work.schedules.models import Slot
from tenantry.work.schedules.queries import Explained, explain
from tenantry.work.schedules.states import Origin, Outcome

_PICTURES = frozenset({EvidenceKind.SCREENSHOT.value, EvidenceKind.ARTICLE.value})
_NOTES = {"ok": "ok", "bad": "bad", "warn": "warn", "busy": "info"}
_DECIDED: dict[str, tuple[Text, str]] = {
    Outcome.DISPATCHED: (_("All gates were open: the post was queued"), "ok"),
    Outcome.SKIPPED: (_("Skipped"), ""),
    Outcome.BLOCKED: (_("Blocked"), "warn"),
    Outcome.HELD: (_("Held"), "warn"),
}


@dataclass(frozen=True)
class Run:
    """A slot with its schedule and, if there is one, its job."""

    slot: Slot
    zone: str = field(init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        """Keep the schedule's words at hand."""
        object.__setattr__(self, "zone", self.slot.schedule.zone)
        object.__setattr__(self, "name", self.slot.schedule.name)

    @cached_property
    def explained(self) -> Explained:
        """Return cause, remedy and gates in words."""
        return explain(self.slot)

    @property
    def chip(self) -> Chip:
        """Return the state as a chip."""
        return chips.RUN[self.slot.status]

    @property
    def note(self) -> str:
        """Return the colour of the summary."""
        return _NOTES.get(self.chip.tone, "")

    @property
    def remedy(self) -> str:
        """Return what the reader can do; nothing where all is well."""
        return "" if self.chip.tone == "ok" else self.explained.remedy

    @property
    def article_url(self) -> str:
        """Return where the post is, or nothing."""
        url = self.slot.job.article_url if self.slot.job else ""
        return url if url.startswith(("https://", "http://")) else ""

    @property
    def gates(self) -> list[plans.Gate]:
        """Return the four answers that decided it."""
        return plans.gates(self.explained.gates)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Evidence in three heaps: to look at, to fetch, and what was lost."""

    pictures: tuple[Evidence, ...]
    files: tuple[Evidence, ...]
    lost: tuple[Evidence, ...]


def shown(evidence: Sequence[Evidence]) -> Shown | None:
    """Sort evidence for the page; None where there is none."""
    if not evidence:
        return None
    kept = [piece for piece in evidence if piece.object_key]
    return Shown(
        pictures=tuple(piece for piece in kept if piece.kind in _PICTURES),
        files=tuple(piece for piece in kept if piece.kind not in _PICTURES),
        lost=tuple(piece for piece in evidence if not piece.object_key),
    )


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was read back from the published page itself."""

    title: str
    url: str
    matches: bool
    image_count: int

    @property
    def verdict(self) -> Text:
        """Return whether the page holds what was sent, in words."""
        return _("Matches what was sent") if self.matches else _("Differs from what was sent")


def proof_of(job: Job | None) -> Proof | None:
    """Return what was read back, or None where nothing was."""
    if job is None or "title" not in job.result:
        return None
    return Proof(
        title=str(job.result["title"]),
        url=job.article_url,
        matches=bool(job.result.get("matches")),
        image_count=int(job.result.get("image_count", 0)),
    )


def story_of(run: Run, attempts: Sequence[Attempt]) -> list[Entry]:
    """Return the way from the decision over the attempts to the end, in order."""
    slot, job = run.slot, run.slot.job
    by_hand = slot.origin == Origin.RUN_NOW
    decided, tone = _DECIDED[slot.outcome]
    story = [
        Entry(title=_("Asked for by hand") if by_hand else _("Due"), at=slot.nominal_at),
        Entry(title=decided, at=slot.decided_at, tone=tone),
    ]
    story += [entry for attempt in attempts for entry in _tried(attempt)]
    if job and job.submitted_at:
        story.append(Entry(title=_("Sent to the site"), at=job.submitted_at, tone="busy"))
    if job and job.ended_at:
        text = run.explained.message
        story.append(Entry(title=run.chip.text, at=job.ended_at, tone=run.chip.tone, text=text))
    return sorted(story, key=_moment)


def _moment(entry: Entry) -> datetime:
    return entry.at


def _tried(attempt: Attempt) -> list[Entry]:
    number = {"number": attempt.number}
    began = _("Attempt %(number)s began") % number
    story = [Entry(title=began, at=attempt.started_at, text=attempt.get_mode_display())]
    if attempt.ended_at and attempt.error:
        failed = _("Attempt %(number)s did not succeed") % number
        cause = attempt.error.cause
        story.append(Entry(title=failed, at=attempt.ended_at, text=cause, tone="bad"))
    return story
