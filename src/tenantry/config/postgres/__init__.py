"""The embedded PostgreSQL: one server for all processes of a state folder, started on demand.

It runs before the settings exist and therefore knows nothing of Django. **With ``DATABASE_URL`` set
none of this is called**: the settings look at that variable first and come here only without it.

- `ensure(state_dir)` answers with a `Server` that accepts connections, starting it when needed.
- `release(state_dir)` gives it up; the last process out stops it. It also runs at process exit.
- `revive_if_dead(state_dir)` is the cheap check for a supervision loop.
- `stop(state_dir)` and `status(state_dir)` are for the command line.

Everything lies under ``<state_dir>/postgres``: deleting that folder (with the server stopped)
forgets the database and its passwords. Who uses the server and whether it lives is told by kernel
locks (`places`), so a SIGKILL leaves nothing behind that could lie.
"""

from tenantry.config.postgres.cluster import State, Status
from tenantry.config.postgres.errors import PostgresUnavailable
from tenantry.config.postgres.supervisor import (
    Server,
    ensure,
    release,
    revive_if_dead,
    status,
    stop,
)

__all__ = [
    "PostgresUnavailable",
    "Server",
    "State",
    "Status",
    "ensure",
    "release",
    "revive_if_dead",
    "status",
    "stop",
]
