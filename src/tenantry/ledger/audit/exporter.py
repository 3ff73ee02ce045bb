"""Exporting: signed checkpoints and all leaf hashes leave the database, and are written once.

Whoever can rewrite the database, the signing key apart, cannot rewrite these unseen. No
transaction is open while the object store is written to.
"""

from uuid import UUID

from django.db import connection

from tenantry.core import objects
from tenantry.ledger.audit.checkpoint import object_key, pack_object
from tenantry.ledger.audit.errors import CheckpointConflict
from tenantry.ledger.audit.lease import LeaseLost

_EXPORTED = "SELECT exported FROM audit_sealerlease WHERE token = %s"
_NEXT = """
    SELECT tree_size, note FROM audit_checkpoint WHERE tree_size > %s ORDER BY tree_size LIMIT 1
"""
_HASHES = "SELECT hash FROM audit_leaf WHERE leaf_no >= %s AND leaf_no < %s ORDER BY leaf_no"
_DONE = "UPDATE audit_sealerlease SET exported = %s WHERE token = %s AND exported = %s"


def export_next(token: UUID) -> bool:
    """Write the oldest checkpoint that the object store lacks; False when it has them all.

    After a crash between writing and noting so, the same bytes are found there and count as
    written. Refuses: `LeaseLost`, `CheckpointConflict`, `ObjectStoreUnavailable`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_EXPORTED, [token])
        held = cursor.fetchone()
        if held is None:
            raise LeaseLost
        cursor.execute(_NEXT, held)
        found = cursor.fetchone()
        if found is None:
            return False
        tree_size, note = found
        cursor.execute(_HASHES, [held[0], tree_size])
        data = pack_object(note=note, hashes=[bytes(leaf) for (leaf,) in cursor.fetchall()])
    _write_once(object_key(tree_size), data)
    with connection.cursor() as cursor:
        cursor.execute(_DONE, [tree_size, token, held[0]])
        if not cursor.rowcount:
            raise LeaseLost
    return True


def _write_once(key: str, data: bytes) -> None:
    try:
        objects.put(key, data, create_only=True)
    except objects.ObjectExists as error:
        if objects.get(key) != data:
            raise CheckpointConflict(key=key) from error
