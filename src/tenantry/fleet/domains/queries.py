"""Which host names tenants have, and where they are reached."""

from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from tenantry.core import tenancy
from tenantry.fleet.domains.models import Domain
from tenantry.fleet.domains.states import DomainKind, DomainState


def find_canonical(tenant_id: UUID) -> Domain | None:
    """Return a tenant's canonical name, if it has one now."""
    with tenancy.scope(tenant_id):
        return list_domains(tenant_id).filter(kind=DomainKind.CANONICAL).first()


def list_domains(tenant_id: UUID) -> QuerySet[Domain]:
    """Return a tenant's present names, the canonical one first; in its scope or the platform's."""
    live = Domain.objects.filter(tenant_id=tenant_id).exclude(state=DomainState.REMOVED)
    return live.order_by("kind", "host")


def public_url(host: str) -> str:
    """Return what people open: the host name with the gateway's scheme and port."""
    gateway = urlsplit(settings.GATEWAY_URL)
    port = f":{gateway.port}" if gateway.port else ""
    return f"{gateway.scheme}://{host}{port}"
