"""Verbs: host names are routed, closed and forgotten; tickets are issued and redeemed."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from tenantry.core import live, tenancy
from tenantry.core.crypto import keyed_hash
from tenantry.core.errors import InvalidInput
from tenantry.core.ids import uuid7
from tenantry.fleet.domains.names import clean_host
from tenantry.fleet.gateway import queries
from tenantry.fleet.gateway.errors import RouteTaken, TicketInvalid
from tenantry.fleet.gateway.models import LONGEST_UPSTREAM, Route, Ticket
from tenantry.fleet.gateway.states import ROUTE_MOVES, RouteState
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.lifecycle import transition
from tenantry.ledger.audit.vocabulary import Action

TOPIC = "gateway.routes"
PROVISIONING = "system:provisioning"
TICKET_LIFE = timedelta(seconds=60)
_KEPT = timedelta(days=1)
_TOKEN_BYTES = 32
# Longer than any token of ours: not worth a hash.
_LONGEST_TOKEN = 100
_UPSTREAM = re.compile(r"([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\]):(\d{1,5})")
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class Admission:
    """Whom a redeemed ticket lets in, and where."""

    tenant_id: UUID
    user_id: UUID
    host: str


def put_route(
    *,
    tenant_id: UUID,
    host: str,
    upstream: str,
    state: RouteState,
    now: datetime,
    actor: str = PROVISIONING,
) -> Route:
    """Let a host name lead to an upstream `address:port`; as it is already, nothing changes.

    Every gateway serves it within a second. Refuses: `RouteTaken` when the name leads to another
    tenant, `HostNameInvalid`, `InvalidInput` for the upstream, `Stale`.
    """
    host = clean_host(host)
    _require_upstream(upstream)
    made = Route(
        id=uuid7(), tenant_id=tenant_id, host=host, upstream=upstream, state=state, changed_at=now
    )
    with tenancy.scope(tenant_id):
        made.version = _next_version()
        Route.objects.bulk_create([made], ignore_conflicts=True)
        # Another tenant's row is out of reach here.
        route = Route.objects.select_for_update().filter(host=host).first()
        if route is None:
            raise RouteTaken(host=host)
        if route.id == made.id:
            _record(Action.GATEWAY_ROUTE_ADDED, route, actor, now)
        elif not _change(route, upstream, state, actor=actor, now=now):
            return route
        live.notify(TOPIC)
    return route


def _change(route: Route, upstream: str, state: RouteState, *, actor: str, now: datetime) -> bool:
    fresh = {"upstream": upstream, "version": _next_version(), "changed_at": now}
    before = route.upstream
    moved = transition(
        route,
        field="state",
        target=state,
        moves=ROUTE_MOVES,
        action=Action.GATEWAY_ROUTE_CHANGED,
        actor=actor,
        at=now,
        tenant_id=route.tenant_id,
        body={"host": route.host, "upstream": upstream},
        extra=fresh,
    )
    if moved or before == upstream:
        return moved
    for name, value in fresh.items():
        setattr(route, name, value)
    route.save(update_fields=list(fresh))
    _record(Action.GATEWAY_ROUTE_CHANGED, route, actor, now, was=before)
    return True


def remove_routes(*, tenant_id: UUID, now: datetime, actor: str = PROVISIONING) -> int:
    """Let none of a tenant's host names lead anywhere; returns how many did."""
    with tenancy.scope(tenant_id):
        routes = list(queries.list_routes(tenant_id).select_for_update())
        for route in routes:
            _record(Action.GATEWAY_ROUTE_REMOVED, route, actor, now)
            route.delete()
        if routes:
            live.notify(TOPIC)
    return len(routes)


def issue_ticket(*, tenant_id: UUID, user_id: UUID, host: str, now: datetime) -> str:
    """Return a token that signs a person in once, within a minute, at this host name only.

    The caller has checked that the person may. Refuses: `HostNameInvalid`.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    ticket = Ticket(
        tenant_id=tenant_id,
        user_id=user_id,
        host=clean_host(host),
        token_hash=_hash(token),
        expires_at=now + TICKET_LIFE,
    )
    with tenancy.scope(tenant_id):
        ticket.save(force_insert=True)
        audit.append(
            action=Action.GATEWAY_TICKET_ISSUED,
            tenant_id=tenant_id,
            actor=f"user:{user_id}",
            target=("ticket", str(ticket.id)),
            at=now,
            body={"host": ticket.host},
        )
    return token


_REDEEM = """
    UPDATE gateway_ticket SET spent_at = %(now)s
    WHERE token_hash = %(hash)s AND host = %(host)s AND spent_at IS NULL AND expires_at > %(now)s
    RETURNING id, tenant_id, user_id
"""


def redeem_ticket(*, token: str, host: str, now: datetime) -> Admission:
    """Spend a ticket: of any number of callers at once exactly one gets in.

    Refuses: `TicketInvalid`.
    """
    if not token or len(token) > _LONGEST_TOKEN:
        raise TicketInvalid
    given: dict[str, Any] = {"now": now, "hash": _hash(token), "host": host}
    with tenancy.platform("redeem a ticket"), connection.cursor() as cursor:
        cursor.execute(_REDEEM, given)
        row = cursor.fetchone()
        if row is None:
            raise TicketInvalid
        ticket_id, tenant_id, user_id = row
        audit.append(
            action=Action.GATEWAY_TICKET_SPENT,
            tenant_id=tenant_id,
            actor=f"user:{user_id}",
            target=("ticket", str(ticket_id)),
            at=now,
            body={"host": host},
        )
    return Admission(tenant_id=tenant_id, user_id=user_id, host=host)


def forget_old_tickets(*, now: datetime) -> int:
    """Delete tickets that ran out a day ago and return how many."""
    with tenancy.platform("clear old tickets"):
        count, _by_model = Ticket.objects.filter(expires_at__lt=now - _KEPT).delete()
    return count


def _hash(token: str) -> bytes:
    return keyed_hash("gateway.ticket", token)


def _next_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('gateway_route_version')")
        version: int = cursor.fetchone()[0]
    return version


def _require_upstream(upstream: str) -> None:
    found = _UPSTREAM.fullmatch(upstream) if len(upstream) <= LONGEST_UPSTREAM else None
    if found is None or not 0 < int(found[2]) <= _HIGHEST_PORT:
        raise InvalidInput(field="upstream")


def _record(action: Action, route: Route, actor: str, now: datetime, **more: str) -> None:
    body: Mapping[str, str] = {
        "host": route.host,
        "upstream": route.upstream,
        "to": route.state,
        **more,
    }
    audit.append(
        action=action,
        tenant_id=route.tenant_id,
        actor=actor,
        target=("route", str(route.id)),
        at=now,
        body=body,
    )
