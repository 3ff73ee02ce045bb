"""What hosts there are, and who holds a share of them."""

from uuid import UUID

from django.db.models import QuerySet

from tenantry.core import tenancy
from tenantry.core.errors import NotFound
from tenantry.fleet.hosts.models import Host, Lease
from tenantry.fleet.hosts.placement import HostFacts
from tenantry.fleet.hosts.states import HostState, LeaseState


def list_hosts() -> QuerySet[Host]:
    """Return every host, by region and name."""
    return Host.objects.order_by("region", "name")


def regions() -> list[str]:
    """Return the regions that have an open host, by name."""
    hosts = Host.objects.filter(state=HostState.OPEN)
    return list(hosts.order_by("region").values_list("region", flat=True).distinct())


def get_host(host_id: UUID) -> Host:
    """Return a host; raises `NotFound`."""
    host = Host.objects.filter(id=host_id).first()
    if host is None:
        raise NotFound
    return host


def find_host(name: str) -> Host | None:
    """Return the host of this name, if it is registered."""
    return Host.objects.filter(name=name).first()


def find_lease(tenant_id: UUID) -> Lease | None:
    """Return a tenant's live lease with its host, if it has one."""
    with tenancy.scope(tenant_id):
        leases = Lease.objects.filter(tenant_id=tenant_id).exclude(state=LeaseState.RELEASED)
        return leases.select_related("host").first()


def list_leases(*, host_id: UUID) -> QuerySet[Lease]:
    """Return the live leases on a host, the oldest first; under `tenancy.platform`."""
    leases = Lease.objects.filter(host_id=host_id).exclude(state=LeaseState.RELEASED)
    return leases.order_by("created_at", "id")


def list_facts() -> list[HostFacts]:
    """Return every host as a placement sees it."""
    columns = HostFacts.__dataclass_fields__.keys() - {"host_id"}
    return [
        HostFacts(host_id=host.id, **{name: getattr(host, name) for name in columns})
        for host in Host.objects.all()
    ]
