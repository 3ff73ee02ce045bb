import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import LazySettings
from django.db import DatabaseError, transaction

from tenantry.core import clock, db, objects, tenancy
from tenantry.ledger.audit import exporter, lease, queries, sealer
from tenantry.ledger.audit.checkpoint import object_key
from tenantry.ledger.audit.errors import CheckpointConflict, NoteRefused
from tenantry.ledger.audit.lease import LeaseLost
from tenantry.ledger.audit.models import Checkpoint, Leaf
from tenantry.ledger.audit.tree import root_of
from tenantry.ledger.audit.verify import verify
from tests import emptying, forked
from tests.ledger.audit import support
from tests.ledger.audit.support import COMMITS, count, execute, fetch, seal, write

pytestmark = COMMITS

LONGEST = 40.0
RAW_INSERT = """
    INSERT INTO audit_auditentry (id, tenant_id, at, actor, action, target_kind, target_id, reason,
        trace_id, body)
    VALUES (%s, NULL, now(), 'system:test', 'policies.policy.set', 'policy', 'x', '', '', '{}')
"""


def until(holds: Callable[[], bool], *, seconds: float = LONGEST) -> float:
    """Wait for a condition and return how long that took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, "waited in vain"
        time.sleep(0.01)
    return time.monotonic() - begun


@contextmanager
def other_session() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A transaction of somebody else, open for as long as the test wants."""
    with psycopg.connect(**db.dsn()) as session:  # type: ignore[arg-type]  # Django's own parameters
        session.execute("SELECT set_config('tenantry.platform', 'test', false)")
        session.commit()
        yield session


