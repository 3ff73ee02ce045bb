"""Registrations wait for an operator: see why each of them does, then let it in or turn it down."""

from collections.abc import Iterator
from datetime import datetime

from tenantry.config.runbooks.finding import ACTOR, Finding
from tenantry.core import tenancy
from tenantry.core.errors import NotFound
from tenantry.journeys.onboarding import queries as registrations
from tenantry.journeys.onboarding import services as onboarding
from tenantry.journeys.onboarding.models import Registration
from tenantry.journeys.onboarding.states import RegistrationState


def play(
    *,
    reference: str,
    verdict: str,
    reason: str,
    dry_run: bool,
    now: datetime,
) -> Iterator[Finding]:
    """List what waits, or decide on one: `verdict` is `approve` or `reject`, or "" to look only.

    Raises `NotFound` for an unknown reference and what `approve` and `reject` refuse.
    """
    for waiting in _waiting(reference):
        name = f"{waiting.reference}: {waiting.company}"
        yield Finding(step=name, seen=_told(waiting, now))
        if not (reference and verdict):
            continue
        if not dry_run and verdict == "approve":
            onboarding.approve(registration_id=waiting.id, actor=ACTOR, now=now, reason=reason)
        if not dry_run and verdict == "reject":
            onboarding.reject(registration_id=waiting.id, reason=reason, actor=ACTOR, now=now)
        yield Finding(step=name, seen="decided on", act=verdict, done=not dry_run)


def _waiting(reference: str) -> list[Registration]:
    with tenancy.platform("list the registrations that wait"):
        found = registrations.list_registrations()
        if reference:
            found = found.filter(reference=reference)
        else:
            found = found.filter(state=RegistrationState.AWAITING_APPROVAL).order_by("verified_at")
        waiting = list(found)
    if reference and not waiting:
        raise NotFound
    return waiting


def _told(waiting: Registration, now: datetime) -> str:
    age = now - (waiting.verified_at or waiting.created_at)
    hours = int(age.total_seconds() // 3600)
    decision = waiting.decision
    why = f"{decision.domain} is {decision.kind} ({decision.code})" if decision else "no verdict"
    return f"{waiting.state} for {hours} h; {why}; region {waiting.region or 'any'}"
