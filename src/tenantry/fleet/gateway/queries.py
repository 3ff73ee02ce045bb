"""What host names should lead to."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet

from tenantry.core import tenancy
from tenantry.fleet.domains import queries as domains
from tenantry.fleet.gateway.models import Route
from tenantry.fleet.gateway.states import RouteState

ENTER_PATH = "/.tenantry/enter"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where one host name leads, and whose it is."""

    tenant_id: UUID
    upstream: str
    serving: bool


@dataclass(frozen=True, kw_only=True)
class Desired:
    """All routes at one moment: what every gateway should do.

    `version` is the newest route's; `digest` differs whenever anything differs, removals included.
    """

    version: int = 0
    routes: Mapping[str, Target] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Return 16 hex digits that name this very state."""
        lines = (
            f"{host} {self.routes[host].tenant_id} {self.routes[host].upstream}"
            f" {self.routes[host].serving}\n"
            for host in sorted(self.routes)
        )
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def desired() -> Desired:
    """Return all routes, in one statement."""
    with tenancy.platform("the gateway serves every tenant"):
        rows = list(Route.objects.values_list("host", "tenant_id", "upstream", "state", "version"))
    return Desired(
        version=max((version for *_rest, version in rows), default=0),
        routes={
            host: Target(
                tenant_id=tenant_id, upstream=upstream, serving=state == RouteState.SERVING
            )
            for host, tenant_id, upstream, state, _version in rows
        },
    )


def list_routes(tenant_id: UUID) -> QuerySet[Route]:
    """Return a tenant's routes; in its scope or the platform's."""
    return Route.objects.filter(tenant_id=tenant_id).order_by("host")


def find_route(host: str) -> Route | None:
    """Return the route of a host name, whoever's it is."""
    with tenancy.platform("find the owner of a host name"):
        return Route.objects.filter(host=host).first()


def enter_url(*, host: str, token: str) -> str:
    """Return the address that redeems a ticket at its host name."""
    return f"{domains.public_url(host)}{ENTER_PATH}?{urlencode({'ticket': token})}"
