"""How a redeemed ticket becomes a signed-in browser: the vault is opened, the recipe signs in."""

from tenantry.core import clock
from tenantry.core.errors import Forbidden
from tenantry.customers.tenants import queries as tenants
from tenantry.fleet.gateway import services as gateway
from tenantry.fleet.gateway.errors import TicketInvalid, UpstreamDown
from tenantry.fleet.gateway.queries import Target
from tenantry.fleet.provisioning import instances, recipes
from tenantry.fleet.provisioning import queries as provisioning
from tenantry.sdk.recipe import Entry


def sign_in(*, token: str, host: str, target: Target) -> Entry:
    """Redeem a ticket at its host name and sign its person in to the instance there.

    The owner's account is the only one that the platform has the password of. Refuses:
    `TicketInvalid`, `Forbidden` for everybody but the owner, `UpstreamDown` when there is no
    instance, and what recipes refuse: `InstanceUnreachable`, `InstanceRefused`.
    """
    admission = gateway.redeem_ticket(token=token, host=host, now=clock.now())
    if admission.tenant_id != target.tenant_id:
        raise TicketInvalid
    owner = tenants.get_owner(admission.tenant_id)
    if owner.id != admission.user_id:
        raise Forbidden
    instance = provisioning.instance_of(admission.tenant_id)
    if instance is None:
        raise UpstreamDown
    return recipes.recipe_of(instance.recipe).sign_in(
        url=f"http://{target.upstream}",
        host=host,
        database=instance.database,
        account=owner.email,
        password=instances.passwords(instance).owner,
    )
