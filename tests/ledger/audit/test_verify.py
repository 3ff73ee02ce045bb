"""Every way of tampering is found, and the row that has it is named first."""

import base64
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from tenantry.core import db, objects, tenancy
from tenantry.ledger.audit import checkpoint
from tenantry.ledger.audit.checkpoint import Signer, object_key, pack_object
from tenantry.ledger.audit.report import Fault, Report
from tenantry.ledger.audit.rows import Connection, read_leaves
from tenantry.ledger.audit.tree import Frontier
from tenantry.ledger.audit.verify import verify
from tests import emptying
from tests.ledger.audit import support

BATCHES = 4
PER_BATCH = 10
SIZE = BATCHES * PER_BATCH
INTRUDER = Signer(name="tenantry.local/audit", seed=b"I" * 32)
NOBODY = UUID("00000000-0000-4000-8000-000000000000")


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of the sealed log without any constraint, and the real object store."""

    connection: Connection
    store: Path
    ids: list[UUID]

    def run(self, statement: str, *values: object) -> None:
        self.connection.execute(statement.encode(), values)

    def file(self, size: int) -> Path:
        return self.store / object_key(size)

    def note(self, size: int) -> str:
        (found,) = self.connection.execute(
            "SELECT note FROM audit_checkpoint WHERE tree_size = %s", [size]
        ).fetchall()
        return str(found[0])


@pytest.fixture(scope="module")
def sealed(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[list[UUID], Path]]:
    """Four batches of ten entries, sealed and exported; the ids in the order of their leaves."""
    store = tmp_path_factory.mktemp("store")
    with django_db_blocker.unblock(), override_settings(OBJECT_STORE_URL=f"file://{store}"):
        for _ in range(BATCHES):
            support.write(PER_BATCH, reason="as agreed")
            support.seal()
        yield support.sealed_ids(), store
        emptying.empty_log()


@pytest.fixture
def log(sealed: tuple[list[UUID], Path], store: Path, db: None) -> list[UUID]:
    """The sealed log, with an object store that may be tampered with."""
    ids, folder = sealed
    shutil.copytree(folder, store)
    return ids


def verified(ids: list[UUID], store: Path, tamper: Callable[[Copy], None]) -> Report:
    with transaction.atomic(), tenancy.platform("test"):
        copy = Copy(connection=db.raw(), store=store, ids=ids)
        for table in emptying.LOG:
            copy.run(f"CREATE TEMP TABLE {table} ON COMMIT DROP AS SELECT * FROM public.{table}")
        tamper(copy)
        report = verify(copy.connection, patience=0)
        for table in emptying.LOG:
            copy.run(f"DROP TABLE pg_temp.{table}")
    return report


def test_untouched_log_is_whole(log: list[UUID], store: Path) -> None:
    for report in (verify(), verified(log, store, lambda _copy: None)):
        assert report.ok
        assert (report.entries, report.leaves, report.checkpoints) == (SIZE, SIZE, BATCHES)
        assert (report.first_bad, report.findings, report.exports_pending) == (None, [], 0)
        assert str(report).startswith("The audit log is whole.\n40 entries, 40 leaves, 4 ch")


def sealed_field(column: str, value: str) -> Callable[[Copy], None]:
    def tamper(copy: Copy) -> None:
        copy.run(f"UPDATE audit_auditentry SET {column} = {value} WHERE id = %s", copy.ids[17])

    return tamper


FIELDS = {
    "tenant_id": "gen_random_uuid()",
    "tenant_id_none": "NULL",
    "at": "at + interval '1 microsecond'",
    "actor": "'operator:1'",
    "action": "'automation.job.queued'",
    "target_kind": "'jobs'",
    "target_id": "'other'",
    "reason": "'as agreed '",
    "reason_gone": "''",
    "trace_id": "upper(trace_id)",
    "body": """replace(body, 'RUNNING', 'FAILED')""",
    "body_spaced": """body || ' '""",
    "salt": "uuid_send(gen_random_uuid())",
}


@pytest.mark.parametrize("name", FIELDS)
def test_edited_field_is_named(log: list[UUID], store: Path, name: str) -> None:
    column = name.removesuffix("_none").removesuffix("_gone").removesuffix("_spaced")
    report = verified(log, store, sealed_field(column, FIELDS[name]))
    assert [(finding.fault, finding.leaf_no, finding.entry_id) for finding in report.findings] == [
        (Fault.ENTRY_CHANGED, 17, log[17])
    ]
    assert not report.ok
    assert f"Leaf 17. Entry {log[17]}." in str(report)


def changed_id(copy: Copy) -> None:
    copy.run("UPDATE audit_auditentry SET id = %s WHERE id = %s", NOBODY, copy.ids[17])


def shifted_text(copy: Copy) -> None:
    copy.run(
        "UPDATE audit_auditentry SET actor = actor || left(action, 1),"
        " action = substr(action, 2) WHERE id = %s",
        copy.ids[17],
    )


def swap(column: str) -> Callable[[Copy], None]:
    def tamper(copy: Copy) -> None:
        copy.run(
            f"UPDATE audit_auditentry a SET {column} = b.{column} FROM audit_auditentry b"
            " WHERE (a.id, b.id) IN ((%s, %s), (%s, %s))",
            *(copy.ids[5], copy.ids[26], copy.ids[26], copy.ids[5]),
        )

    return tamper


def swapped_ids(copy: Copy) -> None:
    copy.run(
        "UPDATE audit_auditentry SET id = CASE id WHEN %s THEN %s ELSE %s END WHERE id IN (%s, %s)",
        *(copy.ids[5], copy.ids[25], copy.ids[5], copy.ids[5], copy.ids[25]),
    )


def deleted_entry(copy: Copy) -> None:
    copy.run("DELETE FROM audit_auditentry WHERE id = %s", copy.ids[17])


def deleted_leaf(copy: Copy) -> None:
    copy.run("DELETE FROM audit_leaf WHERE leaf_no = 17")


def deleted_both(copy: Copy) -> None:
    deleted_entry(copy)
    deleted_leaf(copy)


def deleted_and_renumbered(copy: Copy) -> None:
    deleted_both(copy)
    copy.run("UPDATE audit_leaf SET leaf_no = leaf_no - 1 WHERE leaf_no > 17")


def deleted_first(copy: Copy) -> None:
    copy.run("DELETE FROM audit_auditentry WHERE id = %s", copy.ids[0])
    copy.run("DELETE FROM audit_leaf WHERE leaf_no = 0")


def insert_entry(copy: Copy) -> None:
    copy.run(
        "INSERT INTO audit_auditentry SELECT %s, seq, xid, tenant_id, at, actor, action,"
        " target_kind, target_id, reason, trace_id, body, salt FROM audit_auditentry WHERE id = %s",
        *(NOBODY, copy.ids[17]),
    )


def insert_leaf(copy: Copy, leaf_no: int | None) -> None:
    copy.run("INSERT INTO audit_leaf VALUES (%s, %s, %s)", leaf_no, NOBODY, b"\0" * 32)
    (row,) = read_leaves(copy.connection, first=leaf_no or 0, end=(leaf_no or 0) + 1)
    copy.run("UPDATE audit_leaf SET hash = %s WHERE leaf_no = %s", row.computed, leaf_no)


def inserted_with_leaf(copy: Copy) -> None:
    insert_entry(copy)
    insert_leaf(copy, SIZE)


def inserted_with_leaf_in_the_middle(copy: Copy) -> None:
    insert_entry(copy)
    copy.run("UPDATE audit_leaf SET leaf_no = leaf_no + 1 WHERE leaf_no >= 17")
    insert_leaf(copy, 17)


def inserted_with_leaf_before_all(copy: Copy) -> None:
    insert_entry(copy)
    copy.run("INSERT INTO audit_leaf VALUES (-1, %s, %s)", NOBODY, b"\0" * 32)


def inserted_with_leaf_of_no_number(copy: Copy) -> None:
    insert_entry(copy)
    copy.run("INSERT INTO audit_leaf VALUES (NULL, %s, %s)", NOBODY, b"\0" * 32)


def leaf_hash(value: str) -> Callable[[Copy], None]:
    def tamper(copy: Copy) -> None:
        copy.run(f"UPDATE audit_leaf SET hash = {value} WHERE leaf_no = 17")

    return tamper


def repointed_leaf(copy: Copy) -> None:
    copy.run("UPDATE audit_leaf SET entry_id = %s WHERE leaf_no = 17", copy.ids[18])


def leaf_of_nobody(copy: Copy) -> None:
    copy.run("UPDATE audit_leaf SET entry_id = NULL WHERE leaf_no = 17")


def reordered_leaves(copy: Copy) -> None:
    copy.run("UPDATE audit_leaf SET leaf_no = 42 - leaf_no WHERE leaf_no IN (17, 25)")


def duplicated_leaf(copy: Copy) -> None:
    copy.run("INSERT INTO audit_leaf SELECT * FROM audit_leaf WHERE leaf_no = 17")


def duplicated_leaf_at_the_end(copy: Copy) -> None:
    copy.run("INSERT INTO audit_leaf SELECT 40, entry_id, hash FROM audit_leaf WHERE leaf_no = 17")


def duplicated_entry(copy: Copy) -> None:
    copy.run(
        "INSERT INTO audit_auditentry SELECT * FROM audit_auditentry WHERE id = %s", copy.ids[17]
    )


def rehash_leaf(copy: Copy, leaf_no: int) -> None:
    (row,) = read_leaves(copy.connection, first=leaf_no, end=leaf_no + 1)
    copy.run("UPDATE audit_leaf SET hash = %s WHERE leaf_no = %s", row.computed, leaf_no)


def rewritten_and_rehashed(copy: Copy) -> None:
    sealed_field("reason", "'forged'")(copy)
    rehash_leaf(copy, 17)


def resign(copy: Copy, signer: Signer, *, in_store: bool) -> None:
    """Make tree and checkpoints fit the leaves as they are now."""
    frontier = Frontier()
    for size in range(PER_BATCH, SIZE + 1, PER_BATCH):
        leaves = [row.stored for row in read_leaves(copy.connection, first=frontier.size, end=size)]
        frontier = frontier.extended(leaves)
        root = frontier.root()
        if f"\n{base64.b64encode(root).decode()}\n" in copy.note(size):
            continue
        note = signer.sign(size=size, root=root)
        copy.run(
            "UPDATE audit_checkpoint SET root = %s, frontier = %s, note = %s WHERE tree_size = %s",
            *(root, frontier.packed(), note, size),
        )
        if in_store:
            copy.file(size).write_bytes(pack_object(note=note, hashes=leaves))


def rewritten_everything(copy: Copy) -> None:
    rewritten_and_rehashed(copy)
    resign(copy, INTRUDER, in_store=False)


def rewritten_everything_with_the_key(copy: Copy) -> None:
    rewritten_and_rehashed(copy)
    resign(copy, checkpoint.signer(), in_store=False)


def rewritten_store_as_well(copy: Copy) -> None:
    rewritten_and_rehashed(copy)
    resign(copy, INTRUDER, in_store=True)


def truncated_leaves(copy: Copy) -> None:
    copy.run("DELETE FROM audit_leaf WHERE leaf_no >= 33")
    copy.run("DELETE FROM audit_auditentry WHERE id = ANY(%s)", copy.ids[33:])


def truncated_with_checkpoint(copy: Copy) -> None:
    truncated_leaves(copy)
    copy.run("DELETE FROM audit_checkpoint WHERE tree_size > 30")


def truncated_everything(copy: Copy) -> None:
    for table in emptying.LOG:
        copy.run(f"DELETE FROM {table}")


MUTATIONS: dict[str, tuple[Callable[[Copy], None], Fault, int | None]] = {
    "changed id": (changed_id, Fault.ENTRY_MISSING, 17),
    "text moved to the next field": (shifted_text, Fault.ENTRY_CHANGED, 17),
    "swapped tenants": (swap("tenant_id"), Fault.ENTRY_CHANGED, 5),
    "swapped bodies": (swap("body"), Fault.ENTRY_CHANGED, 5),
    "swapped ids": (swapped_ids, Fault.ENTRY_CHANGED, 5),
    "deleted entry": (deleted_entry, Fault.ENTRY_MISSING, 17),
    "deleted leaf": (deleted_leaf, Fault.LEAF_MISSING, 17),
    "deleted entry and leaf": (deleted_both, Fault.LEAF_MISSING, 17),
    "deleted and renumbered": (deleted_and_renumbered, Fault.LEAF_CHANGED, 17),
    "deleted first": (deleted_first, Fault.LEAF_MISSING, 0),
    "inserted entry": (insert_entry, Fault.ENTRY_NOT_SEALED, None),
    "inserted with leaf": (inserted_with_leaf, Fault.LEAF_ADDED, SIZE),
    "inserted in the middle": (inserted_with_leaf_in_the_middle, Fault.LEAF_CHANGED, 17),
    "inserted before all": (inserted_with_leaf_before_all, Fault.LEAF_ADDED, -1),
    "inserted without number": (inserted_with_leaf_of_no_number, Fault.LEAF_ADDED, None),
    "leaf hash edited": (leaf_hash("sha256(hash)"), Fault.LEAF_CHANGED, 17),
    "leaf hash cut": (leaf_hash("substr(hash, 1, 31)"), Fault.LEAF_CHANGED, 17),
    "leaf hash gone": (leaf_hash("NULL"), Fault.LEAF_CHANGED, 17),
    "leaf repointed": (repointed_leaf, Fault.ENTRY_CHANGED, 17),
    "leaf of nobody": (leaf_of_nobody, Fault.ENTRY_MISSING, 17),
    "reordered leaves": (reordered_leaves, Fault.LEAF_CHANGED, 17),
    "duplicated leaf": (duplicated_leaf, Fault.LEAF_ADDED, 17),
    "duplicated leaf at the end": (duplicated_leaf_at_the_end, Fault.LEAF_ADDED, SIZE),
    "duplicated entry": (duplicated_entry, Fault.LEAF_ADDED, 17),
    "rewritten and rehashed": (rewritten_and_rehashed, Fault.LEAF_CHANGED, 17),
    "rewritten everything": (rewritten_everything, Fault.LEAF_CHANGED, 17),
    "rewritten with our key": (rewritten_everything_with_the_key, Fault.LEAF_CHANGED, 17),
    "truncated leaves": (truncated_leaves, Fault.LEAF_MISSING, 33),
    "truncated with checkpoint": (truncated_with_checkpoint, Fault.LEAF_MISSING, 33),
    "truncated everything": (truncated_everything, Fault.LEAF_MISSING, 0),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_first_bad_row_is_named(log: list[UUID], store: Path, name: str) -> None:
    tamper, fault, leaf_no = MUTATIONS[name]
    report = verified(log, store, tamper)
    assert report.first_bad is not None
    assert (report.first_bad.fault, report.first_bad.leaf_no) == (fault, leaf_no), str(report)
    assert not report.ok


@pytest.mark.parametrize(
    ("tamper", "entry"),
    [
        (changed_id, 17),
        (swap("tenant_id"), 5),
        (deleted_entry, 17),
        (deleted_and_renumbered, 18),
        (leaf_hash("NULL"), 17),
        (repointed_leaf, 18),
        (reordered_leaves, 25),
        (duplicated_leaf, 17),
        (rewritten_everything_with_the_key, 17),
    ],
)
def test_entry_is_named_with_its_leaf(
    log: list[UUID], store: Path, tamper: Callable[[Copy], None], entry: int
) -> None:
    report = verified(log, store, tamper)
    assert report.first_bad
    assert report.first_bad.entry_id == log[entry]


@pytest.mark.parametrize(
    "tamper", [insert_entry, inserted_with_leaf, inserted_with_leaf_of_no_number]
)
def test_inserted_entry_is_named(
    log: list[UUID], store: Path, tamper: Callable[[Copy], None]
) -> None:
    report = verified(log, store, tamper)
    assert report.first_bad
    assert report.first_bad.entry_id == NOBODY


def database_note(size: int, change: Callable[[str], str]) -> Callable[[Copy], None]:
    def tamper(copy: Copy) -> None:
        copy.run(
            "UPDATE audit_checkpoint SET note = %s WHERE tree_size = %s",
            *(change(copy.note(size)), size),
        )

    return tamper


def database_column(column: str, value: str) -> Callable[[Copy], None]:
    def tamper(copy: Copy) -> None:
        copy.run(f"UPDATE audit_checkpoint SET {column} = {value} WHERE tree_size = 20")

    return tamper


def deleted_checkpoint(copy: Copy) -> None:
    copy.run("DELETE FROM audit_checkpoint WHERE tree_size = 20")


def replayed_checkpoint(copy: Copy) -> None:
    copy.run(
        "UPDATE audit_checkpoint new SET root = old.root, frontier = old.frontier, note = old.note"
        " FROM audit_checkpoint old WHERE (new.tree_size, old.tree_size) = (20, 10)"
    )


def forged_checkpoint(copy: Copy) -> None:
    copy.run(
        "INSERT INTO audit_checkpoint SELECT 15, root, frontier, note, at FROM audit_checkpoint"
        " WHERE tree_size = 20"
    )


def forged_huge_checkpoint(copy: Copy) -> None:
    note = INTRUDER.sign(size=10**15, root=bytes(32))
    copy.run(
        "INSERT INTO audit_checkpoint VALUES (%s, %s, %s, %s, now())",
        *(10**15, bytes(32), b"", note),
    )


def stored(size: int, change: Callable[[bytes], bytes]) -> Callable[[Copy], None]:
    def tamper(copy: Copy) -> None:
        copy.file(size).write_bytes(change(copy.file(size).read_bytes()))

    return tamper


def deleted_object(copy: Copy) -> None:
    copy.file(20).unlink()


def deleted_last_object(copy: Copy) -> None:
    copy.file(SIZE).unlink()


def deleted_all_objects(copy: Copy) -> None:
    shutil.rmtree(copy.store / "audit")


def replayed_object(copy: Copy) -> None:
    shutil.copy(copy.file(10), copy.file(20))


def added_object(copy: Copy) -> None:
    shutil.copy(copy.file(20), copy.file(25))


def deleted_in_both(copy: Copy) -> None:
    deleted_checkpoint(copy)
    deleted_object(copy)


def edit_last_hash(data: bytes) -> bytes:
    return data[:-45] + base64.b64encode(bytes(32)) + b"\n"


def forged_note(data: bytes) -> bytes:
    return pack_object(note=INTRUDER.sign(size=20, root=bytes(32)), hashes=[bytes(32)] * 10)


def spoil_signature(note: str) -> str:
    return note[:-10] + ("A" if note[-10] != "A" else "B") + note[-9:]


CHECKPOINTS: dict[str, tuple[Callable[[Copy], None], Fault, int]] = {
    "note edited": (database_note(20, lambda note: note + " "), Fault.CHECKPOINT_CHANGED, 20),
    "origin edited": (
        database_note(20, lambda note: note.replace("tenantry", "somebody", 1)),
        Fault.CHECKPOINT_CHANGED,
        20,
    ),
    "bad signature": (database_note(20, spoil_signature), Fault.CHECKPOINT_CHANGED, 20),
    "root edited": (database_column("root", "sha256(root)"), Fault.CHECKPOINT_CHANGED, 20),
    "root gone": (database_column("root", "NULL"), Fault.CHECKPOINT_CHANGED, 20),
    "frontier edited": (
        database_column("frontier", "sha256(frontier) || sha256(root)"),
        Fault.CHECKPOINT_CHANGED,
        20,
    ),
    "frontier cut": (database_column("frontier", "''"), Fault.CHECKPOINT_CHANGED, 20),
    "deleted": (deleted_checkpoint, Fault.CHECKPOINT_MISSING, 20),
    "replayed": (replayed_checkpoint, Fault.CHECKPOINT_CHANGED, 20),
    "forged": (forged_checkpoint, Fault.CHECKPOINT_CHANGED, 15),
    "forged huge": (forged_huge_checkpoint, Fault.CHECKPOINT_CHANGED, 10**15),
    "object deleted": (deleted_object, Fault.OBJECT_MISSING, 20),
    "last object deleted": (deleted_last_object, Fault.OBJECT_MISSING, SIZE),
    "all objects deleted": (deleted_all_objects, Fault.OBJECT_MISSING, 10),
    "object replayed": (replayed_object, Fault.OBJECT_CHANGED, 20),
    "object added": (added_object, Fault.CHECKPOINT_MISSING, 25),
    "object's size edited": (
        stored(20, lambda data: data.replace(b"\n20\n", b"\n21\n")),
        Fault.OBJECT_CHANGED,
        20,
    ),
    "object's hash edited": (stored(20, edit_last_hash), Fault.OBJECT_CHANGED, 20),
    "object's hash removed": (stored(20, lambda data: data[:-45]), Fault.CHECKPOINT_MISSING, 11),
    "object emptied": (stored(20, lambda _data: b""), Fault.OBJECT_CHANGED, 20),
    "object garbled": (stored(20, lambda _data: b"\xff" * 99), Fault.OBJECT_CHANGED, 20),
    "object forged": (stored(20, forged_note), Fault.OBJECT_CHANGED, 20),
    "rewritten in both places": (rewritten_store_as_well, Fault.CHECKPOINT_CHANGED, 20),
    "deleted in both places": (deleted_in_both, Fault.CHECKPOINT_MISSING, 20),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_tampered_checkpoint_is_named(log: list[UUID], store: Path, name: str) -> None:
    tamper, fault, size = CHECKPOINTS[name]
    report = verified(log, store, tamper)
    assert report.first_bad is not None
    assert (report.first_bad.fault, report.first_bad.tree_size) == (fault, size), str(report)
    assert f"Checkpoint {size}." in str(report)


def test_checkpoint_of_another_log_is_refused(
    log: list[UUID], store: Path, settings: LazySettings
) -> None:
    settings.AUDIT_ORIGIN = "other.example/audit"
    report = verified(log, store, lambda _copy: None)
    assert {finding.fault for finding in report.findings} >= {Fault.CHECKPOINT_CHANGED}
    assert not report.ok


def test_findings_do_not_repeat_what_one_fault_explains(log: list[UUID], store: Path) -> None:
    assert len(verified(log, store, deleted_both).findings) == 1
    assert len(verified(log, store, truncated_with_checkpoint).findings) == 2
    assert len(verified(log, store, sealed_field("reason", "''")).findings) == 1


def test_unreachable_store_is_said_so(log: list[UUID], store: Path) -> None:
    shutil.rmtree(store)
    store.write_text("a file where the folder was")
    with pytest.raises(objects.ObjectStoreUnavailable):
        verify()


def test_report_is_plain_data(log: list[UUID], store: Path) -> None:
    report = verified(log, store, deleted_entry)
    assert report.first_bad
    assert str(report.first_bad) == (
        f"entry_missing: The entry of this leaf is gone. Leaf 17. Entry {log[17]}."
    )
