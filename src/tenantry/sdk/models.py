"""The base of tenant-owned tables. End the migration that makes one with `protect(table)`."""

from django.db import models

from tenantry.core.ids import uuid7
from tenantry.core.tenancy import protect

__all__ = ["TenantOwned", "protect", "uuid7"]


class TenantOwned(models.Model):
    """A row that belongs to one tenant; row-level security hides it from all others."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField(db_index=True, editable=False)

    class Meta:
        """Every product's own tables derive from this."""

        abstract = True
