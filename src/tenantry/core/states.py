"""Lifecycles as data: an enumeration, and a table of the moves that are allowed."""

from collections.abc import Mapping

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError

Moves = Mapping[str, frozenset[str]]


class IllegalMove(DomainError):
    """The lifecycle has no such move."""

    code = "illegal_move"
    message = _("This is %(source)s and cannot become %(target)s.")
    remedy = _("Reload the page to see the present state.")


def check_moves(states: type[TextChoices], moves: Moves) -> Moves:
    """Return the table if it names every state once and moves only to known states.

    Called where the table is written, so that a wrong table cannot be imported.
    """
    known = frozenset(states)
    if unknown := (frozenset(moves) | frozenset().union(*moves.values())) - known:
        reason = f"{states.__name__}: moves name unknown states {sorted(unknown)}"
        raise ValueError(reason)
    if missing := known - frozenset(moves):
        reason = (
            f"{states.__name__}: no line for {sorted(missing)}; a terminal state has an empty set"
        )
        raise ValueError(reason)
    return moves


def terminal(moves: Moves) -> frozenset[str]:
    """Return the states that nothing leaves."""
    return frozenset(state for state, targets in moves.items() if not targets)


def require_move(moves: Moves, *, source: str, target: str) -> None:
    """Raise `IllegalMove` unless the table has the move."""
    if target not in moves[source]:
        raise IllegalMove(source=source, target=target)
