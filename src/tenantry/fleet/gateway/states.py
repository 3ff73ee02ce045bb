"""The life of a route."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenantry.core.states import check_moves


class RouteState(TextChoices):
    """Whether a host name leads to its instance; a route that is removed is no row any more."""

    SERVING = "serving", _("serving")
    SUSPENDED = "suspended", _("suspended")


ROUTE_MOVES = check_moves(
    RouteState,
    {
        RouteState.SERVING: frozenset({RouteState.SUSPENDED}),
        RouteState.SUSPENDED: frozenset({RouteState.SERVING}),
    },
)
