"""Verbs: host names are claimed, come into use, break, and are given back."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings

from tenantry.core import tenancy
from tenantry.core.errors import NotFound
from tenantry.core.ids import uuid7
from tenantry.fleet.domains import names, queries
from tenantry.fleet.domains.errors import HostNameTaken
from tenantry.fleet.domains.models import LONGEST_REASON, Domain
from tenantry.fleet.domains.states import DOMAIN_MOVES, DomainKind, DomainState
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.lifecycle import transition
from tenantry.ledger.audit.vocabulary import Action

PROVISIONING = "system:provisioning"


def claim_canonical(
    *, tenant_id: UUID, short_id: str, now: datetime, actor: str = PROVISIONING
) -> Domain:
    """Give a tenant its name under the platform's domain; claimed already, it is returned.

    Refuses: `HostNameTaken` when another tenant has the name.
    """
    host = names.canonical_host(short_id, settings.TENANT_DOMAIN)
    made = Domain(
        id=uuid7(),
        tenant_id=tenant_id,
        host=host,
        kind=DomainKind.CANONICAL,
        state=DomainState.VERIFYING,
        created_at=now,
    )
    with tenancy.scope(tenant_id):
        Domain.objects.bulk_create([made], ignore_conflicts=True)
        domain = queries.find_canonical(tenant_id)
        if domain is None or domain.host != host:
            raise HostNameTaken(host=host)
        if domain.id == made.id:
            audit.append(
                action=Action.DOMAINS_DOMAIN_CLAIMED,
                tenant_id=tenant_id,
                actor=actor,
                target=("domain", str(domain.id)),
                at=now,
                body={"host": host, "kind": domain.kind},
            )
    return domain


def activate_domain(
    *, tenant_id: UUID, host: str, now: datetime, actor: str = PROVISIONING
) -> Domain:
    """Note that a name serves its tenant. Refuses: `NotFound`, `IllegalMove`, `Stale`."""
    return _move(
        tenant_id,
        host,
        DomainState.ACTIVE,
        Action.DOMAINS_DOMAIN_ACTIVATED,
        actor=actor,
        now=now,
        extra={"checked_at": now, "reason": ""},
    )


def break_domain(
    *, tenant_id: UUID, host: str, reason: str, now: datetime, actor: str = PROVISIONING
) -> Domain:
    """Note that a name does not serve its tenant. Refuses: `NotFound`, `IllegalMove`, `Stale`."""
    return _move(
        tenant_id,
        host,
        DomainState.BROKEN,
        Action.DOMAINS_DOMAIN_BROKEN,
        actor=actor,
        now=now,
        extra={"checked_at": now, "reason": reason[:LONGEST_REASON]},
    )


def _move(
    tenant_id: UUID,
    host: str,
    target: DomainState,
    action: Action,
    *,
    actor: str,
    now: datetime,
    extra: Mapping[str, object],
) -> Domain:
    with tenancy.scope(tenant_id):
        domain = queries.list_domains(tenant_id).filter(host__iexact=host).first()
        if domain is None:
            raise NotFound
        _transition(domain, target, action, actor=actor, now=now, extra=extra)
    return domain


def release_domains(
    *, tenant_id: UUID, reason: str, now: datetime, actor: str = PROVISIONING
) -> int:
    """Give all names of a tenant back, so that they may be claimed again; returns how many.

    Refuses: `Stale`.
    """
    with tenancy.scope(tenant_id):
        domains = list(queries.list_domains(tenant_id))
        for domain in domains:
            _transition(
                domain,
                DomainState.REMOVED,
                Action.DOMAINS_DOMAIN_REMOVED,
                actor=actor,
                now=now,
                extra={"removed_at": now, "reason": reason[:LONGEST_REASON]},
                reason=reason,
            )
    return len(domains)


def _transition(
    domain: Domain,
    target: DomainState,
    action: Action,
    *,
    actor: str,
    now: datetime,
    extra: Mapping[str, object],
    reason: str = "",
) -> None:
    transition(
        domain,
        field="state",
        target=target,
        moves=DOMAIN_MOVES,
        action=action,
        actor=actor,
        at=now,
        tenant_id=domain.tenant_id,
        reason=reason,
        body={"host": domain.host},
        extra=extra,
    )
