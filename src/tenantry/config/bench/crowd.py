"""Dispatchers that drain what is due: in this process, or several processes at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tenantry.config.bench import children
from tenantry.config.bench.population import NOW
from tenantry.work.schedules.dispatch import BATCH, START, dispatch_batch, next_due


def drain(*, limit: int = BATCH) -> int:
    """Decide until nothing is due any more, as the scheduler does; returns how many slots."""
    decided, place = 0, START
    while True:
        batch = dispatch_batch(now=NOW, limit=limit, after=place)
        decided += batch.claimed
        place = batch.last if batch.claimed == limit else START
        if batch.claimed == 0:
            due = next_due()
            if due is None or due > NOW:
                return decided


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Processes that are ready and wait for the word."""

    pipes: Sequence[Connection]

    def drain(self) -> int:
        """Let all of them drain at once; returns how many slots they decided together."""
        for pipe in self.pipes:
            pipe.send({})
        return sum(int(str(children.answer(pipe))) for pipe in self.pipes)


@contextmanager
def of(database: str, *, size: int) -> Iterator[Crowd]:
    """Start so many dispatching processes on a database, and end them afterwards."""
    with children.started(database, work=f"{__name__}.drain", size=size) as pipes:
        yield Crowd(pipes=pipes)
