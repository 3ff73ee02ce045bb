"""Host names of tenants."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from tenantry.fleet.domains.names import LONGEST_HOST
from tenantry.fleet.domains.states import DomainKind, DomainState
from tenantry.sdk.models import TenantOwned

LONGEST_REASON = 500


class Domain(TenantOwned):
    """One host name of one tenant; a removed one stays as a record and may be claimed again."""

    host = models.CharField(_("host name"), max_length=LONGEST_HOST)
    kind = models.CharField(_("kind"), max_length=10, choices=DomainKind)
    state = models.CharField(
        _("state"), max_length=12, choices=DomainState, default=DomainState.PENDING_DNS
    )
    reason = models.CharField(_("reason"), max_length=LONGEST_REASON, blank=True)
    created_at = models.DateTimeField(_("claimed"))
    checked_at = models.DateTimeField(_("checked"), null=True)
    removed_at = models.DateTimeField(_("given back"), null=True)

    class Meta:
        """A name belongs to one tenant, and a tenant has one canonical name."""

        verbose_name = _("host name")
        verbose_name_plural = _("host names")
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("host"), condition=~Q(state=DomainState.REMOVED), name="domains_domain_host"
            ),
            models.UniqueConstraint(
                fields=["tenant_id"],
                condition=Q(kind=DomainKind.CANONICAL) & ~Q(state=DomainState.REMOVED),
                name="domains_domain_canonical",
            ),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.host
