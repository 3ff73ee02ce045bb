"""The third page, and the operator's answer: who is let in gets a tenant in the same breath."""

from datetime import datetime
from uuid import UUID

from django.conf import settings

from tenantry.core import live, tenancy, trace
from tenantry.core.errors import NotFound
from tenantry.customers.accounts import queries as people
from tenantry.customers.accounts import services as accounts
from tenantry.customers.notices import services as notices
from tenantry.customers.tenants import services as tenants
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.hosts import queries as hosts
from tenantry.fleet.provisioning import services as provisioning
from tenantry.fleet.provisioning.states import RunKind
from tenantry.governance.policies import queries as policies
from tenantry.governance.policies import services as counters
from tenantry.journeys.onboarding import lists
from tenantry.journeys.onboarding.capabilities import Act
from tenantry.journeys.onboarding.errors import NotNow, ReasonMissing, RegionUnavailable
from tenantry.journeys.onboarding.models import Decision, Registration
from tenantry.journeys.onboarding.services.moving import VISITOR, lock, move, require
from tenantry.journeys.onboarding.states import (
    RUNNING,
    DictionaryRule,
    Outcome,
    RegistrationState,
)
from tenantry.ledger.audit.vocabulary import Action
from tenantry.ledger.funnel import services as funnel
from tenantry.ledger.funnel.states import Step

_ALLOWED = f"DICTIONARY_{DictionaryRule.ALLOW.name}"


def give_details(
    *,
    journey_id: UUID,
    browser: str,
    company: str,
    region: str,
    language: str,
    zone: str,
    now: datetime,
) -> Registration:
    """Take company and region; then accept, or wait for an operator, as the verdict says.

    Of one domain only so many are accepted a day, the others wait, unless the dictionary allows it.

    Accepting makes person, tenant, membership and run in one transaction. Submitted again, or by
    many at once, it changes nothing more. Refuses: `RegionUnavailable`, tenants'
    `TenantNameInvalid`, `ZoneUnknown` and `LanguageUnknown`, accounts' `AddressTaken` for a person
    who was shut out, `NotNow`, `RegistrationMissing`.
    """
    with tenancy.platform("take a stranger's company"):
        registration = lock(journey_id=journey_id, browser=browser)
        if registration.state in RUNNING - {RegistrationState.VERIFIED}:
            return registration
        require(registration, Act.GIVE_DETAILS)
        name = tenants.require_company(name=company, zone=zone, language=language)
        if region not in hosts.regions():
            raise RegionUnavailable(region=region)
        details = {"company": name, "region": region, "language": language, "zone": zone}
        funnel.record(
            step=Step.DETAILS_GIVEN, subject=registration.id, at=now, facts={"region": region}
        )
        move(registration, RegistrationState.VERIFIED, now=now, changes=details)
        if _may_enter(registration.decision, now):
            _accept(registration, actor=VISITOR, now=now)
        else:
            _wait(registration, now)
    return registration


def _may_enter(decision: Decision | None, now: datetime) -> bool:
    """Return whether nobody needs to be asked: the verdict says so, and its domain is not milked.

    Outside the providers that we know, each plus, and each host name, may be a mailbox of its own.
    """
    if decision is None or decision.outcome != Outcome.ACCEPT:
        return False
    if any(verdict.code == _ALLOWED for verdict in decision.stages):
        # An operator stands for this domain.
        return True
    return counters.reserve(
        key=f"onboarding.domain:{lists.registrable(decision.domain) or decision.domain}",
        window=now.strftime("%Y-%m-%d"),
        limit=policies.number("onboarding.per_domain_day"),
    )


def _wait(registration: Registration, now: datetime) -> None:
    move(registration, RegistrationState.AWAITING_APPROVAL, now=now)
    notices.send_mail(
        to=registration.email,
        language=registration.language,
        template="trial_waiting",
        facts={"company": registration.company, "reference": registration.reference},
        dedupe_key=f"trial_waiting:{registration.id}",
        now=now,
    )
    live.notify("console", kind="registration")


