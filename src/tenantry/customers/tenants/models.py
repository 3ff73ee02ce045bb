"""Tenants and memberships."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenantry.core.ids import short_id, uuid7
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants.states import Role, TenantState

NAME_LENGTH = 100


class Tenant(models.Model):
    """A customer's company: the unit of isolation."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    short_id = models.CharField(max_length=10, unique=True, default=short_id, editable=False)
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    zone = models.CharField(_("time zone"), max_length=60)
    language = models.CharField(_("language"), max_length=5)
    state = models.CharField(
        _("state"), max_length=12, choices=TenantState, default=TenantState.ACTIVE
    )
    created_at = models.DateTimeField(_("created"), editable=False)

    class Meta:
        """Words for the console."""

        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class Membership(models.Model):
    """A person's role in a tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role)
    created_at = models.DateTimeField(_("created"), editable=False)

    class Meta:
        """One role per person and tenant."""

        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "user"], name="tenants_membership_once"),
        ]

    def __str__(self) -> str:
        """Show the role."""
        return str(self.role)
