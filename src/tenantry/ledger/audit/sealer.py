"""Sealing: what was committed gets its place in the tree, and the tree's root gets signed.

One holder of the lease looks every 0.4 s for entries without a leaf. He never waits for open
transactions: their entries are found when they commit, however late, because each look goes back
to the transactions that the last one saw under way.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.db import DatabaseError, connection, connections
from django.utils.translation import gettext_lazy as _

from tenantry.core import db, tenancy
from tenantry.core.errors import DomainError
from tenantry.core.logs import get_logger
from tenantry.ledger.audit import checkpoint, exporter, lease
from tenantry.ledger.audit.errors import NoteRefused
from tenantry.ledger.audit.lease import LeaseLost
from tenantry.ledger.audit.rows import read_unsealed
from tenantry.ledger.audit.tree import Frontier

TICK_SECONDS = 0.4
BATCH = 200_000
# More leaves than this get several checkpoints, so that no stored object grows without bounds.
CHECKPOINT_LEAVES = 20_000
_LONGEST_PAUSE_SECONDS = 5.0
_FORESEEN = (DomainError, DatabaseError, psycopg.Error)
_log = get_logger(__name__)

# The snapshot is older than the one of the look that follows, so that look shows all it shows.
_LOOK = "SELECT pg_current_snapshot()::text, sealed::text FROM audit_sealerlease WHERE token = %s"
# Locks the row: from here until the commit nobody else can take over.
_COVER = """
    UPDATE audit_sealerlease SET sealed = coalesce(%(sealed)s::pg_snapshot, sealed),
        until = clock_timestamp() + make_interval(secs => %(seconds)s)
    WHERE token = %(token)s
"""
_LAST = """
    SELECT tree_size, frontier, note FROM audit_checkpoint ORDER BY tree_size DESC LIMIT 1
"""
_COPY_LEAVES = "COPY audit_leaf (leaf_no, entry_id, hash) FROM STDIN"
_STORE = "INSERT INTO audit_checkpoint (tree_size, root, frontier, note) VALUES (%s, %s, %s, %s)"


@dataclass(kw_only=True)
class _Shift:
    """What the two threads of one sealer share."""

    holder: str
    stop: threading.Event
    token: UUID | None = None


def run_sealer(*, stop: threading.Event, holder: str) -> None:
    """Seal and export until `stop` is set; any number may run, one of them works.

    A database that is away, a store that is full and a log that was tampered with are logged and
    tried again; nothing ends the loop but `stop`.
    """
    shift = _Shift(holder=holder, stop=stop)
    exporting = threading.Thread(
        target=_repeat, args=(shift, _export), name="audit-export", daemon=True
    )
    exporting.start()
    try:
        _repeat(shift, _seal)
    finally:
        exporting.join()


def seal_now(*, holder: str) -> bool:
    """Seal and export what waits, if nobody else is at it; return whether it was done.

    For a moment when no scheduler runs: what a verifier finds unsealed then was not hidden, only
    not sealed yet.
    """
    token = lease.take(holder)
    if token is None:
        return False
    try:
        while seal_batch(token) == BATCH:
            pass
        while exporter.export_next(token):
            pass
    finally:
        lease.release(token)
    return True


def seal_batch(token: UUID, *, limit: int = BATCH, leaves: int = CHECKPOINT_LEAVES) -> int:
    """Seal what is committed and has no leaf yet, at most `limit`, and return how many that were.

    One transaction: leaves, a checkpoint for each `leaves` of them, and how far was looked.
    Refuses: `LeaseLost` when somebody else took over, `NoteRefused` when the last checkpoint is
    not one of ours.
    """
    with tenancy.platform("seal the audit log"), connection.cursor() as cursor:
        cursor.execute(_LOOK, [token])
        found = cursor.fetchone()
        if found is None:
            raise LeaseLost
        now_visible, sealed = found
        batch = read_unsealed(db.raw(), snapshot=sealed, limit=limit)
        if not batch and sealed is not None:
            lease.renew(token)
            return 0
        # A full batch may have left some: the next look must begin where this one did.
        covered = now_visible if len(batch) < limit else None
        cursor.execute(_COVER, {"token": token, "sealed": covered, "seconds": lease.SECONDS})
        if not cursor.rowcount:
            raise LeaseLost
        if batch:
            frontier = _last_frontier()
            _store_leaves(batch, first=frontier.size)
            for begin in range(0, len(batch), leaves):
                frontier = frontier.extended(leaf for _, leaf in batch[begin : begin + leaves])
                _store_checkpoint(frontier)
    return len(batch)


def _store_leaves(batch: Sequence[tuple[bytes, bytes]], *, first: int) -> None:
    with db.raw().cursor().copy(_COPY_LEAVES) as rows:
        for leaf_no, (entry_id, leaf) in enumerate(batch, start=first):
            rows.write_row((leaf_no, entry_id.hex(), leaf))


def _store_checkpoint(frontier: Frontier) -> None:
    root = frontier.root()
    note = checkpoint.signer().sign(size=frontier.size, root=root)
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [frontier.size, root, frontier.packed(), note])


def _last_frontier() -> Frontier:
    """Return where the tree grows on. What is not signed by us is not grown, nor signed again."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        last = cursor.fetchone()
    if last is None:
        return Frontier()
    size, nodes, note = last
    signed = checkpoint.open_checkpoint(note, verifiers=checkpoint.verifiers())
    try:
        frontier = Frontier.unpacked(size=size, nodes=bytes(nodes))
    except ValueError as error:
        raise NoteRefused(cause=_("the stored frontier is damaged")) from error
    if (signed.size, signed.root) != (size, frontier.root()):
        raise NoteRefused(cause=_("the stored frontier is not the signed one"))
    return frontier


def _seal(shift: _Shift) -> None:
    if shift.token is None:
        shift.token = lease.take(shift.holder)
        if shift.token is None:
            return
        _log.info("audit_sealer_took_over", holder=shift.holder)
    try:
        while seal_batch(shift.token) == BATCH and not shift.stop.is_set():
            pass
    except LeaseLost:
        _log.warning("audit_sealer_lost_its_lease", holder=shift.holder)
        shift.token = None


def _export(shift: _Shift) -> None:
    if shift.token is None:
        return
    try:
        while exporter.export_next(shift.token) and not shift.stop.is_set():
            pass
    except LeaseLost:
        # The other thread notices by itself.
        return


def _repeat(shift: _Shift, work: Callable[[_Shift], None]) -> None:
    trouble, pause = "", TICK_SECONDS
    try:
        while not shift.stop.is_set():
            try:
                work(shift)
            except Exception as error:  # noqa: BLE001  # the log must go on, whatever it was
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                connections.close_all()
                if trouble != str(error):
                    trouble = str(error)
                    unforeseen = not isinstance(error, _FORESEEN)
                    _log.warning("audit_sealer_hindered", reason=trouble, exc_info=unforeseen)
            else:
                if trouble:
                    _log.info("audit_sealer_recovered", reason=trouble)
                trouble, pause = "", TICK_SECONDS
            shift.stop.wait(pause)
        if work is _seal and shift.token:
            lease.release(shift.token)
    finally:
        connections.close_all()
