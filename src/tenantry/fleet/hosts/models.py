"""Hosts, and the leases on their capacity."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tenantry.core.ids import uuid7
from tenantry.fleet.hosts.states import HostState, LeaseState
from tenantry.sdk.models import TenantOwned

LONGEST_NAME = 63
LONGEST_REGION = 20


class Host(models.Model):
    """A machine that carries tenants: what it has, and how much of that leases hold.

    Processors are counted in thousandths, memory and disk in MiB. `beat_at` is when its process
    was heard of last, `measured_at` when it last said what it has.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=LONGEST_NAME, unique=True)
    region = models.CharField(_("region"), max_length=LONGEST_REGION)
    state = models.CharField(_("state"), max_length=8, choices=HostState, default=HostState.OPEN)
    cpu_milli = models.PositiveIntegerField(_("processor"))
    memory_mb = models.PositiveIntegerField(_("memory"))
    disk_mb = models.PositiveIntegerField(_("disk"))
    cpu_used = models.PositiveIntegerField(_("processor in use"), default=0)
    memory_used = models.PositiveIntegerField(_("memory in use"), default=0)
    disk_used = models.PositiveIntegerField(_("disk in use"), default=0)
    created_at = models.DateTimeField(_("registered"))
    measured_at = models.DateTimeField(_("measured"))
    beat_at = models.DateTimeField(_("last heard of"))

    class Meta:
        """Never more than there is."""

        verbose_name = _("host")
        verbose_name_plural = _("hosts")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    cpu_used__lte=F("cpu_milli"),
                    memory_used__lte=F("memory_mb"),
                    disk_used__lte=F("disk_mb"),
                ),
                name="hosts_host_capacity",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["region", "state"], name="hosts_host_region")]

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class Lease(TenantOwned):
    """A tenant's share of one host; `explanation` says why this host, host by host."""

    host = models.ForeignKey(Host, models.PROTECT, related_name="leases")
    state = models.CharField(_("state"), max_length=9, choices=LeaseState, default=LeaseState.HELD)
    cpu_milli = models.PositiveIntegerField(_("processor"))
    memory_mb = models.PositiveIntegerField(_("memory"))
    disk_mb = models.PositiveIntegerField(_("disk"))
    explanation = models.JSONField(_("explanation"), default=list)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("runs out"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        """One live lease per tenant."""

        verbose_name = _("lease")
        verbose_name_plural = _("leases")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id"],
                condition=~Q(state=LeaseState.RELEASED),
                name="hosts_lease_live",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"],
                condition=Q(state=LeaseState.HELD),
                name="hosts_lease_expiry",
            ),
        ]

    def __str__(self) -> str:
        """Show the state."""
        return f"{self.tenant_id} {self.state}"
