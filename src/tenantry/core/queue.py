"""Typed messages on procrastinate: commands and events that ride in the caller's transaction.

A command has exactly one handler, an event any number. Both are frozen dataclasses of small values;
unknown fields are ignored for one release. A handler may run twice and at the same time as another.
"""

import inspect
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.core.checks import CheckMessage, Error
from django.db import connection
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.tasks import Task
from pydantic import TypeAdapter

from tenantry.core import trace

# How long a worker may be silent before its work is given to another, seconds.
STALLED_AFTER = 12.0
HEARTBEAT_EVERY = 3.0


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is sent; `queue` names the kind of process that handles it."""

    queue: ClassVar[str] = "worker"


@dataclass(frozen=True, kw_only=True)
class Command(Message):
    """Something to do, handled exactly once by name."""


@dataclass(frozen=True, kw_only=True)
class Event(Message):
    """Something that happened; the sender does not know who listens."""


M = TypeVar("M", bound=Message)
Handler = Callable[[M], None] | Callable[[M], Coroutine[Any, Any, None]]
_ProcrastinateTask = Task[Any, Any, Any]

# What procrastinate's own decorator takes and gives is not typed.
_declare: Callable[..., Callable[[object], _ProcrastinateTask]] = app.task
_tasks: dict[type[Message], list[_ProcrastinateTask]] = {}


def handles(
    message: type[M], *, attempts: int = 6, every: str | None = None
) -> Callable[[Handler[M]], Handler[M]]:
    """Register a function of a `tasks.py` as handler of a message type.

    It is retried after 1, 2, 4 … seconds, up to `attempts` in all. `every` is a six-field cron
    expression (seconds last) on which a field-less command is sent by itself.
    """

    def register(handler: Handler[M]) -> Handler[M]:
        adapter: TypeAdapter[M] = TypeAdapter(message)

        async def run_async(body: dict[str, object], traceparent: str) -> None:
            with trace.start(traceparent):
                result = handler(adapter.validate_python(body))
                if inspect.isawaitable(result):
                    await result

        def run(body: dict[str, object], traceparent: str) -> None:
            with trace.start(traceparent):
                handler(adapter.validate_python(body))

        def run_periodic(timestamp: int) -> None:
            del timestamp
            with trace.start():
                handler(message())

        is_async = inspect.iscoroutinefunction(handler)
        name = f"{handler.__module__}.{handler.__name__}"
        options: dict[str, Any] = {"queue": message.queue, "retry": _retry(attempts)}
        task = _declare(name=name, **options)(run_async if is_async else run)
        _tasks.setdefault(message, []).append(task)
        if every:
            periodic = _declare(name=f"{name}.periodic", queueing_lock=name, lock=name, **options)
            app.periodic(cron=every)(periodic(run_periodic))
        return handler

    return register


def _retry(attempts: int) -> RetryStrategy:
    return RetryStrategy(max_attempts=attempts, exponential_wait=2)


def defer(
    command: Command,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    at: datetime | None = None,
) -> None:
    """Send a command when the present transaction commits, not before `at`.

    Of the commands with one `lock` only one runs at a time. With a `queueing_lock` nothing is sent
    when one with the same lock is already waiting.
    """
    _insert(_task_of(type(command)), command, lock=lock, queueing_lock=queueing_lock, at=at)


def publish(event: Event) -> None:
    """Send an event to all its handlers when the present transaction commits."""
    for task in _tasks.get(type(event), []):
        _insert(task, event, lock=None, queueing_lock=None, at=None)


_INSERT = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, scheduled_at)
    VALUES (%s, %s, %s, %s, %s::jsonb, %s)
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""


def _insert(
    task: _ProcrastinateTask,
    message: Message,
    *,
    lock: str | None,
    queueing_lock: str | None,
    at: datetime | None,
) -> None:
    # One statement of our own: procrastinate's defer raises on a taken queueing lock, which would
    # abort the caller's transaction.
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [task.queue, task.name, lock, queueing_lock, json.dumps(arguments(message)), at],
        )


def arguments(message: Message) -> dict[str, object]:
    """Return the stored form of a message, with the present trace."""
    body = TypeAdapter(type(message)).dump_python(message, mode="json")
    return {"body": body, "traceparent": trace.current().traceparent}


def task_name(command: type[Command]) -> str:
    """Return the name of a command's task, for set-based senders."""
    return _task_of(command).name


def _task_of(command: type[Command]) -> _ProcrastinateTask:
    return _tasks[command][0]


def check_handlers(**_options: object) -> list[CheckMessage]:
    """System check: every command has exactly one handler."""
    counts = {command: len(_tasks.get(command, [])) for command in _concrete(Command)}
    return [
        Error(
            f"{command.__module__}.{command.__qualname__} has {count} handlers.",
            hint="Write one @handles function for it in a tasks.py.",
            id="tenantry.core.E001",
        )
        for command, count in counts.items()
        if count != 1
    ]


def _concrete(base: type[Message]) -> list[type[Message]]:
    return [leaf for child in base.__subclasses__() for leaf in (_concrete(child) or [child])]
