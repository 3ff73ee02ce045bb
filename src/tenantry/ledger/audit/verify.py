"""Verifying: every entry, leaf, checkpoint and stored object against each other.

What is trusted: the public key, and what only its holder can have signed. The leaf hashes in the
object store count where they make up a signed root; then each leaf and each entry must match them,
which names the very row that does not.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext as translate

from tenantry.core import db, tenancy
from tenantry.ledger.audit import checkpoint
from tenantry.ledger.audit.anchors import Anchor, read_anchors
from tenantry.ledger.audit.report import Fault, Finding, Report, conclude
from tenantry.ledger.audit.rows import Connection, LeafRow, read_leaves
from tenantry.ledger.audit.tree import Frontier

# A committed entry without a leaf is a fault after this long, seconds.
PATIENCE = 5.0
_WINDOW_LEAVES = 20_000
_WINDOW_CHECKPOINTS = 500
_MOST_FINDINGS = 100
_POLL_SECONDS = 0.1

_UNKNOWN_LEAVES = """
    SELECT leaf_no, entry_id FROM audit_leaf WHERE leaf_no IS NULL OR leaf_no < 0 OR leaf_no >=
        greatest(%s, (SELECT coalesce(max(tree_size), 0) FROM audit_checkpoint))
    ORDER BY leaf_no LIMIT 1
"""
_UNSEALED = """
    SELECT e.id FROM audit_auditentry e
    WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.entry_id = e.id) ORDER BY e.seq LIMIT 100
"""
_STILL_UNSEALED = """
    SELECT id FROM unnest(%s::uuid[]) AS wanted (id)
    WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.entry_id = wanted.id)
