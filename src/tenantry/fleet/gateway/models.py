"""Where host names lead, and the tickets that sign people in to an instance."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenantry.fleet.domains.names import LONGEST_HOST
from tenantry.fleet.gateway.states import RouteState
from tenantry.sdk.models import TenantOwned

LONGEST_UPSTREAM = 260


class Route(TenantOwned):
    """One host name's desired state; `version` grows with each change of any route."""

    host = models.CharField(_("host name"), max_length=LONGEST_HOST, unique=True)
    upstream = models.CharField(_("leads to"), max_length=LONGEST_UPSTREAM)
    state = models.CharField(_("state"), max_length=9, choices=RouteState)
    version = models.BigIntegerField(_("version"))
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        """One route per host name."""

        verbose_name = _("route")
        verbose_name_plural = _("routes")

    def __str__(self) -> str:
        """Show where it leads."""
        return f"{self.host} -> {self.upstream} ({self.state})"


class Ticket(TenantOwned):
    """A right to be signed in once, at one host name; the token itself is stored nowhere."""

    user_id = models.UUIDField(editable=False)
    token_hash = models.BinaryField(max_length=32, unique=True)
    host = models.CharField(_("host name"), max_length=LONGEST_HOST)
    expires_at = models.DateTimeField(_("runs out"))
    spent_at = models.DateTimeField(_("used"), null=True)

    class Meta:
        """Old ones are found by age."""

        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="gateway_ticket_age")]

    def __str__(self) -> str:
        """Show the host name, never the hash."""
        return f"{self.host} until {self.expires_at:%Y-%m-%d %H:%M}"
