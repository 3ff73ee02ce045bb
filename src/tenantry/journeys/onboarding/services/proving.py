"""The second page: the code proves the address."""

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from tenantry.core import tenancy
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.states import Purpose
from tenantry.journeys.onboarding.capabilities import Act
from tenantry.journeys.onboarding.models import Registration
from tenantry.journeys.onboarding.services.moving import VISITOR, expiry, lock, move, require
from tenantry.journeys.onboarding.states import RUNNING, RegistrationState
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action
from tenantry.ledger.funnel import services as funnel
from tenantry.ledger.funnel.states import Step

_LOCK_MAILBOX = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def enter_code(*, journey_id: UUID, browser: str, code: str, now: datetime) -> Registration:
    """Prove the address; returns the registration to go on with.

    That is another one where the address has one that runs: this browser leads it from now on, so
    the caller keeps the returned `id`. A second submit changes nothing. Not inside a transaction,
    as tries count even when they are refused.
    Refuses: accounts' `CodeRefused` and `TooManyCodes`, `NotNow`, `RegistrationMissing`.
    """
    # One transaction spends the code and moves on: no crash and no second tab comes between.
    with transaction.atomic(durable=True), tenancy.platform("prove a stranger's address"):
        registration = lock(journey_id=journey_id, browser=browser)
        if registration.state in RUNNING:
            return registration
        require(registration, Act.ENTER_CODE)
        answer = accounts.check_code(
            email=registration.email,
            browser=browser,
            code=code,
            purpose=Purpose.TRIAL,
            now=now,
        )
        if answer is accounts.CodeAnswer.PROVEN:
            registration = _proven(registration, now)
    answer.require()
    return registration


def _proven(registration: Registration, now: datetime) -> Registration:
    funnel.record(step=Step.CODE_VERIFIED, subject=registration.id, at=now)
    with connection.cursor() as cursor:
        # Two browsers may prove one mailbox at the same time.
        cursor.execute(_LOCK_MAILBOX, [registration.email_key])
    running = (
        Registration.objects.select_for_update(of=["self"])
        .select_related("decision")
        .filter(email_key=registration.email_key, state__in=RUNNING)
        .first()
    )
    proof = {"verified_at": now, "expires_at": expiry(now)}
    if running is None:
        move(registration, RegistrationState.VERIFIED, now=now, changes=proof)
        return registration
    _take_over(running, registration, now)
    move(
        running,
        RegistrationState(running.state),
        now=now,
        changes={**proof, "browser_hash": registration.browser_hash},
    )
    move(registration, RegistrationState.ABANDONED, now=now, changes={"email": ""})
    return running


def _take_over(running: Registration, newer: Registration, now: datetime) -> None:
    audit.append(
        action=Action.ONBOARDING_BROWSER_CHANGED,
        tenant_id=running.tenant_id,
        actor=VISITOR,
        target=("registration", str(running.id)),
        at=now,
        body={"from_registration": newer.id},
    )
