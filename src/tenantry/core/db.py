"""Database connections outside of requests: one owner, so that none leaks."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

import psycopg
from django.db import connection, connections

P = ParamSpec("P")
R = TypeVar("R")

_threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="tenantry-db")


@contextmanager
def borrowed() -> Iterator[None]:
    """Give this thread's connections back to the pool when the block ends."""
    try:
        yield
    finally:
        connections.close_all()


def disconnect() -> None:
    """Close this thread's connection and the pool it is of; whoever comes next connects anew."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # of PostgreSQL's engine


async def in_thread(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous verb from a coroutine, with the trace, and give its connection back."""

    def call() -> R:
        with borrowed():
            return func(*args, **kwargs)

    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, partial(copy_context().run, call))


def raw() -> psycopg.Connection[tuple[object, ...]]:
    """Return the psycopg connection under Django's, for set-based statements and COPY."""
    connection.ensure_connection()
    wrapped: psycopg.Connection[tuple[object, ...]] = connection.connection
    return wrapped


@contextmanager
def prepared() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """Lend a cursor whose statements the server plans once per connection; errors are Django's.

    For the few statements that run all the time and cost more to plan than to run.
    """
    session = raw()
    connection.validate_no_broken_transaction()
    # Django forbids it for the sake of poolers between; we LISTEN, so there can be none.
    session.prepare_threshold = 0
    with connection.wrap_database_errors, psycopg.Cursor(session) as cursor:
        yield cursor


def dsn() -> dict[str, object]:
    """Return the parameters of a connection of one's own, as LISTEN needs it."""
    parameters = connection.get_connection_params()
    return {key: parameters[key] for key in parameters if key not in {"cursor_factory", "context"}}
