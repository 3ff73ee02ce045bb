"""The engine itself: Django's own, but for what one dead connection says of the others."""

from typing import ClassVar

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

_Pool = ConnectionPool[psycopg.Connection]


class DatabaseWrapper(base.DatabaseWrapper):
    """Empties the pool at its first dead connection.

    The pool itself throws dead connections away one by one and waits longer after each: after a
    restart of the server four of them cost more than its patience, and a request its answer.
    """

    _connection_pools: ClassVar[dict[str, _Pool]] = {}

    @property
    def pool(self) -> _Pool | None:
        """Return this alias's pool, or None where none is wanted."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            made = ConnectionPool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                open=False,
                configure=self._configure_connection,  # type: ignore[attr-defined]  # no stub
                check=self._check,
                **options,
            )
            # Of threads that meet here the first one's is kept; none was opened yet.
            self._connection_pools.setdefault(self.alias, made)
        return self._connection_pools[self.alias]

    def _check(self, connection: psycopg.Connection) -> None:
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            if self.pool:
                self.pool.drain()
            raise
