"""Acts: what an operator may do to rows. Each calls one service; the services decide."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tenantry.core.errors import DomainError, Text
from tenantry.customers.accounts.roles import OperatorAct

# More at once would hold too many locks in one transaction.
MOST_ROWS = 500
_MOST_SHOWN = 5


class TooManyRows(DomainError):
    """More rows were chosen than one act may touch."""

    code = "too_many_rows"
    http_status = 422
    message = _("%(count)s were chosen; %(limit)s at once are possible.")
    remedy = _("Choose fewer, or filter the list first.")


@dataclass(frozen=True, kw_only=True)
class Order:
    """One act on one row; `seen` is the version of it that the operator looked at, if known."""

    row: Any
    seen: str | None
    actor: str
    reason: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Act:
    """What a button says, who may press it, what it asks first and which service it calls.

    `done` says it of `%(count)d` rows. `ask` explains the consequence before it is done; without it
    and without `reason` the act is done at once. `reason` says who will read the reason. `fits`
    hides the button where it would only be refused. A `bound` act is done to versions that were
    shown; where one is not known, it asks first and shows the rows as they are then.
    """

    name: str
    label: Text
    icon: str
    needs: OperatorAct
    run: Callable[[Order], object]
    done: Text
    ask: Text = ""
    reason: Text = ""
    tone: str = ""
    fits: Callable[[Any], bool] = lambda _row: True
    bound: bool = False

    @property
    def asks_first(self) -> bool:
        """Return whether a form stands before it."""
        return bool(self.ask or self.reason)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why one row stayed as it was."""

    row: Any
    cause: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an act achieved."""

    done: int
    refused: tuple[Refusal, ...]


def perform(
    act: Act,
    rows: Iterable[Any],
    *,
    seen: Mapping[str, str],
    actor: str,
    reason: str,
    now: datetime,
) -> Result:
    """Do it to each row, in the order of their ids; a refusal leaves only its own row as it was.

    `seen` has the version that was looked at, by id. Refuses: `TooManyRows`.
    """
    chosen = sorted(rows, key=lambda row: str(row.pk))
    if len(chosen) > MOST_ROWS:
        raise TooManyRows(count=len(chosen), limit=MOST_ROWS)
    refused = []
    for row in chosen:
        try:
            with transaction.atomic():
                version = seen.get(str(row.pk))
                act.run(Order(row=row, seen=version, actor=actor, reason=reason, now=now))
        except DomainError as error:
            refused.append(Refusal(row=row, cause=error.text(), remedy=error.remedy_text()))
    return Result(done=len(chosen) - len(refused), refused=tuple(refused))


def announce(
    request: HttpRequest, act: Act, result: Result, *, name_of: Callable[[Any], str]
) -> None:
    """Say how many it was done to, and of each other row why not."""
    if result.done:
        messages.success(request, act.done % {"count": result.done})
    for refusal in result.refused[:_MOST_SHOWN]:
        messages.warning(request, f"{name_of(refusal.row)}: {refusal.cause} {refusal.remedy}")
    more = len(result.refused) - _MOST_SHOWN
    if more > 0:
        text = ngettext("%(count)d more was refused.", "%(count)d more were refused.", more)
        messages.warning(request, text % {"count": more})