@contextmanager
def running(*holders: str) -> Iterator[threading.Event]:
    """Sealers at work in threads of their own."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=sealer.run_sealer, kwargs={"stop": stop, "holder": holder})
        for holder in holders
    ]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join(LONGEST)
            assert not thread.is_alive()


def is_sealed(entry_id: UUID) -> bool:
    return bool(fetch("SELECT 1 FROM audit_leaf WHERE entry_id = %s", entry_id))


def everything_is_sealed() -> bool:
    return not fetch(
        "SELECT 1 FROM audit_auditentry e"
        " WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.entry_id = e.id)"
    )


def everything_is_exported() -> bool:
    return queries.health(now=clock.now()).exports_pending == 0


def test_seal_numbers_densely_in_the_order_of_arrival(book: None) -> None:
    write(5)
    seal(limit=2)
    write(3)
    seal()
    arrived = [entry_id for (entry_id,) in fetch("SELECT id FROM audit_auditentry ORDER BY seq")]
    leaves = list(Leaf.objects.all())
    assert [leaf.leaf_no for leaf in leaves] == list(range(8))
    assert [leaf.entry_id for leaf in leaves] == arrived
    checkpoints = list(Checkpoint.objects.all())
    assert [point.tree_size for point in checkpoints] == [2, 4, 5, 8]
    hashes = [bytes(leaf.hash) for leaf in leaves]
    assert [bytes(point.root) for point in checkpoints] == [
        root_of(hashes[: point.tree_size]) for point in checkpoints
    ]


def test_nothing_to_seal_makes_no_checkpoint(book: None) -> None:
    token = seal()
    assert sealer.seal_batch(token) == 0
    assert count("audit_checkpoint") == 0


def test_rolled_back_entries_are_never_sealed(book: None) -> None:
    with pytest.raises(RuntimeError), tenancy.platform("test"):
        write(3)
        raise RuntimeError
    write(2)
    seal()
    assert count("audit_leaf") == 2
    assert verify().ok


def test_open_transaction_delays_nobody_and_is_not_missed(book: None) -> None:
    token = seal()
    with other_session() as slow, other_session() as slower:
        early, late = uuid4(), uuid4()
        slow.execute(RAW_INSERT, [early])
        slower.execute(RAW_INSERT, [late])
        for _ in range(3):
            (quick,) = write()
            assert sealer.seal_batch(token) == 1
            assert is_sealed(quick)
        slow.commit()
        assert sealer.seal_batch(token) == 1
        assert is_sealed(early)
        (quick,) = write()
        slower.commit()
        assert sealer.seal_batch(token) == 2
        assert is_sealed(late)
        assert is_sealed(quick)
        assert sealer.seal_batch(token) == 0
    while exporter.export_next(token):
        pass
    assert verify(patience=0).ok


def test_entry_of_a_subtransaction_is_sealed_with_its_transaction(book: None) -> None:
    token = seal()
    with other_session() as session:
        entry_id = uuid4()
        session.execute("SELECT pg_current_xact_id()")
        write()
        sealer.seal_batch(token)
        with session.transaction():
            session.execute(RAW_INSERT, [entry_id])
        write()
        sealer.seal_batch(token)
        session.commit()
    sealer.seal_batch(token)
    assert is_sealed(entry_id)


def test_full_batch_leaves_nothing_behind(book: None) -> None:
    token = seal()
    with other_session() as session:
        session.execute(RAW_INSERT, [uuid4()])
        write(7)
        assert [sealer.seal_batch(token, limit=3) for _ in range(2)] == [3, 3]
        session.commit()
        assert [sealer.seal_batch(token, limit=3) for _ in range(3)] == [2, 0, 0]


def test_large_batch_gets_several_checkpoints(book: None) -> None:
    token = seal()
    write(7)
    assert sealer.seal_batch(token, leaves=3) == 7
    assert [point.tree_size for point in Checkpoint.objects.all()] == [3, 6, 7]
    while exporter.export_next(token):
        pass
    assert verify().ok


def test_successor_trusts_no_snapshot_of_another_cluster(book: None) -> None:
    write(2)
    seal()
    execute("UPDATE audit_sealerlease SET sealed = '900000000:900000000:'")
    (entry_id,) = write()
    seal()
    assert is_sealed(entry_id)


def test_only_one_takes_the_lease(book: None) -> None:
    start = threading.Barrier(8)

    def one(number: int) -> UUID | None:
        with db.borrowed():
            start.wait()
            return lease.take(f"holder {number}")

    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            taken = [token for token in pool.map(one, range(8)) if token]
        assert len(taken) == 1
        lease.release(taken[0])


def test_lease_that_ran_out_is_taken_over(book: None) -> None:
    write()
    first = lease.take("first")
    assert first
    assert lease.take("second") is None
    support.release_all()
    second = lease.take("second")
    assert second
    with pytest.raises(LeaseLost):
        sealer.seal_batch(first)
    with pytest.raises(LeaseLost):
        exporter.export_next(first)
    assert count("audit_leaf") == 0
    assert sealer.seal_batch(second) == 1


def test_idle_sealer_keeps_its_lease_and_writes_little(book: None) -> None:
    token = seal()
    version = fetch("SELECT xmin FROM audit_sealerlease")
    assert sealer.seal_batch(token) == 0
    assert fetch("SELECT xmin FROM audit_sealerlease") == version
    execute("UPDATE audit_sealerlease SET until = clock_timestamp() + interval '1 s'")
    assert sealer.seal_batch(token) == 0
    assert fetch("SELECT until > clock_timestamp() + interval '2 s' FROM audit_sealerlease") == [
        (True,)
    ]


def test_clock_that_was_put_back_locks_nobody_out(book: None) -> None:
    token = seal()
    execute("UPDATE audit_sealerlease SET until = clock_timestamp() + interval '1 hour'")
    heir = lease.take("heir")
    assert heir
    assert lease.take("rival") is None
    with pytest.raises(LeaseLost):
        sealer.seal_batch(token)


def test_rival_who_ignores_the_lease_is_stopped_by_the_numbers(book: None) -> None:
    write()
    seal()
    with pytest.raises(DatabaseError, match="audit_leaf_pkey"):
        execute("INSERT INTO audit_leaf VALUES (0, %s, sha256('x'))", uuid4())


def test_seal_now_does_it_once_and_only_for_lack_of_a_sealer(book: None) -> None:
    write(3)
    assert sealer.seal_now(holder="by hand")
    assert verify(patience=0).ok
    assert lease.take("scheduler")
    write()
    assert not sealer.seal_now(holder="by hand")
    assert count("audit_leaf") == 3


def test_forged_checkpoint_is_not_built_upon(book: None) -> None:
    write()
    token = seal()
    execute("INSERT INTO audit_checkpoint VALUES (5, sha256('r'), sha256('f') || sha256('g'), 'n')")
    write()
    with pytest.raises(NoteRefused):
        sealer.seal_batch(token)
    assert count("audit_leaf") == 1


def test_replaced_frontier_is_not_built_upon(book: None) -> None:
    write(2)
    seal(export=False)
    ((note,),) = fetch("SELECT note FROM audit_checkpoint")
    emptying.empty_log()
    execute("INSERT INTO audit_checkpoint VALUES (2, sha256('r'), sha256('f'), %s)", note)
    token = lease.take("test")
    assert token
    write()
    with pytest.raises(NoteRefused):
        sealer.seal_batch(token)


def test_export_after_a_crash_in_between_finds_its_own_object(book: None, store: Path) -> None:
    write(3)
    token = seal()
    execute("UPDATE audit_sealerlease SET exported = 0")
    assert exporter.export_next(token)
    assert not exporter.export_next(token)
    assert fetch("SELECT exported FROM audit_sealerlease") == [(3,)]


def test_export_refuses_to_replace_another_history(book: None) -> None:
    objects.put(object_key(3), b"another history")
    write(3)
    with pytest.raises(CheckpointConflict):
        seal()
    assert objects.get(object_key(3)) == b"another history"
    assert queries.health(now=clock.now()).exports_pending == 1


def test_database_put_back_to_an_earlier_state_is_noticed(book: None, store: Path) -> None:
    write(3)
    seal()
    emptying.empty_log()
    write(3)
    with pytest.raises(CheckpointConflict):
        seal()
    assert not verify().ok


def test_store_that_is_full_does_not_stop_the_sealing(
    book: None, store: Path, settings: LazySettings
) -> None:
    store.write_text("a file where a folder should be")
    with running("one"):
        (entry_id,) = write()
        until(lambda: is_sealed(entry_id))
        state = queries.health(now=clock.now())
        assert (state.unsealed, state.exports_pending, state.holder) == (0, 1, "one")
        assert state.oldest_export_seconds is not None
        (entry_id,) = write()
        until(lambda: is_sealed(entry_id))
        store.unlink()
        until(everything_is_exported)
    assert len(objects.keys("audit/checkpoints/")) == 2
    assert verify().ok


def test_health_counts_what_waits(book: None) -> None:
    now = clock.now()
    assert queries.health(now=now) == queries.Health(
        holder="",
        unsealed=0,
        oldest_unsealed_seconds=None,
        exports_pending=0,
        oldest_export_seconds=None,
    )
    write(2)
    state = queries.health(now=support.NOW)
    assert (state.unsealed, state.oldest_unsealed_seconds) == (2, 0.0)
    seal()
    state = queries.health(now=now)
    assert (state.holder, state.unsealed, state.exports_pending) == ("test", 0, 0)


def test_sealers_outlive_their_database_connections(book: None) -> None:
    with running("one"):
        (entry_id,) = write()
        until(lambda: is_sealed(entry_id))
        execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )
        # The pool would hand its dead connections to the tests that follow.
        db.disconnect()
        (entry_id,) = write()
        until(lambda: is_sealed(entry_id))
        until(everything_is_exported)
    assert verify().ok


def write_at_random(seed: int) -> int:
    """Append in transactions of random length, some of which roll back; return what remained."""
    random, remained = Random(seed), 0
    with db.borrowed():
        for _ in range(6):
            many, keeps = random.randint(1, 4), random.random() > 0.2
            with tenancy.platform("test"):
                for _ in range(many):
                    write()
                    time.sleep(random.random() * 0.01)
                transaction.set_rollback(not keeps)
            remained += many * keeps
    return remained


def test_64_writers_and_two_sealers_make_one_chain(book: None) -> None:
    with running("one", "two"):
        with ThreadPoolExecutor(64) as pool:
            remained = sum(pool.map(write_at_random, range(64)))
        until(everything_is_sealed)
        until(everything_is_exported)
    report = verify(patience=0)
    assert report.ok, str(report)
    assert (report.entries, report.leaves) == (remained, remained)
    ((densest,),) = fetch("SELECT max(leaf_no) + 1 FROM audit_leaf")
    assert densest == remained


@pytest.mark.chaos
def test_killed_sealers_leave_a_whole_log(
    book: None, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(7)
    stop = threading.Event()

    def keep_writing() -> None:
        with db.borrowed():
            while not stop.is_set():
                write(3)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for _ in range(3):
            sealed = count("audit_leaf")
            doomed = forked.start(forked.sealer, settings.OBJECT_STORE_URL)
            try:
                until(lambda sealed=sealed: count("audit_leaf") > sealed)  # type: ignore[misc]  # a default argument
                time.sleep(random.random() * 0.3)
            finally:
                doomed.kill()
                doomed.join()
    finally:
        stop.set()
        writer.join()
    with running("heir"):
        until(everything_is_sealed)
        until(everything_is_exported)
    report = verify(patience=0)
    assert report.ok, str(report)
    assert report.leaves == count("audit_auditentry")
