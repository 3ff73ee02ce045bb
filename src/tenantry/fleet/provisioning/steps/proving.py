"""Steps that prove an instance ready, and only then say so."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenantry.customers.accounts import services as accounts
from tenantry.customers.notices import services as notices
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.provisioning import conditions, instances
from tenantry.fleet.provisioning.states import ConditionType
from tenantry.fleet.provisioning.steps.making import ACTOR, instance_of, move
from tenantry.fleet.provisioning.steps.work import Done, Facts, GoBack, NotYet, Order, Outcome, Work
from tenantry.ledger.funnel.states import Step as FunnelStep

ALL_TYPES = frozenset(ConditionType)


def _readiness(order: Order) -> Outcome:
    # Behind a route that is opened later, only the instance itself can be looked at.
    closed = {ConditionType.ROUTE} if "route_open" in order.later else set()
    return _proven(order, ALL_TYPES - closed)


def _proven(order: Order, asked: frozenset[ConditionType]) -> Outcome:
    verdicts = conditions.look(
        instance=instance_of(order), driver=order.driver, asked=asked, now=order.now
    )
    for verdict in verdicts:
        if not verdict.open:
            return NotYet(code=verdict.code, detail=str(verdict.facts.get("detail") or ""))
    return Done(result={"evidence": [verdict.as_json() for verdict in verdicts]})


def _activate(_order: Order) -> Outcome:
    return Done()


def _settle_activate(order: Order, _result: Facts) -> None:
    if not conditions.are_proven(tenant_id=order.tenant_id, now=order.now):
        raise GoBack("readiness")
    move(order, TenantState.ACTIVE)
    identity = instances.identity_of(order.tenant_id)
    owner = tenants.get_owner(order.tenant_id)
    token = accounts.issue_link(user=owner, actor=ACTOR, now=order.now)
    notices.send_mail(
        to=identity.owner_email,
        language=identity.language,
        template="tenant_active",
        facts={
            "company": identity.company,
            "url": identity.url,
            "portal": f"{settings.BASE_URL}/welcome/{token}/",
        },
        dedupe_key=f"activation:{order.tenant_id}",
        now=order.now,
        tenant_id=order.tenant_id,
    )


def _resumed(order: Order) -> Outcome:
    return _proven(order, ALL_TYPES)


def _settle_resumed(order: Order, _result: Facts) -> None:
    move(order, TenantState.ACTIVE)


PROVING = (
    Work(
        name="readiness",
        label=_("Trying it out"),
        perform=_readiness,
        phase=TenantState.VERIFYING,
        funnel=FunnelStep.READY,
    ),
    Work(
        name="activate",
        label=_("Opening it"),
        perform=_activate,
        settle=_settle_activate,
        phase=TenantState.VERIFYING,
        funnel=FunnelStep.ACTIVATED,
    ),
    Work(name="resumed", label=_("Coming back"), perform=_resumed, settle=_settle_resumed),
)
