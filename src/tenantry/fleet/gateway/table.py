"""The routes in a gateway's memory: fresh within a second, kept while no database answers."""

import asyncio
import time
from collections.abc import Callable

from tenantry.core import db
from tenantry.core.live import Facts, Listener
from tenantry.core.logs import get_logger
from tenantry.fleet.gateway import queries
from tenantry.fleet.gateway.queries import Desired, Target
from tenantry.fleet.gateway.services import TOPIC

# News may be lost with a connection; then this is how late a change is seen.
RELOAD_SECONDS = 5.0
_log = get_logger(__name__)


class RouteTable:
    """All routes as they were when the database answered last."""

    def __init__(
        self,
        load: Callable[[], Desired] = queries.desired,
        *,
        listener: Listener | None = None,
        changed: Callable[[Desired], None] | None = None,
        reload_seconds: float = RELOAD_SECONDS,
    ) -> None:
        """Prepare; nothing is read before `follow`. `changed` is called in a thread.

        Without a listener a change is seen at the next reload.
        """
        self._load = load
        self._listener = listener
        self._changed = changed
        self._reload_seconds = reload_seconds
        self._loaded_at: float | None = None
        self._failing = False
        self._told = ""
        self.desired = Desired()

    @property
    def age_seconds(self) -> float | None:
        """Return how long ago the database answered; None before it did for the first time."""
        return None if self._loaded_at is None else time.monotonic() - self._loaded_at

    def find(self, host: str) -> Target | None:
        """Return where a host name leads."""
        return self.desired.routes.get(host)

    async def follow(self) -> None:
        """Keep the routes fresh until cancelled."""
        news, loop = asyncio.Event(), asyncio.get_running_loop()

        def told(_topic: str, _facts: Facts) -> None:
            loop.call_soon_threadsafe(news.set)

        if self._listener:
            self._listener.on(TOPIC, told)
            self._listener.start()
        try:
            while True:
                news.clear()
                await self.reload()
                try:
                    await asyncio.wait_for(news.wait(), timeout=self._reload_seconds)
                except TimeoutError:
                    continue
        finally:
            if self._listener:
                await asyncio.to_thread(self._listener.stop)

    async def reload(self) -> None:
        """Read all routes once; when that fails, the ones known stay."""
        try:
            self.desired = await db.in_thread(self._load)
            self._loaded_at = time.monotonic()
            await self._tell()
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the known routes still serve
            if not self._failing:
                _log.warning("routes_not_read", reason=str(error).strip())
            self._failing = True
        else:
            self._failing = False

    async def _tell(self) -> None:
        digest = self.desired.digest if self._changed else ""
        if self._changed and digest != self._told:
            await asyncio.to_thread(self._changed, self.desired)
            self._told = digest
