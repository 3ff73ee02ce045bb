"""The vault's one table."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenantry.sdk.models import TenantOwned


class Secret(TenantOwned):
    """One sealed value; a destroyed one keeps its row, without the value."""

    purpose = models.CharField(_("purpose"), max_length=60, editable=False)
    sealed = models.BinaryField(null=True)
    key_id = models.CharField(_("key"), max_length=60)
    created_at = models.DateTimeField(_("created"))
    replaced_at = models.DateTimeField(_("replaced"), null=True)
    destroyed_at = models.DateTimeField(_("destroyed"), null=True)

    class Meta:
        """A destroyed secret holds nothing."""

        verbose_name = _("secret")
        verbose_name_plural = _("secrets")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(sealed__isnull=True, destroyed_at__isnull=False)
                | models.Q(sealed__isnull=False, destroyed_at__isnull=True),
                name="vault_secret_destroyed",
            ),
        ]

    def __str__(self) -> str:
        """Show what it is for, never what it is."""
        return f"{self.purpose} {self.id}"

    @property
    def aad(self) -> bytes:
        """Return what binds the ciphertext to this row."""
        return f"{self.tenant_id}|{self.purpose}|{self.id}".encode()
