"""The first page: a journey begins, and somebody gives an address."""

from datetime import datetime, timedelta
from uuid import UUID

from tenantry.core import tenancy, trace
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.networks import network_of
from tenantry.customers.accounts.states import Purpose
from tenantry.governance.policies import queries as policies
from tenantry.governance.policies import services as counters
from tenantry.journeys.onboarding import queries
from tenantry.journeys.onboarding.addresses import Address, Problem, parse
from tenantry.journeys.onboarding.capabilities import Act
from tenantry.journeys.onboarding.errors import (
    AddressRefused,
    AddressUnreadable,
    TooManyRegistrations,
)
from tenantry.journeys.onboarding.explanations import EXPLANATIONS, PROBLEMS
from tenantry.journeys.onboarding.models import Registration
from tenantry.journeys.onboarding.services import judging
from tenantry.journeys.onboarding.services.moving import VISITOR, expiry, lock, move, require
from tenantry.journeys.onboarding.states import Outcome, RegistrationState
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action
from tenantry.ledger.funnel import services as funnel
from tenantry.ledger.funnel.states import Step

_HOUR = "%Y-%m-%dT%H"
_LIMITS = {
    "visits": "onboarding.visits_per_network_hour",
    "network": "onboarding.per_network_hour",
}
# A form sent twice is one wish.
_ONE_WISH = timedelta(seconds=5)


def begin(
    *,
    journey_id: UUID,
    browser: str,
    language: str,
    now: datetime,
    plan: str = "",
    region: str = "",
    network: str = "",
) -> Registration:
    """Open the registration of a journey, once; later calls only change its presets.

    `browser` is a random value that only this browser keeps, `network` the address it calls from,
    if it is to be limited. Refuses: `RegistrationMissing` when another browser leads the journey,
    `TooManyRegistrations`.
    """
    if not browser:
        reason = "a registration is bound to a browser: give its random value"
        raise ValueError(reason)
    presets = {name: value[:30] for name, value in (("plan", plan), ("region", region)) if value}
    fresh = Registration(
        id=journey_id,
        browser_hash=queries.browser_key(browser),
        language=language,
        trace_id=trace.current().trace_id,
        created_at=now,
        expires_at=expiry(now),
        **presets,
    )
    with tenancy.platform("begin a registration"):
        Registration.objects.bulk_create([fresh], ignore_conflicts=True)
        registration = queries.get_for_browser(journey_id=journey_id, browser=browser)
        if registration.reference == fresh.reference:
            if network:
                # A visit stays in the books for ever: nobody is to write them full.
                _admit(network, now, per="visits")
            _begun(registration, now)
        elif presets and registration.can(Act.GIVE_ADDRESS):
            Registration.objects.filter(id=journey_id).update(**presets)
            registration.refresh_from_db(fields=presets)
    return registration


def _begun(registration: Registration, now: datetime) -> None:
    audit.append(
        action=Action.ONBOARDING_REGISTRATION_STARTED,
        tenant_id=None,
        actor=VISITOR,
        target=("registration", str(registration.id)),
        at=now,
        body={"plan": registration.plan, "region": registration.region},
    )
    funnel.record(
        step=Step.VISITED,
        subject=registration.id,
        at=now,
        facts={"plan": registration.plan, "region": registration.region},
    )


def give_address(
    *, journey_id: UUID, browser: str, email: str, network: str, language: str, now: datetime
) -> Registration:
    """Judge an address and send a code to it; asks the name servers, so not inside a transaction.

    Refuses: `AddressUnreadable`, `AddressRefused` (stored with its reasons; another address may
    follow), `TooManyRegistrations`, accounts' `TooManyCodes`, `NotNow`, `RegistrationMissing`.
    """
    registration = queries.get_for_browser(journey_id=journey_id, browser=browser)
    require(registration, Act.GIVE_ADDRESS)
    address = parse(email)
    if isinstance(address, Problem):
        raise AddressUnreadable(problem=PROBLEMS[address])
    if _just_asked(registration, address.normal, now):
        return registration
    _admit(network, now, per="network")
    judged = judging.judge_address(address)
    refused = judged.verdict.outcome is Outcome.REFUSE
    with tenancy.platform("take a stranger's address"):
        registration = lock(journey_id=journey_id, browser=browser)
        require(registration, Act.GIVE_ADDRESS)
        if _just_asked(registration, address.normal, now):
            return registration
        _take(registration, address, judged, language=language, now=now)
        if not refused:
            _send_code(registration, browser=browser, network=network, now=now)
    if refused:
        texts = EXPLANATIONS[judged.verdict.code]
        raise AddressRefused(cause=texts.message, cure=texts.remedy)
    return registration


def _admit(network: str, now: datetime, *, per: str) -> None:
    with tenancy.platform("limit registrations"):
        admitted = counters.reserve(
            key=f"onboarding.{per}:{network_of(network)}",
            window=now.strftime(_HOUR),
            limit=policies.number(_LIMITS[per]),
        )
    if not admitted:
        raise TooManyRegistrations


def _just_asked(registration: Registration, email: str, now: datetime) -> bool:
    asked = registration.code_asked_at
    return (
        registration.state == RegistrationState.CODE_SENT
        and registration.email == email
        and asked is not None
        and now - asked < _ONE_WISH
    )


def _take(
    registration: Registration,
    address: Address,
    judged: judging.Judged,
    *,
    language: str,
    now: datetime,
) -> None:
    decision = judging.store(
        judged, address=address, registration_id=registration.id, actor=VISITOR, now=now
    )
    refused = judged.verdict.outcome is Outcome.REFUSE
    funnel.record(
        step=Step.ADDRESS_GIVEN,
        subject=registration.id,
        at=now,
        facts={"kind": str(judged.verdict.kind)},
    )
    move(
        registration,
        RegistrationState.REFUSED if refused else RegistrationState.CODE_SENT,
        now=now,
        changes={
            "decision": decision,
            # Of a refused address only the domain and the hash are kept.
            "email": "" if refused else address.normal,
            "email_key": judging.mailbox_key(address),
            "language": language,
            "expires_at": expiry(now),
        },
    )


def _send_code(registration: Registration, *, browser: str, network: str, now: datetime) -> None:
    accounts.request_code(
        email=registration.email,
        browser=browser,
        network=network,
        language=registration.language,
        now=now,
        purpose=Purpose.TRIAL,
    )
    funnel.record(step=Step.CODE_SENT, subject=registration.id, at=now)
    move(
        registration,
        RegistrationState.CODE_SENT,
        now=now,
        changes={"code_asked_at": now, "expires_at": expiry(now)},
    )


def resend(
    *, journey_id: UUID, browser: str, network: str, language: str, now: datetime
) -> Registration:
    """Send a new code to the same address; the one before it ends.

    Refuses: `TooManyCodes`, `NotNow`, `RegistrationMissing`.
    """
    with tenancy.platform("send a stranger another code"):
        registration = lock(journey_id=journey_id, browser=browser)
        require(registration, Act.RESEND)
        if not _just_asked(registration, registration.email, now):
            registration.language = language
            _send_code(registration, browser=browser, network=network, now=now)
    return registration
