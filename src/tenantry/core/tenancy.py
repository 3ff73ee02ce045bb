"""Isolation of tenants: row-level security in PostgreSQL, default deny.

Outside `scope` and `platform` no tenant-owned row can be seen or written, not even by the owner of
the tables. Both hold for one transaction; both may be nested, the inner one wins until it ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from django.db import connection, transaction
from django.db.migrations import RunSQL

_SET = "SELECT set_config('tenantry.tenant', %s, true), set_config('tenantry.platform', %s, true)"


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What the present transaction may touch: one tenant, or all of them for a stated reason."""

    tenant_id: UUID | None = None
    platform: str = ""


_NOTHING = Reach()
_reach: ContextVar[Reach] = ContextVar("tenantry_reach", default=_NOTHING)


def current() -> Reach:
    """Return the reach of this thread or task."""
    return _reach.get()


@contextmanager
def scope(tenant_id: UUID) -> Iterator[None]:
    """Run a transaction that sees and writes the rows of one tenant only."""
    with _entered(Reach(tenant_id=tenant_id)):
        yield


@contextmanager
def platform(reason: str) -> Iterator[None]:
    """Run a transaction that sees the rows of all tenants; `reason` says why it must.

    An empty reason is a ValueError: default deny is not lifted in passing.
    """
    if not reason:
        message = "say why all tenants must be seen"
        raise ValueError(message)
    with _entered(Reach(platform=reason)):
        yield


@contextmanager
def _entered(reach: Reach) -> Iterator[None]:
    before = _reach.get()
    nested = connection.in_atomic_block
    with transaction.atomic():
        _apply(reach)
        token = _reach.set(reach)
        try:
            yield
        finally:
            _reach.reset(token)
        # An error rolls the setting back with the savepoint; the end of a transaction drops it.
        if nested:
            _apply(before)


def setting(tenant_id: UUID) -> tuple[LiteralString, tuple[str, str]]:
    """Return what `scope` executes, for a transaction on a connection that is not Django's."""
    return _SET, (str(tenant_id), "")


def _apply(reach: Reach) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SET, [str(reach.tenant_id or ""), reach.platform])


def protect(table: str, *, column: str = "tenant_id") -> RunSQL:
    """Return the migration that closes a table to all but its tenant and the platform.

    The settings are read in sub-selects so that PostgreSQL evaluates them once per statement.
    """
    rule = (
        f"{column} = (SELECT nullif(current_setting('tenantry.tenant', true), '')::uuid)"
        " OR (SELECT coalesce(current_setting('tenantry.platform', true), '') <> '')"
    )
    return RunSQL(
        [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY tenantry_isolation ON {table} USING ({rule}) WITH CHECK ({rule})",
        ],
        [
            f"DROP POLICY tenantry_isolation ON {table}",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ],
    )
