"""The checkpoints as the database and the object store hold them, and what they prove."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from tenantry.core import objects
from tenantry.core.errors import Text
from tenantry.ledger.audit.checkpoint import (
    PREFIX,
    Signed,
    Verifier,
    object_key,
    open_checkpoint,
    unpack_object,
)
from tenantry.ledger.audit.errors import NoteRefused
from tenantry.ledger.audit.report import Fault
from tenantry.ledger.audit.rows import Connection
from tenantry.ledger.audit.tree import Frontier

# Objects read at the same time, and before they are looked at.
_READERS = 8
_PAGE = 64
_SIZES = "SELECT tree_size FROM audit_checkpoint WHERE tree_size > 0"
_EXPORTED = "SELECT coalesce(max(exported), 0) FROM audit_sealerlease"
_ROWS = """
    SELECT tree_size, root, frontier, note FROM audit_checkpoint WHERE tree_size = ANY(%s)
"""


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """One checkpoint: the root that was signed for a size, None where nothing valid says so.

    `hashes` are the leaf hashes of its batch, as the object store keeps them; `frontier` is the
    database's, where it makes up the signed root.
    """

    size: int
    root: bytes | None
    hashes: Sequence[bytes] | None
    frontier: Frontier | None
    is_pending: bool
    faults: Sequence[tuple[Fault, Text]]


@dataclass(frozen=True, kw_only=True)
class _Row:
    size: int
    root: bytes
    frontier: bytes
    note: str


@dataclass(kw_only=True)
class _Evidence:
    """What one place holds of a checkpoint, opened as far as it can be."""

    note: str = ""
    signed: Signed | None = None
    hashes: Sequence[bytes] | None = None
    faults: list[tuple[Fault, Text]] = field(default_factory=list)


def read_anchors(connection: Connection, *, keys: Sequence[Verifier]) -> Iterator[Anchor]:
    """Yield all checkpoints that either place knows of, by size."""
    # In this order: what the store holds already, the database has had before.
    held = {int(name) for name in _held_names() if name.isdecimal()}
    sizes = sorted(held | {int(str(size)) for (size,) in connection.execute(_SIZES).fetchall()})
    with ThreadPoolExecutor(_READERS, thread_name_prefix="audit-anchors") as readers:
        for at in range(0, len(sizes), _PAGE):
            page = sizes[at : at + _PAGE]
            rows = {row.size: row for row in _read_rows(connection, page)}
            (exported,) = connection.execute(_EXPORTED).fetchall()[0]
            must_be_held = max(max(held, default=0), int(str(exported)))
            for size, data in zip(page, readers.map(_fetched, page), strict=True):
                may_lag = size > must_be_held
                yield _judged(size, rows.get(size), data, keys=keys, may_lag=may_lag)


def _held_names() -> Iterator[str]:
    return (key.removeprefix(PREFIX) for key in objects.keys(PREFIX))


def _read_rows(connection: Connection, sizes: Sequence[int]) -> Iterator[_Row]:
    for size, root, frontier, note in connection.execute(_ROWS, [list(sizes)]).fetchall():
        yield _Row(
            size=int(str(size)), root=_bytes(root), frontier=_bytes(frontier), note=str(note)
        )


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _judged(
    size: int, row: _Row | None, data: bytes | None, *, keys: Sequence[Verifier], may_lag: bool
) -> Anchor:
    kept = _from_store(size, data, keys) if data is not None else _Evidence()
    stored = _from_database(size, row, keys, opened=kept)
    faults = stored.faults + kept.faults
    if data is None and not may_lag:
        faults.append((Fault.OBJECT_MISSING, ""))
    if stored.signed and kept.signed and stored.note != kept.note:
        faults.append((Fault.CHECKPOINT_CHANGED, _("both are signed, but differ")))
    signed = kept.signed or stored.signed
    frontier = None
    if row and signed:
        frontier = _frontier_of(row, signed)
        if stored.signed and (row.root != signed.root or frontier is None):
            faults.append((Fault.CHECKPOINT_CHANGED, _("root or frontier is not the signed one")))
    return Anchor(
        size=size,
        root=signed.root if signed else None,
        hashes=kept.hashes,
        frontier=frontier,
        is_pending=data is None and may_lag,
        faults=faults,
    )


def _from_database(
    size: int, row: _Row | None, keys: Sequence[Verifier], *, opened: _Evidence
) -> _Evidence:
    evidence = _Evidence(note=row.note if row else "")
    try:
        if row is None:
            evidence.faults.append((Fault.CHECKPOINT_MISSING, ""))
        elif opened.signed and row.note == opened.note:
            # The usual case; verifying a signature costs more than all else here.
            evidence.signed = opened.signed
        else:
            evidence.signed = _opened(row.note, size, keys)
    except NoteRefused as refusal:
        evidence.faults.append((Fault.CHECKPOINT_CHANGED, str(refusal.facts["cause"])))
    return evidence


def _from_store(size: int, data: bytes, keys: Sequence[Verifier]) -> _Evidence:
    evidence = _Evidence()
    try:
        evidence.note, evidence.hashes = unpack_object(data)
        evidence.signed = _opened(evidence.note, size, keys)
    except NoteRefused as refusal:
        evidence.faults.append((Fault.OBJECT_CHANGED, str(refusal.facts["cause"])))
    return evidence


def _opened(note: str, size: int, keys: Sequence[Verifier]) -> Signed:
    signed = open_checkpoint(note, verifiers=keys)
    if signed.size != size:
        raise NoteRefused(cause=_("it was signed for another size"))
    return signed


def _fetched(size: int) -> bytes | None:
    try:
        return objects.get(object_key(size))
    except objects.ObjectMissing:
        return None


def _frontier_of(row: _Row, signed: Signed) -> Frontier | None:
    try:
        frontier = Frontier.unpacked(size=row.size, nodes=row.frontier)
    except ValueError:
        return None
    return frontier if frontier.root() == signed.root else None
