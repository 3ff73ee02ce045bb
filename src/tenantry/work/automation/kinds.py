"""Kinds of jobs: the platform's own, which every connection has, and those of the products."""

from django.utils.translation import gettext_lazy as _

from tenantry.sdk import registry
from tenantry.sdk.product import Capability, JobKind, Pageless
from tenantry.work.automation.errorcodes import Code

SIGN_IN = JobKind(
    name="connection.sign_in",
    label=_("Sign-in"),
    capability=Capability.SIGN_IN,
    error_codes=frozenset(Code),
    irreversible=False,
)
CHECK = JobKind(
    name="connection.check",
    label=_("Connection test"),
    capability=Capability.CHECK,
    error_codes=frozenset(Code),
    irreversible=False,
)
_OWN = {kind.name: kind for kind in (SIGN_IN, CHECK)}


def batchable(product: str, connector: str) -> list[str]:
    """Return the kinds of which a lane may take many at once: repeatable, without a browser."""
    if not isinstance(registry.connector(product, connector), Pageless):
        return []
    kinds = registry.product(product).job_kinds
    return [kind.name for kind in kinds if not kind.irreversible]


def batches() -> dict[str, list[str]]:
    """Return `batchable` of every installed connector, by `product/connector`."""
    return {
        f"{product.slug}/{connector.slug}": batchable(product.slug, connector.slug)
        for product in registry.products()
        for connector in product.connectors
    }


def get(name: str) -> JobKind:
    """Return a kind; `NotFound` where neither the platform nor a product declares it."""
    return _OWN.get(name) or registry.job_kind(name)
