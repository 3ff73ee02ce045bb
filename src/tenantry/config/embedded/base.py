"""The engine itself: the pooled one, told at the first connection where the server is."""

from typing import Any

from django.conf import settings

from tenantry.config import postgres
from tenantry.config.pooled import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Starts or joins the embedded server, then connects as the pooled engine does."""

    def get_connection_params(self) -> dict[str, Any]:
        """Return the connection's parameters with the server's address and password."""
        server = postgres.ensure(settings.STATE_DIR)
        address = {"host": server.host, "port": server.port, "password": server.password}
        return {**super().get_connection_params(), **address}
