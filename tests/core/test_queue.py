"""Messages ride in the caller's transaction and reach their handlers typed."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection, transaction
from pydantic import TypeAdapter

from tenantry.core import queue, trace
from tenantry.core.ids import uuid7


@dataclass(frozen=True, kw_only=True)
class Probe(queue.Event):
    row: UUID
    at: datetime
    word: str | None = None


@queue.handles(Probe)
def hear(message: Probe) -> None:
    heard.append(message)


@queue.handles(Probe)
def overhear(message: Probe) -> None:
    heard.append(message)


heard: list[Probe] = []
MESSAGE = Probe(row=uuid7(), at=datetime(2026, 11, 22, 9, tzinfo=UTC), word="안녕")


def waiting() -> list[tuple[str, dict[str, object]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_name, args FROM procrastinate_jobs WHERE task_name LIKE %s ORDER BY 1",
            [f"{__name__}.%"],
        )
        return [(name, json.loads(args)) for name, args in cursor.fetchall()]


def test_an_event_reaches_each_handler_s_queue(db: None) -> None:
    queue.publish(MESSAGE)
    assert [name for name, _args in waiting()] == [f"{__name__}.hear", f"{__name__}.overhear"]


def test_a_message_survives_its_stored_form() -> None:
    body = queue.arguments(MESSAGE)["body"]
    assert TypeAdapter(Probe).validate_python(body) == MESSAGE


def test_unknown_fields_are_ignored_for_a_release() -> None:
    body = queue.arguments(MESSAGE)["body"]
    assert isinstance(body, dict)
    assert TypeAdapter(Probe).validate_python({**body, "newer": 1}) == MESSAGE


def test_the_trace_rides_along(db: None) -> None:
    with trace.start() as hop:
        queue.publish(MESSAGE)
    assert {args["traceparent"] for _name, args in waiting()} == {hop.traceparent}


def test_a_rolled_back_transaction_sends_nothing(db: None) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue.publish(MESSAGE)
        assert len(waiting()) == 2
        raise ZeroDivisionError
    assert waiting() == []


def test_a_taken_queueing_lock_sends_nothing_and_spares_the_transaction(db: None) -> None:
    task = queue._tasks[Probe][0]
    for _ in range(2):
        queue._insert(task, MESSAGE, lock="lane", queueing_lock="lane", at=None)
    assert len(waiting()) == 1


def test_a_command_without_a_handler_is_found_at_start() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Orphan(queue.Command):
        pass

    faults = [fault for fault in queue.check_handlers() if "Orphan" in fault.msg]
    assert [fault.id for fault in faults] == ["tenantry.core.E001"]
    # Handled once it is well; the class lives on in the base's list of subclasses.
    queue.handles(Orphan)(lambda _message: None)
    assert [fault for fault in queue.check_handlers() if "Orphan" in fault.msg] == []
