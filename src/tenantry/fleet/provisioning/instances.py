"""What is wanted of an instance and what its host saw: written by the engine and by host agents."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from django.conf import settings

from tenantry.core import live, tenancy
from tenantry.core.queue import defer
from tenantry.customers.tenants import queries as tenants
from tenantry.fleet.domains import names
from tenantry.fleet.domains import queries as domains
from tenantry.fleet.provisioning.messages import LookAtInstance
from tenantry.fleet.provisioning.models import Instance
from tenantry.fleet.provisioning.states import Desired, Observed
from tenantry.governance.vault import services as vault
from tenantry.sdk.recipe import Identity, Passwords

ADMIN_ACCOUNT = "admin"
# Field of the instance that holds the secret's id -> what the secret is for.
_PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        "admin_secret_id": "instance.admin",
        "owner_secret_id": "instance.owner",
        "database_secret_id": "instance.database",
    }
)
_SECRET_BYTES = 24
# Seen of an instance that should run, these say that it does not work now.
_ALARMING = frozenset({Observed.DEAD, Observed.RUNNING})


def label_of(short_id: str) -> str:
    """Return what everything of a tenant's instance is called outside the platform."""
    return f"tnt_{short_id}"


def wish(*, label: str, desired: Desired, now: datetime) -> bool:
    """Note what the host is to make of an instance; returns whether there is such an instance.

    For drivers whose hosts read their wishes here. Asking again for what is wanted already changes
    nothing. Hosts hear it on the topic `hosts:<host id>`.
    """
    with tenancy.platform("ask a host for an instance"):
        found = Instance.objects.filter(label=label).first()
        if found is None:
            return False
        if found.desired != desired:
            fresh = {"observed": Observed.UNKNOWN, "observed_at": now}
            Instance.objects.filter(label=label).update(desired=desired, **fresh)
        live.notify(f"hosts:{found.host_id}", label=label)
    return True


def observe(
    *,
    label: str,
    observed: Observed,
    now: datetime,
    pid: int | None = None,
    port: int | None = None,
    upstream: str = "",
    started: bool = False,
) -> None:
    """Store what a host saw of an instance; news of it is told, and probed at once.

    `started` counts one more start of its process.
    """
    with tenancy.platform("note what a host saw of an instance"):
        found = Instance.objects.select_for_update().filter(label=label).first()
        if found is None:
            return
        moved = found.observed != observed
        found.observed, found.observed_at, found.pid = observed, now, pid
        found.port = port or found.port
        found.upstream = upstream or found.upstream
        found.starts += started
        found.save(update_fields=["observed", "observed_at", "pid", "port", "upstream", "starts"])
        if moved:
            live.notify(f"tenant:{found.tenant_id}", kind="instance")
        if moved and observed in _ALARMING and found.desired == Desired.RUNNING:
            look_soon(found.tenant_id)


def look_soon(tenant_id: UUID) -> None:
    """Have the instance probed now; many wishes at once are one."""
    defer(LookAtInstance(tenant_id=tenant_id), queueing_lock=f"look:{tenant_id}")


def found_by(label: str) -> Instance | None:
    """Return the instance of a label, of whatever tenant."""
    with tenancy.platform("find an instance by its label"):
        return Instance.objects.filter(label=label).first()


def asked_of(host_id: UUID) -> list[Instance]:
    """Return every instance of which something is wished of a host and not yet all is gone."""
    with tenancy.platform("keep a host's instances"):
        asked = Instance.objects.filter(host_id=host_id).exclude(desired="")
        return list(asked.exclude(desired=Desired.REMOVED, observed=Observed.REMOVED))


def labels() -> frozenset[str]:
    """Return the labels of all instances that hosts are asked for, or still have to remove."""
    with tenancy.platform("list what hosts are asked for"):
        asked = Instance.objects.exclude(desired="")
        left = asked.exclude(desired=Desired.REMOVED, observed=Observed.REMOVED)
        return frozenset(left.values_list("label", flat=True))


def identity_of(tenant_id: UUID) -> Identity:
    """Return who a tenant is, as its instance must know it; raises `NotFound`."""
    tenant = tenants.get_tenant(tenant_id)
    owner = tenants.get_owner(tenant_id)
    host = names.canonical_host(tenant.short_id, settings.TENANT_DOMAIN)
    return Identity(
        tenant_id=tenant_id,
        short_id=tenant.short_id,
        company=tenant.name,
        host=host,
        url=domains.public_url(host),
        language=tenant.language,
        owner_email=owner.email,
        owner_name=owner.name,
    )


def ensure_secrets(*, tenant_id: UUID, now: datetime) -> Instance:
    """Make the instance's three passwords once, and return the instance that names them."""
    with tenancy.scope(tenant_id):
        instance = Instance.objects.select_for_update().get(tenant_id=tenant_id)
        missing = [field for field in _PURPOSES if getattr(instance, field) is None]
        for field in missing:
            secret_id = vault.put(
                tenant_id=tenant_id,
                purpose=_PURPOSES[field],
                plaintext=secrets.token_urlsafe(_SECRET_BYTES).encode(),
                now=now,
            )
            setattr(instance, field, secret_id)
        if missing:
            instance.save(update_fields=missing)
    return instance


def database_password(instance: Instance) -> str:
    """Return the password of the instance's database role; raises `SecretMissing`."""
    return _opened(instance, "database_secret_id")


def passwords(instance: Instance) -> Passwords:
    """Return the passwords of administrator and owner; raises `SecretMissing`."""
    return Passwords(
        admin=_opened(instance, "admin_secret_id"), owner=_opened(instance, "owner_secret_id")
    )


def _opened(instance: Instance, field: str) -> str:
    return vault.open_secret(
        secret_id=getattr(instance, field),
        tenant_id=instance.tenant_id,
        purpose=_PURPOSES[field],
    ).decode()


def forget(*, tenant_id: UUID, actor: str, reason: str, now: datetime) -> None:
    """Drop an instance of which nothing is left, and destroy its passwords."""
    with tenancy.scope(tenant_id):
        instance = Instance.objects.filter(tenant_id=tenant_id).first()
        if instance is None:
            return
        for field, purpose in _PURPOSES.items():
            secret_id: UUID | None = getattr(instance, field)
            if secret_id is not None:
                vault.destroy(
                    secret_id=secret_id,
                    tenant_id=tenant_id,
                    purpose=purpose,
                    actor=actor,
                    reason=reason,
                    now=now,
                )
        instance.delete()
