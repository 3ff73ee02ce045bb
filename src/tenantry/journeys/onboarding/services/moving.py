"""Finding the row to change, and changing it; used by the verbs beside it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from tenantry.core import live
from tenantry.governance.policies import queries as policies
from tenantry.journeys.onboarding.capabilities import Act
from tenantry.journeys.onboarding.errors import NotNow, RegistrationMissing
from tenantry.journeys.onboarding.models import Registration
from tenantry.journeys.onboarding.queries import browser_key
from tenantry.journeys.onboarding.states import REGISTRATION_MOVES, RegistrationState
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit.vocabulary import Action

VISITOR = "system:web"


def lock(*, journey_id: UUID, browser: str) -> Registration:
    """Return the registration that this browser leads, locked. Refuses: `RegistrationMissing`."""
    registration = (
        Registration.objects.select_for_update(of=["self"])
        .select_related("decision")
        .filter(id=journey_id, browser_hash=browser_key(browser))
        .first()
    )
    if registration is None:
        raise RegistrationMissing
    return registration


def require(registration: Registration, act: Act) -> None:
    """Refuse what the state has no room for. Refuses: `NotNow`."""
    if not registration.can(act):
        raise NotNow(state=RegistrationState(registration.state).label)


def move(
    registration: Registration,
    target: RegistrationState,
    *,
    now: datetime,
    actor: str = VISITOR,
    action: Action = Action.ONBOARDING_REGISTRATION_CHANGED,
    reason: str = "",
    changes: Mapping[str, object] | None = None,
) -> None:
    """Bring a locked registration to a state, with other fields; being there only those change."""
    extra = dict(changes or {})
    tenant_id = extra.get("tenant_id", registration.tenant_id)
    moved = lifecycle.transition(
        registration,
        field="state",
        target=target,
        moves=REGISTRATION_MOVES,
        action=action,
        actor=actor,
        at=now,
        tenant_id=tenant_id if isinstance(tenant_id, UUID) else None,
        reason=reason,
        extra=extra,
    )
    if not moved and extra:
        Registration.objects.filter(id=registration.id).update(**extra)
        for name, value in extra.items():
            setattr(registration, name, value)
    live.notify(f"registration:{registration.id}", kind="registration")


def expiry(now: datetime) -> datetime:
    """Return until when the visitor's next step is awaited."""
    return now + timedelta(hours=policies.number("onboarding.expiry_hours"))
