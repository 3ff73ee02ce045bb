"""A company's own instance as its people see it, and the way in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import NotFound, Text
from tenantry.customers.tenants import capabilities
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants.capabilities import Capability
from tenantry.customers.tenants.states import TenantState
from tenantry.faces.portal.words import Chip
from tenantry.fleet.domains import queries as domains
from tenantry.fleet.gateway import queries as gateway
from tenantry.fleet.gateway import services as tickets
from tenantry.fleet.provisioning import queries
from tenantry.fleet.provisioning.models import Condition, Run
from tenantry.fleet.provisioning.states import ConditionStatus, ConditionType, RunKind, RunState
from tenantry.journeys.onboarding import queries as onboarding
from tenantry.ledger.funnel import services as funnel
from tenantry.ledger.funnel.states import Step

_COMING = Chip(tone="busy", text=_("Being set up"))
_CHIPS: Mapping[str, Chip] = MappingProxyType(
    {
        TenantState.ACTIVE: Chip(tone="ok", text=_("Running")),
        TenantState.DEGRADED: Chip(tone="warn", text=_("Disturbed")),
        TenantState.SUSPENDED: Chip(tone="bad", text=_("Suspended"), icon="pause"),
        TenantState.ARCHIVED: Chip(tone="idle", text=_("Archived"), icon="lock"),
        TenantState.FAILED: Chip(tone="bad", text=_("Set-up failed"), icon="x"),
    }
)
_LIVING = frozenset({TenantState.ACTIVE, TenantState.DEGRADED})
# Which kind of run brought a company into its state.
_BROUGHT_BY: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        TenantState.ACTIVE: frozenset({RunKind.CREATE, RunKind.RESUME}),
        TenantState.DEGRADED: frozenset({RunKind.CREATE, RunKind.RESUME}),
        TenantState.SUSPENDED: frozenset({RunKind.SUSPEND}),
        TenantState.ARCHIVED: frozenset({RunKind.ARCHIVE}),
    }
)


@dataclass(frozen=True, kw_only=True)
class Saying:
    """What a condition says in plain words, by whether it holds."""

    holds: Text
    fails: Text


_SAYINGS: Mapping[str, Saying] = MappingProxyType(
    {
        ConditionType.ALIVE: Saying(holds=_("It runs"), fails=_("It does not run")),
        ConditionType.CANONICAL_HOST: Saying(
            holds=_("It answers as yours"), fails=_("It does not answer")
        ),
        ConditionType.LOG_IN: Saying(
            holds=_("It lets its people in"), fails=_("It lets nobody in")
        ),
        ConditionType.ROUTE: Saying(
            holds=_("Its address works from outside"),
            fails=_("Its address does not work from outside"),
        ),
        ConditionType.MAIL: Saying(holds=_("Mail can be sent"), fails=_("Mail cannot be sent")),
    }
)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One condition: what it says, whether it holds (None: not known), and since when."""

    text: Text
    holds: bool | None
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Card:
    """An instance as its people see it; `cause` and `remedy` are set where something is amiss."""

    chip: Chip
    host: str
    since: datetime | None
    facts: Sequence[Fact]
    can_open: bool
    signs_in: bool
    cause: Text = ""
    remedy: Text = ""
    reason: str = ""

    @property
    def holding(self) -> int:
        """Return how many conditions hold."""
        return sum(fact.holds is True for fact in self.facts)


def card_of(*, tenant_id: UUID, user_id: UUID) -> Card | None:
    """Return a company's instance, or None if it never asked for one; in the tenant's scope."""
    runs = list(queries.list_runs())
    if not runs:
        return None
    state = tenants.get_tenant(tenant_id).state
    domain = domains.find_canonical(tenant_id)
    conditions = _in_order(queries.conditions_of(tenant_id)) if state in _LIVING else []
    brought = _brought(runs, state)
    cause, remedy = _trouble(state)
    return Card(
        chip=_CHIPS.get(state, _COMING),
        host=domain.host if domain else "",
        since=_since(state, conditions, brought),
        facts=[_fact(condition) for condition in conditions],
        can_open=domain is not None and capabilities.allows(state, Capability.RUN_WORK),
        signs_in=tenants.get_owner(tenant_id).id == user_id,
        cause=cause,
        remedy=remedy,
        reason=brought.reason if brought and state == TenantState.SUSPENDED else "",
    )


def entrance(*, tenant_id: UUID, user_id: UUID, now: datetime) -> str:
    """Return the address that leads a member into the company's instance; in the tenant's scope.

    The owner is signed in there by a ticket, others sign in themselves: only the owner's password
    is known to the platform. Refuses: `NotFound` without an instance, `TenantStateRefuses`.
    """
    capabilities.require(tenants.get_tenant(tenant_id).state, Capability.RUN_WORK)
    domain = domains.find_canonical(tenant_id)
    if domain is None:
        raise NotFound
    if tenants.get_owner(tenant_id).id != user_id:
        return domains.public_url(domain.host)
    registration = onboarding.find_by_tenant(tenant_id)
    if registration is not None:
        funnel.record(step=Step.ENTERED, subject=registration.id, at=now, tenant_id=tenant_id)
    token = tickets.issue_ticket(tenant_id=tenant_id, user_id=user_id, host=domain.host, now=now)
    return gateway.enter_url(host=domain.host, token=token)


def _in_order(conditions: list[Condition]) -> list[Condition]:
    """Return them as they are tried: from the process outwards."""
    order = list(ConditionType)
    return sorted(conditions, key=lambda one: order.index(ConditionType(one.type)))


def _brought(runs: Sequence[Run], state: str) -> Run | None:
    kinds = _BROUGHT_BY.get(state, frozenset())
    ended = (run for run in runs if run.state == RunState.SUCCEEDED and run.kind in kinds)
    return next(ended, None)


def _since(state: str, conditions: Sequence[Condition], brought: Run | None) -> datetime | None:
    broken = [one.last_transition_at for one in conditions if one.status == ConditionStatus.FALSE]
    if state == TenantState.DEGRADED and broken:
        return min(broken)
    return brought.ended_at if brought else None


def _fact(condition: Condition) -> Fact:
    holds = {ConditionStatus.TRUE: True, ConditionStatus.FALSE: False}.get(
        ConditionStatus(condition.status)
    )
    said = _SAYINGS[condition.type]
    return Fact(
        text=said.fails if holds is False else said.holds,
        holds=holds,
        since=condition.last_transition_at,
    )


def _trouble(state: str) -> tuple[Text, Text]:
    troubles: Mapping[str, tuple[Text, Text]] = {
        TenantState.DEGRADED: (
            _("Something does not work at the moment."),
            _("We noticed, and it is started again by itself. If it lasts, write to us."),
        ),
        TenantState.SUSPENDED: (
            _("An operator has suspended this instance. Your data is kept."),
            _("Clear up the reason with us; then an operator opens it again."),
        ),
        TenantState.ARCHIVED: (
            _("This instance was archived. Your data is kept, and nobody can enter."),
            _("Write to us if you want it back."),
        ),
        TenantState.FAILED: (
            _("We could not finish setting it up."),
            _("We have been told and try again. A mail comes when it is ready."),
        ),
    }
    if state in _LIVING - {TenantState.DEGRADED}:
        return "", ""
    return troubles.get(
        state,
        (_("It is being set up."), _("That takes less than a minute. A mail comes, too.")),
    )
