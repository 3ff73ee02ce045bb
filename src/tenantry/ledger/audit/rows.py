"""Reading entries the way they are hashed, for the sealer and the verifier alike."""

from collections.abc import Generator
from hashlib import sha256
from typing import LiteralString, NamedTuple, TypeAlias

import psycopg
from psycopg import pq, sql

from tenantry.ledger.audit.canonical import CANONICAL_COLUMNS, LEAF_START

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]

_COLUMNS = sql.SQL(CANONICAL_COLUMNS)
_COPY = sql.SQL("COPY ({query}) TO STDOUT (FORMAT binary)")
# Signature, flags and the length of no extension; in front of the first row.
_HEADER_BYTES = 19
_TRAILER = b"\xff\xff"
# The length of a column that holds nothing.
_NONE = b"\xff\xff\xff\xff"

_EVERY_UNSEALED: LiteralString = """
    FROM audit_auditentry e
    WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.entry_id = e.id)
"""
# What a snapshot did not show: transactions begun later, and those that were under way. The
# look-up of leaves is pinned to one probe per row by OFFSET, as both tables may be very large.
_UNSEALED_SINCE: LiteralString = """
    FROM audit_auditentry e
    WHERE (e.xid >= {first_unseen}::xid8 OR e.xid = ANY({under_way}::xid8[]))
    AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.entry_id = e.id OFFSET 0)
"""
_LEAVES: LiteralString = """
    SELECT l.leaf_no, coalesce(l.entry_id, '00000000-0000-0000-0000-000000000000'),
        coalesce(l.hash, ''), {columns}
    FROM audit_leaf l LEFT JOIN audit_auditentry e ON e.id = l.entry_id
    WHERE l.leaf_no >= {first} AND l.leaf_no < {end} ORDER BY l.leaf_no
"""


class LeafRow(NamedTuple):
    """One leaf as stored, and the hash its entry has now; None where the entry is gone."""

    leaf_no: int
    entry_id: bytes
    stored: bytes
    computed: bytes | None


def unsealed(snapshot: str | None) -> sql.Composable:
    """Return FROM and WHERE for the entries `e` without a leaf.

    With the snapshot up to which all are known to have one, only what it did not show is looked
    at: that finds late commits of old transactions, and costs nothing while they run.
    """
    if snapshot is None:
        return sql.SQL(_EVERY_UNSEALED)
    _oldest, first_unseen, under_way = snapshot.split(":")
    return sql.SQL(_UNSEALED_SINCE).format(
        first_unseen=sql.Literal(first_unseen), under_way=sql.Literal(f"{{{under_way}}}")
    )


def read_unsealed(
    connection: Connection, *, snapshot: str | None, limit: int
) -> list[tuple[bytes, bytes]]:
    """Return id and leaf hash of entries without a leaf, in the order of their arrival."""
    query = sql.SQL("SELECT {columns} {unsealed} ORDER BY e.seq LIMIT {limit}").format(
        columns=_COLUMNS, unsealed=unsealed(snapshot), limit=sql.Literal(limit)
    )
    return [
        # 16 bits count the columns; then the canonical form, which begins with the id's length.
        (row[6:22], sha256(LEAF_START + row[2:]).digest())
        for row in _copied(connection, query)
    ]


def read_leaves(connection: Connection, *, first: int, end: int) -> Generator[LeafRow]:
    """Yield the leaves of a range of numbers, whatever the tables really hold there."""
    query = sql.SQL(_LEAVES).format(
        columns=_COLUMNS, first=sql.Literal(first), end=sql.Literal(end)
    )
    for row in _copied(connection, query):
        # Each column is preceded by its length: number (8), entry (16), hash (32 if it is whole).
        start = 38 + int.from_bytes(row[34:38])
        is_gone = row[start : start + 4] == _NONE
        yield LeafRow(
            int.from_bytes(row[6:14], signed=True),
            row[18:34],
            row[38:start],
            None if is_gone else sha256(LEAF_START + row[start:]).digest(),
        )


def _copied(connection: Connection, query: sql.Composable) -> Generator[bytes]:
    """Yield the rows of a query in COPY's binary format.

    Straight from libpq: psycopg's own loop would cost twice what hashing a row does.
    """
    # Text travels in the client's encoding, and is hashed as UTF-8.
    connection.execute("SET LOCAL client_encoding = 'UTF8'")
    statement = _COPY.format(query=query).as_bytes(connection)
    wire = connection.pgconn
    begun = wire.exec_(statement)
    if begun.status != pq.ExecStatus.COPY_OUT:
        raise psycopg.errors.error_from_result(begun)
    receive = wire.get_copy_data
    size, data = receive(0)
    row = bytes(data[_HEADER_BYTES:])
    try:
        while size > 0:
            if row and row != _TRAILER:
                yield row
            size, data = receive(0)
            row = bytes(data)
    finally:
        # The connection is of use again only when nothing is left on the wire.
        while size > 0:
            size, data = receive(0)
        while ended := wire.get_result():
            if ended.status != pq.ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(ended)
