from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.db import connection, models, transaction
from django.db.models import F, Q, TextChoices
from django.test.utils import isolate_apps

from tenantry.core import db, tenancy
from tenantry.core.states import IllegalMove, check_moves
from tenantry.ledger.audit import queries
from tenantry.ledger.audit.errors import Stale
from tenantry.ledger.audit.lifecycle import transition
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tests.ledger.audit.support import COMMITS, NOW

pytestmark = COMMITS


class DoorState(TextChoices):
    OPEN = "OPEN"
    SHUT = "SHUT"
    GONE = "GONE"


MOVES = check_moves(
    DoorState,
    {
        DoorState.OPEN: frozenset({DoorState.SHUT}),
        DoorState.SHUT: frozenset({DoorState.OPEN, DoorState.GONE}),
        DoorState.GONE: frozenset(),
    },
)

with isolate_apps("tenantry.ledger.audit"):

    class Door(models.Model):
        id = models.UUIDField(primary_key=True, default=uuid4)
        state = models.TextField(default=DoorState.OPEN)
        moved = models.IntegerField(default=0)
        note = models.TextField(default="")

        class Meta:
            app_label = "audit"
            db_table = "audit_test_door"

        def __str__(self) -> str:
            return self.state


TENANT = uuid4()


@pytest.fixture
def door(book: None) -> Iterator[Door]:
    with connection.schema_editor() as editor:
        editor.create_model(Door)
    yield Door._base_manager.create()
    with connection.schema_editor() as editor:
        editor.delete_model(Door)


def move(
    door: Door,
    target: str,
    *,
    guard: Q | None = None,
    extra: dict[str, object] | None = None,
    body: dict[str, object] | None = None,
    actor: str = "user:1",
) -> bool:
    with tenancy.scope(TENANT):
        return transition(
            door,
            field="state",
            target=target,
            moves=MOVES,
            action=Action.AUTOMATION_JOB_CHANGED,
            actor=actor,
            at=NOW,
            tenant_id=TENANT,
            reason="draught",
            body=body,
            guard=guard,
            extra=extra,
        )


def entries(door_id: UUID) -> list[AuditEntry]:
    with tenancy.platform("test"):
        return list(queries.list_for_target("door", door_id))


def stored(door: Door) -> Door:
    return Door._base_manager.get(pk=door.pk)


def test_transition_writes_state_extra_and_entry(door: Door) -> None:
    assert move(
        door, DoorState.SHUT, extra={"moved": F("moved") + 1, "note": "softly"}, body={"by": "wind"}
    )
    assert (door.state, door.moved, door.note) == ("SHUT", 1, "softly")
    after = stored(door)
    assert (after.state, after.moved, after.note) == ("SHUT", 1, "softly")
    (entry,) = entries(door.pk)
    assert entry.facts == {"from": "OPEN", "to": "SHUT", "by": "wind"}
    assert (entry.tenant_id, entry.actor, entry.reason, entry.at) == (
        TENANT,
        "user:1",
        "draught",
        NOW,
    )


def test_same_state_is_no_move(door: Door) -> None:
    assert not move(door, DoorState.OPEN, extra={"moved": 7})
    assert stored(door).moved == 0
    assert entries(door.pk) == []


@pytest.mark.parametrize("target", ["GONE", "AJAR"])
def test_illegal_move_is_refused(door: Door, target: str) -> None:
    with pytest.raises(IllegalMove):
        move(door, target)
    assert (door.state, stored(door).state, entries(door.pk)) == ("OPEN", "OPEN", [])


def test_closed_guard_is_refused(door: Door) -> None:
    with pytest.raises(Stale):
        move(door, DoorState.SHUT, guard=Q(moved__gt=0))
    assert (door.state, stored(door).state, entries(door.pk)) == ("OPEN", "OPEN", [])


def test_row_that_moved_meanwhile_is_refused(door: Door) -> None:
    late = stored(door)
    move(door, DoorState.SHUT)
    with pytest.raises(Stale):
        move(late, DoorState.SHUT)
    assert (late.state, len(entries(door.pk))) == ("OPEN", 1)


def test_rollback_undoes_state_and_entry(door: Door) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        move(door, DoorState.SHUT)
        raise RuntimeError
    assert (stored(door).state, entries(door.pk)) == ("OPEN", [])


def test_entry_that_cannot_be_written_undoes_the_state(door: Door) -> None:
    with pytest.raises(TypeError):
        move(door, DoorState.SHUT, body={"thing": object()})
    assert (door.state, stored(door).state) == ("OPEN", "OPEN")


def together(verb: Callable[[int], bool], count: int) -> list[bool]:
    start = Barrier(count)

    def one(number: int) -> bool:
        with db.borrowed():
            start.wait()
            try:
                return verb(number)
            except Stale:
                return False

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_of_64_at_once_exactly_one_moves(door: Door) -> None:
    loaded = [stored(door) for _ in range(64)]
    won = together(lambda number: move(loaded[number], DoorState.SHUT, actor=f"user:{number}"), 64)
    assert won.count(True) == 1
    (entry,) = entries(door.pk)
    assert entry.actor == f"user:{won.index(True)}"
    assert stored(door).state == "SHUT"