"""
_COUNTS = "SELECT (SELECT count(*) FROM audit_auditentry), (SELECT count(*) FROM audit_leaf)"


@dataclass(kw_only=True)
class _Walk:
    """How far the tree was rebuilt, and what was found on the way."""

    size: int = 0
    # None after a root that nothing makes up, until a signed frontier is met again.
    frontier: Frontier | None = field(default_factory=Frontier)
    checkpoints: int = 0
    pending: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(finding)


def verify(connection: Connection | None = None, *, patience: float = PATIENCE) -> Report:
    """Check the whole log; the report names every bad row, the first one first.

    A connection of one's own must be inside a READ COMMITTED transaction that sees all tenants; its
    search path may lead to copies of the tables. Takes about 5 us per entry, and up to `patience`
    seconds when an entry has no leaf. Refuses: `ObjectStoreUnavailable`.
    """
    if connection is None:
        with tenancy.platform("verify the audit log"):
            return verify(db.raw(), patience=patience)
    walk = _Walk()
    anchors = read_anchors(connection, keys=checkpoint.verifiers())
    for window in _windows(walk, anchors):
        _check_window(connection, walk, window)
    for leaf_no, entry_id in connection.execute(_UNKNOWN_LEAVES, [walk.size]).fetchall():
        walk.add(_about(Fault.LEAF_ADDED, leaf_no, entry_id))
    for entry_id in _never_sealed(connection, patience=patience):
        walk.add(_about(Fault.ENTRY_NOT_SEALED, None, entry_id))
    ((entries, leaves),) = connection.execute(_COUNTS).fetchall()
    return conclude(
        walk.findings,
        entries=int(str(entries)),
        leaves=int(str(leaves)),
        checkpoints=walk.checkpoints,
        pending=walk.pending,
    )


def _windows(walk: _Walk, anchors: Iterable[Anchor]) -> Iterator[list[Anchor]]:
    """Gather signed checkpoints until their leaves are worth a query; report what is wrong."""
    window: list[Anchor] = []
    for anchor in anchors:
        walk.checkpoints += 1
        walk.pending += anchor.is_pending
        for fault, detail in anchor.faults:
            walk.add(Finding(fault=fault.value, tree_size=anchor.size, detail=str(detail)))
        # What nobody signed covers nothing: its size may be as false as the rest.
        if anchor.root is not None:
            window.append(anchor)
        if window and (
            len(window) >= _WINDOW_CHECKPOINTS or anchor.size - walk.size >= _WINDOW_LEAVES
        ):
            yield window
            window = []
    if window:
        yield window


def _check_window(connection: Connection, walk: _Walk, window: Sequence[Anchor]) -> None:
    first, end = walk.size, window[-1].size
    rows = _dense(walk, read_leaves(connection, first=first, end=end), first=first, end=end)
    for anchor in window:
        covered = rows[walk.size - first : anchor.size - first]
        expected = _authentic(walk, anchor, [row.stored if row else None for row in covered])
        _compare(walk, covered, expected)
        walk.size = anchor.size


def _dense(walk: _Walk, rows: Iterator[LeafRow], *, first: int, end: int) -> list[LeafRow | None]:
    """Return the leaf of each number, None where there is none; a number used twice is a fault."""
    dense: list[LeafRow | None] = []
    for row in rows:
        place = row.leaf_no - first
        if place < len(dense):
            walk.add(_about(Fault.LEAF_ADDED, row.leaf_no, row.entry_id))
            continue
        if place > len(dense):
            dense.extend([None] * (place - len(dense)))
        dense.append(row)
    dense.extend([None] * (end - first - len(dense)))
    return dense


def _authentic(
    walk: _Walk, anchor: Anchor, stored: Sequence[bytes | None]
) -> Sequence[bytes | None]:
    """Return the leaf hashes that make up the signed root, and grow the tree by them.

    The object store's come first; the database's stand in for those it lacks.
    """
    choices = [stored]
    if anchor.hashes is not None:
        lacking = max(0, len(stored) - len(anchor.hashes))
        choices.insert(0, [*stored[:lacking], *anchor.hashes][-len(stored) :])
        if lacking:
            gap = anchor.size - len(anchor.hashes)
            walk.add(Finding(fault=Fault.CHECKPOINT_MISSING.value, tree_size=gap))
    for choice in choices:
        leaves = [leaf for leaf in choice if leaf is not None]
        if walk.frontier is None or len(leaves) != len(choice):
            continue
        grown = walk.frontier.extended(leaves)
        if grown.root() == anchor.root:
            walk.frontier = grown
            if choice is not choices[0]:
                detail = translate("its leaf hashes do not make up the signed root")
                walk.add(_about_checkpoint(Fault.OBJECT_CHANGED, anchor, detail))
            return choice
    if walk.frontier is not None:
        walk.add(_about_checkpoint(Fault.ROOT_CHANGED, anchor))
    walk.frontier = anchor.frontier
    return choices[0]


def _compare(walk: _Walk, rows: Sequence[LeafRow | None], expected: Sequence[bytes | None]) -> None:
    """Name every row that is not what was sealed in its place; of a run of lost ones the first."""
    was_lost = False
    for leaf_no, (row, leaf) in enumerate(zip(rows, expected, strict=True), start=walk.size):
        if row is None:
            if not was_lost:
                walk.add(_about(Fault.LEAF_MISSING, leaf_no, None))
        elif row.stored != leaf:
            walk.add(_about(Fault.LEAF_CHANGED, leaf_no, row.entry_id))
        elif row.computed is None:
            walk.add(_about(Fault.ENTRY_MISSING, leaf_no, row.entry_id))
        elif row.computed != leaf:
            walk.add(_about(Fault.ENTRY_CHANGED, leaf_no, row.entry_id))
        was_lost = row is None


def _never_sealed(connection: Connection, *, patience: float) -> list[object]:
    """Return the entries that were committed before now, and have no leaf after `patience`."""
    waiting: list[object] = [entry_id for (entry_id,) in connection.execute(_UNSEALED).fetchall()]
    deadline = time.monotonic() + patience
    while waiting and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        still = connection.execute(_STILL_UNSEALED, [waiting]).fetchall()
        waiting = [entry_id for (entry_id,) in still]
    return waiting


def _about(fault: Fault, leaf_no: object, entry_id: object) -> Finding:
    if isinstance(entry_id, bytes):
        entry_id = UUID(bytes=entry_id)
    return Finding(
        fault=fault.value,
        leaf_no=leaf_no if isinstance(leaf_no, int) else None,
        entry_id=entry_id if isinstance(entry_id, UUID) else None,
    )


def _about_checkpoint(fault: Fault, anchor: Anchor, detail: str = "") -> Finding:
    return Finding(fault=fault.value, tree_size=anchor.size, detail=detail)
