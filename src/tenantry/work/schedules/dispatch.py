"""Deciding due slots in batches: claim, count, decide, write; one transaction each.

Any number of dispatchers may run. A claim locks each schedule with its account and skips what
another holds, so no slot is decided twice, no daily limit is exceeded and nobody waits. A process
that dies in the middle leaves nothing behind.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import args_row, tuple_row

from tenantry.core import db, tenancy
from tenantry.core.errors import NotFound
from tenantry.work.schedules import policy as policies
from tenantry.work.schedules import statements, usage
from tenantry.work.schedules.gates import Decision, Facts, GatePolicy, decide
from tenantry.work.schedules.rule import Rule, day_of_second, next_second, parse
from tenantry.work.schedules.states import Origin

BATCH = 500
SYSTEM = "system:scheduler"
# News that the next instant may have changed.
TOPIC = "schedules.due"


class Place(NamedTuple):
    """Where a dispatcher stands among due schedules: microseconds since 1970, and schedule."""

    microsecond: int
    id: str


START = Place(0, "00000000-0000-0000-0000-000000000000")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one transaction did; `last` is where the next one goes on."""

    claimed: int
    dispatched: int
    last: Place


class BatchFailed(Exception):
    """A batch could not be written and nothing of it was; `last` is its last place."""

    def __init__(self, last: Place) -> None:
        """Remember the place."""
        super().__init__(f"slots up to {last} could not be decided")
        self.last = last


class _Row(NamedTuple):
    id: str
    connection_id: str
    microsecond: int
    zone: str
    weekdays: int
    times: str
    user_enabled: bool
    admin_status: str
    content_digest: str
    approved_digest: str
    session_state: str
    daily_limit: int

    @property
    def second(self) -> int:
        return self.microsecond // 1_000_000


@dataclass(frozen=True, kw_only=True)
class _Numbered:
    # Each decision with its local day once, and for every slot which of them is its own.
    decisions: Sequence[tuple[Decision, str]]
    numbers: Sequence[str]


def dispatch_batch(*, now: datetime, limit: int = BATCH, after: Place = START) -> Batch:
    """Decide up to `limit` due slots, the longest due first, and commit.

    Fewer than `limit` claimed means: nothing more is due after this place, or others hold it.
    Raises `BatchFailed` when a row breaks the batch; lost connections raise as they are.
    """
    with tenancy.platform("dispatch due slots"):
        given = {"now": now, "limit": limit, "microsecond": after.microsecond, "id": after.id}
        rows = _claim(statements.CLAIM_DUE, given)
        if not rows:
            return Batch(claimed=0, dispatched=0, last=after)
        last = Place(rows[-1].microsecond, rows[-1].id)
        try:
            dispatched = _settle(rows, now=now, origin=Origin.CLOCK, actor=SYSTEM)
        except psycopg.OperationalError:
            raise
        except Exception as error:
            raise BatchFailed(last) from error
    return Batch(claimed=len(rows), dispatched=dispatched, last=last)


def dispatch_one(*, tenant_id: UUID, schedule_id: UUID, now: datetime, actor: str) -> None:
    """Decide one slot at this very moment, by the same gates and from the same limits.

    In the caller's scope. Raises `NotFound` for a schedule of somebody else.
    """
    rows = _claim(statements.CLAIM_ONE, {"schedule": schedule_id, "tenant": tenant_id})
    if not rows:
        raise NotFound
    row = rows[0]._replace(microsecond=int(now.timestamp()) * 1_000_000)
    _settle([row], now=now, origin=Origin.RUN_NOW, actor=actor)


def next_due() -> datetime | None:
    """Return when the next slot is due, or None when no schedule is active."""
    with tenancy.platform("look when the next slot is due"):
        found = _cursor().execute(statements.NEXT_DUE).fetchone()
    return None if found is None else found[0]


def _cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    # Not Django's cursor: it binds in the client and has loaders of its own, twice as dear.
    return psycopg.Cursor(db.raw(), row_factory=tuple_row)


