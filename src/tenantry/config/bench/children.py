"""Processes of a measurement: they set themselves up, then do what they are told until it ends.

Imports nothing that needs a configured Django, because a spawned process imports this first.
"""

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection

from django.utils.module_loading import import_string

from tenantry.config.bench.database import set_up_child

_PATIENCE_SECONDS = 300


@contextmanager
def started(database: str, *, work: str, size: int) -> Iterator[Sequence[Connection]]:
    """Start so many processes that run the function `work` for each dict sent to their pipe."""
    spawn = multiprocessing.get_context("spawn")
    pipes, workers = [], []
    for _ in range(size):
        mine, theirs = spawn.Pipe()
        worker = spawn.Process(target=_obey, args=(database, work, theirs), daemon=True)
        worker.start()
        # With our copy closed a child's death is heard as the end of its pipe.
        theirs.close()
        pipes.append(mine)
        workers.append(worker)
    try:
        for pipe in pipes:
            answer(pipe)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for worker in workers:
            worker.join(timeout=10)
            worker.kill()


def answer(pipe: Connection) -> object:
    """Wait for what a process answers; EOFError when it died."""
    if not pipe.poll(_PATIENCE_SECONDS):
        message = "a measuring process does not answer"
        raise TimeoutError(message)
    return pipe.recv()


def _obey(database: str, work: str, pipe: Connection) -> None:
    set_up_child(database)
    does = import_string(work)
    pipe.send("ready")
    while True:
        try:
            order = pipe.recv()
        except EOFError:
            return
        pipe.send(does(**order))
