"""What a step of a run is: what it does outside, what it changes inside, and how it is undone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tenantry.core.errors import Text
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.provisioning.drivers.compute import ComputeDriver
from tenantry.fleet.provisioning.models import Run
from tenantry.ledger.funnel.states import Step as FunnelStep

Facts = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Done:
    """All that the step is for has been reached; `result` is kept with it."""

    result: Facts = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NotYet:
    """It has not; `retryable` is a driver's own word on whether it can be."""

    code: str
    detail: str = ""
    retryable: bool | None = None


Outcome = Done | NotYet


class GoBack(Exception):
    """Raised by `settle`: what an earlier step showed no longer counts, so go on from there."""

    def __init__(self, to: str) -> None:
        """Remember the step."""
        super().__init__(to)
        self.to = to


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a step is given: its run, its own intent and result so far, the place, and the moment.

    `intend` stores what is about to be made outside, before it is made, and raises when the step is
    no longer this caller's; `say` writes a line of the log at once.
    """

    run: Run
    name: str
    intent: Facts
    result: Facts
    later: frozenset[str]  # the steps after this one
    driver: ComputeDriver
    now: datetime
    intend: Callable[[Facts], None]
    say: Callable[[str], None]

    @property
    def tenant_id(self) -> UUID:
        """Return whose run it is."""
        return self.run.tenant_id


def nothing(_order: Order) -> None:
    """Change nothing."""


def nothing_more(_order: Order, _result: Facts) -> None:
    """Change nothing more."""


def nothing_to_undo(_order: Order) -> Outcome:
    """There is nothing to undo."""
    return Done()


@dataclass(frozen=True, kw_only=True)
class Work:
    """One kind of step.

    `perform` and `undo` work outside of any transaction, may be repeated and may be cut off
    anywhere. `begin` and `settle` run in the transaction that starts and completes the step.
    `phase` is the state of the tenant while it is being created.
    """

    name: str
    label: Text
    perform: Callable[[Order], Outcome]
    begin: Callable[[Order], None] = nothing
    settle: Callable[[Order, Facts], None] = nothing_more
    undo: Callable[[Order], Outcome] = nothing_to_undo
    phase: TenantState | None = None
    funnel: FunnelStep | None = None
