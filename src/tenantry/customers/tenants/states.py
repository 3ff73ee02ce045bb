"""The life of a tenant, and the roles of its members."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenantry.core.states import check_moves


class TenantState(TextChoices):
    """Where a tenant is between being asked for and being gone."""

    REQUESTED = "requested", _("requested")
    PLACED = "placed", _("placed")
    PROVISIONING = "provisioning", _("being set up")
    VERIFYING = "verifying", _("being verified")
    ACTIVE = "active", _("active")
    DEGRADED = "degraded", _("degraded")
    SUSPENDED = "suspended", _("suspended")
    ARCHIVED = "archived", _("archived")
    PURGING = "purging", _("being erased")
    PURGED = "purged", _("erased")
    FAILED = "failed", _("failed")


TENANT_MOVES = check_moves(
    TenantState,
    {
        TenantState.REQUESTED: frozenset({TenantState.PLACED, TenantState.FAILED}),
        TenantState.PLACED: frozenset({TenantState.PROVISIONING, TenantState.FAILED}),
        TenantState.PROVISIONING: frozenset({TenantState.VERIFYING, TenantState.FAILED}),
        TenantState.VERIFYING: frozenset({TenantState.ACTIVE, TenantState.FAILED}),
        TenantState.ACTIVE: frozenset(
            {TenantState.DEGRADED, TenantState.SUSPENDED, TenantState.ARCHIVED}
        ),
        TenantState.DEGRADED: frozenset(
            {TenantState.ACTIVE, TenantState.SUSPENDED, TenantState.ARCHIVED}
        ),
        TenantState.SUSPENDED: frozenset({TenantState.ACTIVE, TenantState.ARCHIVED}),
        TenantState.ARCHIVED: frozenset({TenantState.ACTIVE, TenantState.PURGING}),
        TenantState.PURGING: frozenset({TenantState.PURGED, TenantState.FAILED}),
        TenantState.PURGED: frozenset(),
        # Tried again, from the beginning or from a later step.
        TenantState.FAILED: frozenset(
            {
                TenantState.PLACED,
                TenantState.PROVISIONING,
                TenantState.VERIFYING,
                TenantState.PURGING,
            }
        ),
    },
)


class Role(TextChoices):
    """What a member may do; see `roles`."""

    OWNER = "owner", _("owner")
    ADMIN = "admin", _("administrator")
    MEMBER = "member", _("member")
    VIEWER = "viewer", _("viewer")
