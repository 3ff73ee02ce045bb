"""What verification found, in words for people and programs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _


class Fault(TextChoices):
    """Everything that can be wrong with the log."""

    ENTRY_CHANGED = "entry_changed", _("The entry is not what was sealed.")
    ENTRY_MISSING = "entry_missing", _("The entry of this leaf is gone.")
    ENTRY_NOT_SEALED = "entry_not_sealed", _("The entry has no place in the tree.")
    LEAF_CHANGED = "leaf_changed", _("Another entry was sealed in this place.")
    LEAF_MISSING = "leaf_missing", _("The leaf of this number is gone.")
    LEAF_ADDED = "leaf_added", _("No signed checkpoint covers this leaf.")
    CHECKPOINT_MISSING = "checkpoint_missing", _("The database lacks this checkpoint.")
    CHECKPOINT_CHANGED = "checkpoint_changed", _("The database holds another checkpoint.")
    OBJECT_MISSING = "object_missing", _("The object store lacks this checkpoint.")
    OBJECT_CHANGED = "object_changed", _("The object store holds another checkpoint.")
    ROOT_CHANGED = "root_changed", _("The leaves do not make up the signed root.")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault and the row that has it: a leaf and its entry, or the checkpoint of a size."""

    fault: str
    leaf_no: int | None = None
    entry_id: UUID | None = None
    tree_size: int | None = None
    detail: str = ""

    def __str__(self) -> str:
        """Say what is wrong with which row."""
        return " ".join(
            [f"{self.fault}:", str(Fault(self.fault).label), *_named(self)]
            + ([f"({self.detail})"] if self.detail else [])
        )


def _named(finding: Finding) -> Iterator[str]:
    if finding.leaf_no is not None:
        yield translate("Leaf %(number)s.") % {"number": finding.leaf_no}
    if finding.entry_id is not None:
        yield translate("Entry %(entry)s.") % {"entry": finding.entry_id}
    if finding.tree_size is not None:
        yield translate("Checkpoint %(size)s.") % {"size": finding.tree_size}


@dataclass(frozen=True, kw_only=True)
class Report:
    """The verdict on the whole log, with what was counted and what was found, first row first.

    `exports_pending` counts checkpoints that the object store does not hold yet: no fault, but
    until then the database alone vouches for their leaves.
    """

    ok: bool
    entries: int
    leaves: int
    checkpoints: int
    exports_pending: int
    first_bad: Finding | None
    findings: Sequence[Finding]

    def __str__(self) -> str:
        """Say how it went, and name the first bad rows."""
        counted = translate(
            "%(entries)s entries, %(leaves)s leaves, %(checkpoints)s checkpoints,"
            " %(pending)s of them not yet in the object store."
        ) % {
            "entries": self.entries,
            "leaves": self.leaves,
            "checkpoints": self.checkpoints,
            "pending": self.exports_pending,
        }
        verdict = (
            translate("The audit log is whole.")
            if self.ok
            else translate("The audit log was tampered with, or damaged. The first bad row:")
        )
        return "\n".join([verdict, *map(str, self.findings), counted])


def conclude(
    findings: Sequence[Finding], *, entries: int, leaves: int, checkpoints: int, pending: int
) -> Report:
    """Put the findings in the order of the log; entries that never got a place come last."""
    ordered = sorted(findings, key=_position)
    return Report(
        ok=not ordered,
        entries=entries,
        leaves=leaves,
        checkpoints=checkpoints,
        exports_pending=pending,
        first_bad=ordered[0] if ordered else None,
        findings=ordered,
    )


def _position(finding: Finding) -> tuple[bool, float, bool]:
    if finding.leaf_no is not None:
        return (False, finding.leaf_no, False)
    # A checkpoint stands behind the last leaf it covers.
    size = finding.tree_size
    return (size is None, (size or 0) - 0.5, True)
