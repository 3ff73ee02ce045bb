"""Verification while the log is being written, sealed and exported."""

from pathlib import Path

import pytest
from django.db import transaction

from tenantry.core import db, tenancy
from tenantry.ledger.audit import exporter, sealer
from tenantry.ledger.audit.report import Fault
from tenantry.ledger.audit.rows import read_leaves
from tenantry.ledger.audit.verify import verify
from tests.ledger.audit import support
from tests.ledger.audit.support import COMMITS

pytestmark = COMMITS


def test_empty_log_is_whole(book: None) -> None:
    report = verify()
    assert (report.ok, report.entries, report.checkpoints) == (True, 0, 0)


def test_entry_that_is_about_to_be_sealed_is_no_fault(book: None) -> None:
    support.write(3)
    token = support.seal()
    (fresh,) = support.write()
    assert [finding.entry_id for finding in verify(patience=0.3).findings] == [fresh]
    sealer.seal_batch(token)
    assert verify(patience=0.3).ok


def test_checkpoint_that_is_about_to_be_exported_is_no_fault(book: None, store: Path) -> None:
    support.write(3)
    support.seal()
    support.write(2)
    token = support.seal(export=False)
    report = verify()
    assert (report.ok, report.exports_pending) == (True, 1)
    exporter.export_next(token)
    assert verify().exports_pending == 0


def test_edit_before_the_export_is_found_by_the_signed_root(book: None, store: Path) -> None:
    support.write(10)
    support.seal(export=False)
    # Whoever owns the tables can do this; not so what is signed.
    with transaction.atomic(), tenancy.platform("test"):
        for table in ("audit_auditentry", "audit_leaf"):
            support.execute(f"CREATE TEMP TABLE {table} ON COMMIT DROP AS TABLE public.{table}")
        support.execute(
            "UPDATE audit_auditentry SET reason = 'x' WHERE id = %s", support.sealed_ids()[7]
        )
        (row,) = read_leaves(db.raw(), first=7, end=8)
        support.execute("UPDATE audit_leaf SET hash = %s WHERE leaf_no = 7", row.computed)
        report = verify(db.raw(), patience=0)
    assert [(finding.fault, finding.tree_size) for finding in report.findings] == [
        (Fault.ROOT_CHANGED, 10)
    ]


def test_log_of_many_windows_is_whole(book: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenantry.ledger.audit.verify._WINDOW_LEAVES", 7)
    monkeypatch.setattr("tenantry.ledger.audit.anchors._PAGE", 3)
    support.write(60)
    support.seal(limit=5)
    support.write(1)
    support.seal()
    report = verify()
    assert (report.ok, report.leaves, report.checkpoints) == (True, 61, 13)
