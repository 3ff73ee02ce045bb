"""Bringing the database to this release, without locking out the release that still runs."""

from contextlib import suppress

from django.core.management import call_command
from django.db import DatabaseError, connection

# Two releases may run side by side: a migration that would lock longer must be written otherwise.
LOCK_SECONDS = 4
STATEMENT_SECONDS = 5


def migrate(*, statement_seconds: int = STATEMENT_SECONDS) -> None:
    """Apply what is missing; a lock waited for longer than 4 s ends it, to be tried again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, value, false) FROM (VALUES"
            " ('lock_timeout', %s), ('statement_timeout', %s)) AS limits (name, value)",
            [f"{LOCK_SECONDS}s", f"{statement_seconds}s"],
        )
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        # The pool would hand the connection, with its limits, to whoever comes next.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
            cursor.execute("RESET statement_timeout")
        connection.close()