def _accept(
    registration: Registration,
    *,
    actor: str,
    now: datetime,
    action: Action = Action.ONBOARDING_REGISTRATION_CHANGED,
    reason: str = "",
) -> None:
    user = people.find_by_email(registration.email) or accounts.create_user(
        email=registration.email, language=registration.language, actor=actor, now=now
    )
    tenant = tenants.create_tenant(
        name=registration.company,
        zone=registration.zone,
        language=registration.language,
        owner=user,
        actor=actor,
        now=now,
        state=TenantState.REQUESTED,
    )
    reviewed = {"reviewed_by": actor, "reviewed_at": now, "reason": reason}
    is_reviewed = registration.state == RegistrationState.AWAITING_APPROVAL
    move(
        registration,
        RegistrationState.ACCEPTED,
        now=now,
        actor=actor,
        action=action,
        reason=reason,
        changes={
            "tenant_id": tenant.id,
            "user_id": user.id,
            **(reviewed if is_reviewed else {}),
        },
    )
    funnel.record(step=Step.ACCEPTED, subject=registration.id, at=now, tenant_id=tenant.id)
    provisioning.start_run(
        tenant_id=tenant.id,
        kind=RunKind.CREATE,
        actor=actor,
        reason=reason or f"registration {registration.reference}",
        now=now,
        subject=registration.id,
        region=registration.region,
    )


def approve(*, registration_id: UUID, actor: str, now: datetime, reason: str = "") -> Registration:
    """Let a waiting registration in, as part of the visitor's journey; once more changes nothing.

    Refuses: `NotFound`, `NotNow`.
    """
    with tenancy.platform("approve a registration"):
        registration = _waiting(registration_id)
        if registration.tenant_id is not None:
            return registration
        _require_waiting(registration)
        with trace.rejoin(registration.trace_id):
            funnel.record(step=Step.APPROVED, subject=registration.id, at=now)
            _accept(
                registration,
                actor=actor,
                now=now,
                action=Action.ONBOARDING_REGISTRATION_APPROVED,
                reason=reason.strip(),
            )
        live.notify("console", kind="registration")
    return registration


def reject(*, registration_id: UUID, reason: str, actor: str, now: datetime) -> Registration:
    """Turn a waiting registration down and mail the reason; once more changes nothing.

    Refuses: `ReasonMissing`, `NotFound`, `NotNow`.
    """
    given = reason.strip()
    if not given:
        raise ReasonMissing
    with tenancy.platform("reject a registration"):
        registration = _waiting(registration_id)
        if registration.state == RegistrationState.REJECTED:
            return registration
        _require_waiting(registration)
        with trace.rejoin(registration.trace_id):
            move(
                registration,
                RegistrationState.REJECTED,
                now=now,
                actor=actor,
                action=Action.ONBOARDING_REGISTRATION_REJECTED,
                reason=given,
                changes={"reviewed_by": actor, "reviewed_at": now, "reason": given},
            )
            notices.send_mail(
                to=registration.email,
                language=registration.language,
                template="trial_rejected",
                facts={
                    "company": registration.company,
                    "reference": registration.reference,
                    "reason": given,
                    "trial": f"{settings.BASE_URL}/trial",
                },
                dedupe_key=f"trial_rejected:{registration.id}",
                now=now,
            )
        live.notify("console", kind="registration")
    return registration


def _waiting(registration_id: UUID) -> Registration:
    found = (
        Registration.objects.select_for_update(of=["self"])
        .select_related("decision")
        .filter(id=registration_id)
        .first()
    )
    if found is None:
        raise NotFound
    return found


def _require_waiting(registration: Registration) -> None:
    if registration.state != RegistrationState.AWAITING_APPROVAL:
        raise NotNow(state=RegistrationState(registration.state).label)
