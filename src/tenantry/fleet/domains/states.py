"""The life of a host name, and its kinds."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenantry.core.states import check_moves


class DomainKind(TextChoices):
    """Whose name it is."""

    CANONICAL = "canonical", _("the platform's")
    CUSTOM = "custom", _("the customer's own")


class DomainState(TextChoices):
    """Where a host name is between being claimed and being given back."""

    PENDING_DNS = "pending_dns", _("waiting for DNS")
    VERIFYING = "verifying", _("being verified")
    ISSUING = "issuing", _("waiting for a certificate")
    ACTIVE = "active", _("in use")
    BROKEN = "broken", _("broken")
    REMOVED = "removed", _("given back")


# The platform's own names begin at VERIFYING: their DNS and certificate are a wildcard's.
DOMAIN_MOVES = check_moves(
    DomainState,
    {
        DomainState.PENDING_DNS: frozenset({DomainState.VERIFYING, DomainState.REMOVED}),
        DomainState.VERIFYING: frozenset(
            {DomainState.ISSUING, DomainState.ACTIVE, DomainState.BROKEN, DomainState.REMOVED}
        ),
        DomainState.ISSUING: frozenset(
            {DomainState.ACTIVE, DomainState.BROKEN, DomainState.REMOVED}
        ),
        DomainState.ACTIVE: frozenset({DomainState.BROKEN, DomainState.REMOVED}),
        DomainState.BROKEN: frozenset(
            {DomainState.VERIFYING, DomainState.ACTIVE, DomainState.REMOVED}
        ),
        DomainState.REMOVED: frozenset(),
    },
)
