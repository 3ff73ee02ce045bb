"""Conditions: what gates of readiness said last, and since when they say so."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from tenantry.core import live, tenancy
from tenantry.core.gates import Verdict
from tenantry.core.ids import uuid7
from tenantry.fleet.provisioning import instances, queries, recipes
from tenantry.fleet.provisioning.drivers.compute import ComputeDriver
from tenantry.fleet.provisioning.models import Condition, Instance
from tenantry.fleet.provisioning.probing import Target, probe
from tenantry.fleet.provisioning.readiness import Known, evaluate_asked, still_proven
from tenantry.fleet.provisioning.states import ConditionStatus, ConditionType

_LONGEST_MESSAGE = 500
# The same answer again is written no more often, unless it lets somebody in.
_SAME_AGAIN = timedelta(seconds=2)


def look(
    *,
    instance: Instance,
    driver: ComputeDriver,
    asked: Iterable[ConditionType],
    now: datetime,
) -> tuple[Verdict, ...]:
    """Probe what is asked of an instance, store the answers as its conditions, and return them.

    Uses the network: never inside a transaction.
    """
    wanted = frozenset(asked)
    identity = instances.identity_of(instance.tenant_id)
    target = Target(
        short_id=identity.short_id,
        label=instance.label,
        host=identity.host,
        upstream=instance.upstream,
        database=instance.database,
        account=instances.ADMIN_ACCOUNT,
        password=instances.passwords(instance).admin if ConditionType.LOG_IN in wanted else "",
    )
    probes = probe(
        target=target, recipe=recipes.recipe_of(instance.recipe), driver=driver, asked=wanted
    )
    verdicts = evaluate_asked(probes, wanted)
    store(tenant_id=instance.tenant_id, verdicts=verdicts, now=now)
    return verdicts


def store(*, tenant_id: UUID, verdicts: Iterable[Verdict], now: datetime) -> bool:
    """Keep what gates said; returns whether any condition changed its status."""
    said = list(verdicts)
    with tenancy.scope(tenant_id):
        before = {one.type: one for one in Condition.objects.filter(tenant_id=tenant_id)}
        fresh = [_condition(tenant_id, verdict, before.get(verdict.gate), now) for verdict in said]
        changed = any(
            one.type not in before or before[one.type].status != one.status for one in fresh
        )
        proven = all(verdict.open for verdict in said)
        if changed or proven or any(_differs(one, before[one.type], now) for one in fresh):
            Condition.objects.bulk_create(
                fresh,
                update_conflicts=True,
                unique_fields=["tenant_id", "type"],
                update_fields=[
                    "status",
                    "reason",
                    "message",
                    "facts",
                    "last_transition_at",
                    "checked_at",
                ],
            )
        Instance.objects.filter(tenant_id=tenant_id).update(looked_at=now)
        if changed:
            live.notify(f"tenant:{tenant_id}", kind="condition")
    return changed


def _condition(
    tenant_id: UUID, verdict: Verdict, before: Condition | None, now: datetime
) -> Condition:
    status = ConditionStatus.TRUE if verdict.open else ConditionStatus.FALSE
    same = before is not None and before.status == status
    return Condition(
        id=uuid7(),
        tenant_id=tenant_id,
        type=verdict.gate,
        status=status,
        reason="" if verdict.open else verdict.code,
        message=str(verdict.facts.get("detail") or "")[:_LONGEST_MESSAGE],
        facts=dict(verdict.facts),
        last_transition_at=before.last_transition_at if before and same else now,
        checked_at=now,
    )


def _differs(one: Condition, before: Condition, now: datetime) -> bool:
    return (one.reason, one.message) != (
        before.reason,
        before.message,
    ) or now - before.checked_at >= _SAME_AGAIN


def are_proven(*, tenant_id: UUID, now: datetime) -> bool:
    """Say whether all conditions of a tenant hold, by evidence of the last minute."""
    known = [
        Known(type=one.type, status=one.status, checked_at=one.checked_at)
        for one in queries.conditions_of(tenant_id)
    ]
    return still_proven(known, now=now)
