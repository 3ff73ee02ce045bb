"""What the pages about schedules read: rows, choices, first steps and counts."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tenantry.faces.portal import beginning, words
from tenantry.faces.portal.plans import Gate, Row, gates
from tenantry.ledger.audit import queries as audit
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import registry
from tenantry.sdk.content import ContentChoice
from tenantry.sdk.portal import TenantAccess
from tenantry.work.automation import queries as automation
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules import queries
from tenantry.work.schedules.queries import Standing
from tenantry.work.schedules.states import AdminStatus, Status

_LOOKED_AT = 40
_SWITCHES = frozenset(
    {
        Action.SCHEDULES_SCHEDULE_CREATED,
        Action.SCHEDULES_SCHEDULE_ENABLED,
        Action.SCHEDULES_SCHEDULE_DISABLED,
    }
)


def rows(tenant: TenantAccess, *, now: datetime) -> list[Row]:
    """Return the tenant's schedules with their standing now."""
    return _named(tenant, queries.list_for_tenant(tenant_id=tenant.tenant_id, now=now), now)


def row(tenant: TenantAccess, schedule_id: UUID, *, now: datetime) -> Row:
    """Return one schedule with its standing now; `NotFound` for those of others."""
    schedule = queries.get_for_tenant(tenant_id=tenant.tenant_id, schedule_id=schedule_id)
    return _named(tenant, queries.standings([schedule], at=now, now=now), now)[0]


def _named(tenant: TenantAccess, standings: Sequence[Standing], now: datetime) -> list[Row]:
    names = {choice.content_id: choice.name for choice in _contents(tenant)}
    lost = _("deleted")
    return [
        Row(standing=standing, content=names.get(standing.schedule.content_id, lost), now=now)
        for standing in standings
    ]


def stations(shown: Row) -> list[Gate]:
    """Return the gates of a schedule, each with since when it is as it is."""
    schedule = shown.schedule
    own = list(audit.list_for_target("schedule", schedule.id)[:_LOOKED_AT])
    account = list(audit.list_for_target("connection", schedule.connection_id)[:_LOOKED_AT])
    changed = {
        "enabled": _newest(entry for entry in own if entry.action in _SWITCHES),
        "admin": _newest(entry for entry in own if _target(entry) in AdminStatus.values)
        or schedule.created_at,
        "session": _newest(entry for entry in account if _target(entry) in SessionState.values),
    }
    since = {
        gate: words.day_and_time(at, zone=schedule.zone, now=shown.now)
        for gate, at in changed.items()
        if at
    }
    return gates(shown.standing.gates, since)


def _newest(entries: Iterator[AuditEntry]) -> datetime | None:
    return next((entry.at for entry in entries), None)


def _target(entry: AuditEntry) -> str:
    return str(entry.facts.get("to", ""))


def coming(found: Sequence[Row]) -> list[Row]:
    """Return the schedules that have a next time, the soonest first."""
    planned = [(row.schedule.next_due_at, number) for number, row in enumerate(found)]
    return [found[number] for due, number in sorted((d, n) for d, n in planned if d)]


def account_choices(tenant: TenantAccess) -> list[tuple[str, str]]:
    """Return the accounts that a schedule may use, by id and name."""
    found = automation.list_connections(tenant_id=tenant.tenant_id)
    return [(str(connection.id), str(connection)) for connection in found]


def content_choices(tenant: TenantAccess) -> list[tuple[str, str]]:
    """Return what a schedule may post, by id and name."""
    return [(str(choice.content_id), choice.name) for choice in _contents(tenant)]


def missing(tenant: TenantAccess) -> list[beginning.Step]:
    """Return the steps that have to be taken before a schedule can be made."""
    return beginning.missing(tenant, connected=_connected(tenant), written=bool(_contents(tenant)))


def steps(tenant: TenantAccess, *, planned: bool) -> list[beginning.Step]:
    """Return the first steps until all were taken, then none."""
    connected, written = _connected(tenant), bool(_contents(tenant))
    if connected and written and planned:
        return []
    return beginning.steps(tenant, connected=connected, written=written, planned=planned)


def posted(tenant: TenantAccess, *, status: Status, now: datetime) -> int:
    """Return how many runs of the last seven days ended so."""
    week = queries.list_slots(
        tenant_id=tenant.tenant_id, status=status, since=now - timedelta(days=7)
    )
    return week.count()


def today(tenant: TenantAccess, *, now: datetime) -> str:
    """Return the date on the company's wall, with the day of the week."""
    local = now.astimezone(ZoneInfo(tenant.zone))
    return formats.date_format(local, pgettext("date with weekday", "l, j F"))


def _connected(tenant: TenantAccess) -> bool:
    return automation.list_connections(tenant_id=tenant.tenant_id).exists()


def _contents(tenant: TenantAccess) -> list[ContentChoice]:
    return [
        choice
        for product in registry.products()
        if product.content
        for choice in product.content.choices(tenant_id=tenant.tenant_id)
    ]
