"""Judging addresses, for registrations and for the console's tester."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tenantry.core import trace
from tenantry.core.crypto import keyed_hash
from tenantry.core.ids import uuid7
from tenantry.governance.policies import queries as policies
from tenantry.journeys.onboarding.addresses import Address, Problem, parse
from tenantry.journeys.onboarding.evidence import Gathered, gather
from tenantry.journeys.onboarding.models import Decision
from tenantry.journeys.onboarding.queries import Explained
from tenantry.journeys.onboarding.states import Outcome
from tenantry.journeys.onboarding.verdicts import TrialPolicy, TrialVerdict, judge
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A verdict and what it was made of."""

    verdict: TrialVerdict
    gathered: Gathered
    policy_version: int


def judge_address(read: Address | Problem) -> Judged:
    """Ask lists and name servers, then judge; not inside a transaction."""
    gathered = gather(read)
    values = policies.snapshot()
    policy = TrialPolicy(
        free=Outcome(str(values.values["onboarding.free_mail"])),
        unknown=Outcome(str(values.values["onboarding.unknown_domain"])),
    )
    verdict = judge(gathered.evidence, policy)
    return Judged(verdict=verdict, gathered=gathered, policy_version=values.version)


def store(
    judged: Judged, *, address: Address, registration_id: UUID, actor: str, now: datetime
) -> Decision:
    """Keep a decision with all that decided it, in the caller's transaction."""
    verdict = judged.verdict
    decision = Decision.objects.create(
        id=uuid7(),
        registration_id=registration_id,
        domain=address.domain,
        address_key=mailbox_key(address),
        kind=verdict.kind,
        outcome=verdict.outcome,
        code=verdict.code,
        verdicts=[answer.as_json() for answer in verdict.verdicts],
        list_versions=dict(verdict.list_versions),
        latencies=dict(judged.gathered.latencies),
        policy_version=judged.policy_version,
        trace_id=trace.current().trace_id,
        at=now,
    )
    audit.append(
        action=Action.ONBOARDING_ADDRESS_JUDGED,
        tenant_id=None,
        actor=actor,
        target=("registration", str(registration_id)),
        at=now,
        body={"decision": decision.id, "kind": verdict.kind, "code": verdict.code},
    )
    return decision


def mailbox_key(address: Address) -> str:
    """Return the keyed hash that is equal for all aliases of a mailbox."""
    return keyed_hash("onboarding.mailbox", address.mailbox).hex()


def explain(address: str) -> Explained:
    """Judge an address as a registration would, and store nothing.

    Asks the name servers, so not inside a transaction. Never refuses.
    """
    read = parse(address)
    judged = judge_address(read)
    return Explained(
        typed=address,
        normal=read.normal if isinstance(read, Address) else "",
        verdict=judged.verdict,
        latencies=judged.gathered.latencies,
    )
