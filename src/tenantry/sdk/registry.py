"""The installed products: found by entry point, validated, refused with a clear message."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from importlib.metadata import EntryPoint, entry_points, version

from django.core.exceptions import ImproperlyConfigured
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from tenantry.core.errors import NotFound
from tenantry.sdk.errors import CODES
from tenantry.sdk.product import Capability, Connector, JobKind, Product

GROUP = "tenantry.products"
_SLUG = re.compile(r"^[a-z][a-z0-9]{1,19}$")


def apps() -> list[str]:
    """Return the Django apps of the installed products, without importing them."""
    return sorted(entry.module.partition(".")[0] for entry in entry_points(group=GROUP))


@cache
def products() -> tuple[Product, ...]:
    """Return the installed products, by slug; an invalid one stops the process with the reason."""
    found = tuple(
        sorted((_loaded(entry) for entry in entry_points(group=GROUP)), key=lambda p: p.slug)
    )
    slugs = [product.slug for product in found]
    if len(set(slugs)) != len(slugs):
        message = f"Two products share a slug: {', '.join(slugs)}. Uninstall one of them."
        raise ImproperlyConfigured(message)
    return found


def product(slug: str) -> Product:
    """Return one product; `NotFound` where it is not installed."""
    for candidate in products():
        if candidate.slug == slug:
            return candidate
    raise NotFound


def connector(product_slug: str, connector_slug: str) -> Connector:
    """Return one connector; `NotFound` where the product does not declare it."""
    for candidate in product(product_slug).connectors:
        if candidate.slug == connector_slug:
            return candidate
    raise NotFound


def job_kind(name: str) -> JobKind:
    """Return a job kind such as `cafe.publish`; `NotFound` where no product declares it."""
    for candidate in products():
        for kind in candidate.job_kinds:
            if kind.name == name:
                return kind
    raise NotFound


def _loaded(entry: EntryPoint) -> Product:
    value = entry.load()
    if not isinstance(value, Product):
        message = (
            f"Entry point {entry.value} is a {type(value).__name__}, not a tenantry.sdk.Product."
        )
        raise ImproperlyConfigured(message)
    if faults := list(faults_of(value, platform_version=version("tenantry"))):
        message = f"Product {value.slug!r} is refused: {'; '.join(faults)}."
        raise ImproperlyConfigured(message)
    return value


def faults_of(product: Product, *, platform_version: str) -> Iterator[str]:
    """Say everything that is wrong with a declaration, in words its author can act on."""
    slug = product.slug
    if not _SLUG.match(slug):
        yield f"slug {slug!r} must be 2 to 20 lower-case letters and digits, a letter first"
    yield from _version_faults(product.requires_platform, platform_version)
    declared: Sequence[object] = product.connectors
    connectors = [one for one in declared if isinstance(one, Connector)]
    for candidate in declared:
        if not isinstance(candidate, Connector):
            yield f"connector {candidate!r} does not implement every verb of sdk.Connector"
    if len({candidate.slug for candidate in connectors}) != len(connectors):
        yield "two connectors share a slug"
    yield from _kind_faults(product, {able for one in connectors for able in one.capabilities})
    for action in product.audit_actions:
        if not action.code.startswith(f"{slug}."):
            yield f"audit action {action.code!r} must begin with {slug + '.'!r}"


def _kind_faults(product: Product, offered: AbstractSet[Capability]) -> Iterator[str]:
    slug = product.slug
    for kind in product.job_kinds:
        if not kind.name.startswith(f"{slug}."):
            yield f"job kind {kind.name!r} must begin with {slug + '.'!r}"
        if kind.capability not in offered:
            yield f"job kind {kind.name!r} needs {kind.capability}, which no connector offers"
        if kind.irreversible and Capability.FIND_PUBLISHED not in offered:
            yield f"job kind {kind.name!r} is irreversible: a connector must offer find_published"
        if unknown := kind.error_codes - CODES:
            yield f"job kind {kind.name!r} names unknown error codes {sorted(unknown)}"
    names = [kind.name for kind in product.job_kinds]
    if len(set(names)) != len(names):
        yield "two job kinds share a name"


def _version_faults(required: str, platform_version: str) -> Iterator[str]:
    try:
        if not SpecifierSet(required).contains(platform_version, prereleases=True):
            yield f"it requires tenantry {required}, this is {platform_version}"
    except InvalidSpecifier:
        yield f"requires_platform {required!r} is not a version range like '>=0.1,<0.2'"
