"""How registrations end: ready, failed, entered, or forgotten."""

from datetime import datetime, timedelta
from uuid import UUID

from tenantry.core import tenancy
from tenantry.core.journey import KEPT_SECONDS
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.models import User
from tenantry.fleet.provisioning import queries as provisioning
from tenantry.fleet.provisioning.states import RunKind, RunState
from tenantry.governance.policies import queries as policies
from tenantry.journeys.onboarding import queries
from tenantry.journeys.onboarding.capabilities import Act
from tenantry.journeys.onboarding.errors import EntryOver
from tenantry.journeys.onboarding.models import Decision, Registration
from tenantry.journeys.onboarding.services.moving import move, require
from tenantry.journeys.onboarding.states import ENDED, UNFINISHED, RegistrationState

_WORKER = "system:worker"
_BATCH = 500
_KEPT = timedelta(seconds=KEPT_SECONDS)
_STATE_OF_RUN = {
    RunState.SUCCEEDED: RegistrationState.READY,
    RunState.FAILED: RegistrationState.FAILED,
    RunState.CANCELLED: RegistrationState.FAILED,
}


def follow_run(*, tenant_id: UUID, now: datetime) -> Registration | None:
    """Bring a registration where its tenant's run is: READY, FAILED, or ACCEPTED again.

    Asks the run itself, so that news that come late or twice do no harm. READY stays.
    """
    with tenancy.platform("follow a run"):
        registration = Registration.objects.select_for_update().filter(tenant_id=tenant_id).first()
        if registration is None or registration.state == RegistrationState.READY:
            return registration
        run = provisioning.run_of(tenant_id)
        if run is not None and run.kind == RunKind.CREATE:
            target = _STATE_OF_RUN.get(RunState(run.state), RegistrationState.ACCEPTED)
            if target != registration.state:
                move(registration, target, now=now, actor=_WORKER)
    return registration


def enter(*, journey_id: UUID, browser: str, now: datetime) -> User:
    """Return the owner, to be signed in by the browser that proved his address.

    Refuses: `EntryOver` some hours after the proof, `NotNow`, `RegistrationMissing`, `NotFound`.
    """
    registration = queries.get_for_browser(journey_id=journey_id, browser=browser)
    require(registration, Act.ENTER)
    hours = timedelta(hours=policies.number("onboarding.enter_hours"))
    if (
        registration.verified_at is None
        or registration.user_id is None
        or now - registration.verified_at >= hours
    ):
        raise EntryOver
    return accounts.admit(user_id=registration.user_id, now=now)


def expire(*, now: datetime) -> int:
    """End unfinished registrations whose time is over, forget their addresses, return how many.

    What ended without a company is deleted when no browser keeps its journey any more.
    """
    count = 0
    with tenancy.platform("end what nobody came back to"):
        over = Registration.objects.filter(state__in=UNFINISHED, expires_at__lte=now)
        for registration in over.select_for_update(skip_locked=True).order_by("expires_at")[
            :_BATCH
        ]:
            move(
                registration,
                RegistrationState.EXPIRED,
                now=now,
                actor=_WORKER,
                changes={"email": ""},
            )
            count += 1
        _forget(now)
    return count


def _forget(now: datetime) -> None:
    over = Registration.objects.filter(
        state__in=ENDED, tenant_id__isnull=True, expires_at__lt=now - _KEPT
    )
    ids = list(over.order_by("expires_at").values_list("id", flat=True)[:_BATCH])
    Registration.objects.filter(id__in=ids).delete()
    Decision.objects.filter(registration_id__in=ids).delete()