def _claim(statement: str, given: Mapping[str, object]) -> list[_Row]:
    cursor = psycopg.Cursor(db.raw(), row_factory=args_row(_Row))
    return cursor.execute(statement, given).fetchall()


def _settle(rows: Sequence[_Row], *, now: datetime, origin: Origin, actor: str) -> int:
    """Decide claimed rows and write all that follows; returns how many jobs were made."""
    rules = policies.gate_policy()
    days = [day_of_second(row.zone, row.second) for row in rows]
    numbered = _decided(rows, days, _used(rows, days), rules, now_second=int(now.timestamp()))
    decisions = [decision for decision, _day in numbered.decisions]
    given = {
        "outcomes": usage.array(decision.outcome for decision in decisions),
        "codes": usage.array(decision.code for decision in decisions),
        "verdicts": _quoted_array(decision.verdicts_json for decision in decisions),
        "days": usage.array(day for _decision, day in numbered.decisions),
        "ids": usage.array(row.id for row in rows),
        "numbers": usage.array(numbered.numbers),
        "dues": usage.array(_due_after(row) for row in rows),
        "now": now,
        "origin": str(origin),
        "actor": actor,
        "version": rules.version,
        "debug_after": policies.debug_after(),
    }
    cursor = _cursor()
    version = cursor.connection.info.server_version
    write = statements.write(server_version=version, run_now=origin is Origin.RUN_NOW)
    written = cursor.execute(write, given).fetchone()
    assert written is not None  # an aggregate has one row
    return int(written[0])


def _used(rows: Sequence[_Row], days: Sequence[str]) -> dict[str, int]:
    # A statement of its own: its snapshot is taken when the locks are held.
    asked = set(zip([usage.of_schedule(row.id) for row in rows], days, strict=True))
    asked.update(zip([usage.of_connection(row.connection_id) for row in rows], days, strict=True))
    return usage.count(asked)


def _decided(
    rows: Sequence[_Row],
    days: Sequence[str],
    used: dict[str, int],
    rules: GatePolicy,
    *,
    now_second: int,
) -> _Numbered:
    """Decide in order; what one slot takes from a limit, the next one no longer has."""
    numbers: dict[tuple[int, str], str] = {}
    decisions: list[tuple[Decision, str]] = []
    chosen: list[str] = []
    for row, day in zip(rows, days, strict=True):
        schedule_key = f"{usage.of_schedule(row.id)} {day}"
        connection_key = f"{usage.of_connection(row.connection_id)} {day}"
        facts = Facts(
            user_enabled=row.user_enabled,
            admin_status=row.admin_status,
            content_digest=row.content_digest,
            approved_digest=row.approved_digest,
            session_state=row.session_state,
            schedule_limit=row.daily_limit,
            schedule_used=used.get(schedule_key, 0),
            connection_used=used.get(connection_key, 0),
            late_seconds=now_second - row.second,
        )
        decision = decide(facts, rules)
        if decision.dispatched:
            used[schedule_key] = used.get(schedule_key, 0) + 1
            used[connection_key] = used.get(connection_key, 0) + 1
        # Equal decisions are one object, which the list keeps alive.
        number = numbers.get((id(decision), day))
        if number is None:
            decisions.append((decision, day))
            number = numbers[id(decision), day] = str(len(decisions))
        chosen.append(number)
    return _Numbered(decisions=decisions, numbers=chosen)


def _due_after(row: _Row) -> str:
    second = next_second(_rule(row.zone, row.weekdays, row.times), row.second)
    return "NULL" if second is None else str(second)


@lru_cache(maxsize=65_536)
def _rule(zone: str, weekdays: int, times: str) -> Rule:
    return parse(zone=zone, weekdays=weekdays, times=times[1:-1].split(","))


def _quoted_array(items: Iterable[str]) -> str:
    # A JSON string without control characters is also how an array literal quotes.
    return usage.array(json.dumps(item) for item in items)
