"""News for open pages: one LISTEN connection per process, any number of browsers."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tenantry.core.live import Facts, Listener

# More than this waiting means that the browser does not read: it is dropped and comes again.
QUEUE_LENGTH = 32
HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 3000
# To a stream that ended because more may be heard now.
AGAIN_MILLISECONDS = 200
# Then the browser reconnects, perhaps to another process.
LIFE_SECONDS = 900.0


@dataclass(kw_only=True)
class Reader:
    """One browser's news; `lost` when it was too slow or has gone."""

    news: asyncio.Queue[Facts] = field(default_factory=lambda: asyncio.Queue(QUEUE_LENGTH))
    lost: bool = False

    def offer(self, facts: Facts) -> None:
        """Put news in line without waiting; called in the loop's thread."""
        try:
            self.news.put_nowait(facts)
        except asyncio.QueueFull:
            self.lost = True

    def close(self) -> None:
        """End the stream now: nobody reads any more."""
        self.lost = True
        self.offer({})


class Hub:
    """Fans one listener out to the readers of this process."""

    def __init__(self) -> None:
        """Prepare; nothing is connected before the first reader comes."""
        self._listener = Listener()
        self._started = False

    @contextmanager
    def reader(self, *topics: str) -> Iterator[Reader]:
        """Give the news of topics to a reader until the block ends."""
        if not self._started:
            self._started = True
            self._listener.start()
        loop, reader = asyncio.get_running_loop(), Reader()

        def told(_topic: str, facts: Facts) -> None:
            loop.call_soon_threadsafe(reader.offer, facts)

        forgetting = [self._listener.on(topic, told) for topic in topics]
        try:
            yield reader
        finally:
            for forget in forgetting:
                forget()

    def stop(self) -> None:
        """Hang up."""
        if self._started:
            self._listener.stop()


async def stream(
    reader: Reader,
    *,
    heartbeat: float = HEARTBEAT_SECONDS,
    life: float = LIFE_SECONDS,
    once: bool = False,
) -> AsyncIterator[bytes]:
    """Yield server-sent events until the stream's life is over or the reader was too slow.

    The first is a hint to reconnect after three seconds; silence is filled with comments. With
    `once` the stream ends after its first news, and the browser reconnects at once.
    """
    ends = asyncio.get_running_loop().time() + life
    yield f"retry: {AGAIN_MILLISECONDS if once else RETRY_MILLISECONDS}\n\n".encode()
    while not reader.lost and asyncio.get_running_loop().time() < ends:
        try:
            facts = await asyncio.wait_for(reader.news.get(), timeout=heartbeat)
        except TimeoutError:
            yield b": still here\n\n"
            continue
        if not reader.lost:
            yield f"event: news\ndata: {json.dumps(dict(facts))}\n\n".encode()
            if once:
                return
