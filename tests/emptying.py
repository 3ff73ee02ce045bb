"""Emptying the database after a test that commits: what was written to, and nothing else.

Django empties every table and then writes its permissions anew, which takes longer than most of
these tests; and the append-only tables refuse it.
"""

from collections.abc import Sequence

from django.db import connection

from tenantry.core import db

LOG = ("audit_auditentry", "audit_leaf", "audit_checkpoint")
BOOKS = (*LOG, "funnel_event")
# Written by migrations.
KEPT = ("auth_permission", "django_content_type", "django_migrations")
_WRITTEN_TO = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND pg_relation_size(oid) > 0 AND relname <> ALL(%s)
"""


def forget_the_disk() -> None:
    """Let no commit to this database wait for the disk: it ends with the run."""
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    db.disconnect()


def empty() -> None:
    """Empty every table."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN_TO, [list(KEPT)])
        tables = [name for (name,) in cursor.fetchall()]
    if tables:
        _truncate(tables)


def empty_log() -> None:
    """Let the audit log begin again, in the middle of a test."""
    _truncate((*LOG, "audit_sealerlease"))


def _truncate(tables: Sequence[str]) -> None:
    assert str(connection.settings_dict["NAME"]).startswith("test_")
    # Only their owner can empty the books, and only on purpose.
    books = [name for name in tables if name in BOOKS]
    with connection.cursor() as cursor:
        for name in books:
            cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        for name in books:
            cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")
