"""The lives of a host and of a lease on its capacity."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tenantry.core.states import check_moves


class HostState(TextChoices):
    """Whether a host takes new tenants; those it has stay in every state."""

    OPEN = "open", pgettext_lazy("host", "open")
    DRAINING = "draining", _("draining")
    LOST = "lost", _("lost")


# A draining host takes nobody, heard of or not: it is never lost, so that its return opens nothing.
HOST_MOVES = check_moves(
    HostState,
    {
        HostState.OPEN: frozenset({HostState.DRAINING, HostState.LOST}),
        HostState.DRAINING: frozenset({HostState.OPEN}),
        HostState.LOST: frozenset({HostState.OPEN, HostState.DRAINING}),
    },
)


class LeaseState(TextChoices):
    """Who holds a share of a host: HELD runs out, CONFIRMED does not."""

    HELD = "held", pgettext_lazy("room on a host", "held")
    CONFIRMED = "confirmed", _("in use")
    RELEASED = "released", _("given back")


LEASE_MOVES = check_moves(
    LeaseState,
    {
        LeaseState.HELD: frozenset({LeaseState.CONFIRMED, LeaseState.RELEASED}),
        LeaseState.CONFIRMED: frozenset({LeaseState.RELEASED}),
        LeaseState.RELEASED: frozenset(),
    },
)
