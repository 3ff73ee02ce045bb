"""What a product may declare, and how a wrong declaration is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tenantry.sdk import (
    AuditAction,
    Capability,
    Content,
    Credentials,
    Intent,
    JobKind,
    NotFound,
    Product,
    Proof,
    Published,
    SignedIn,
    registry,
)
from tenantry.sdk.browser import Page

EVERYTHING = frozenset(Capability)


@dataclass(frozen=True)
class Door:
    """A connector that does nothing, in every verb of the contract."""

    capabilities: frozenset[Capability] = EVERYTHING
    slug: str = "door"
    label: str = "Door"

    def origins(self) -> Sequence[str]:
        return ()

    async def sign_in(self, page: Page, credentials: Credentials) -> SignedIn:
        raise NotImplementedError

    async def check(self, page: Page) -> SignedIn:
        raise NotImplementedError

    async def publish(self, page: Page, content: Content, intent: Intent) -> Published:
        raise NotImplementedError

    async def read_back(self, page: Page, published: Published, content: Content) -> Proof:
        raise NotImplementedError

    async def find_published(
        self, page: Page, content: Content, since: datetime, known: frozenset[str]
    ) -> Published | None:
        raise NotImplementedError


KIND = JobKind(
    name="shop.publish",
    label="Publish",
    capability=Capability.PUBLISH,
    error_codes=frozenset({"UNKNOWN"}),
)
SHOP = Product(
    slug="shop",
    name="Shop",
    version="1",
    requires_platform=">=0.1,<0.2",
    app="shop",
    connectors=(Door(),),
    job_kinds=(KIND,),
    audit_actions=(AuditAction(code="shop.item.saved", label="Saved"),),
)
NO_FIND = Door(capabilities=EVERYTHING - {Capability.FIND_PUBLISHED})

WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "slug": (
        {"slug": "Shop-1", "job_kinds": (), "audit_actions": ()},
        ["slug 'Shop-1' must be 2 to 20 lower-case letters and digits, a letter first"],
    ),
    "version": (
        {"requires_platform": ">=2"},
        ["it requires tenantry >=2, this is 0.1.5"],
    ),
    "range": (
        {"requires_platform": "new"},
        ["requires_platform 'new' is not a version range like '>=0.1,<0.2'"],
    ),
    "connector": (
        {"connectors": (Door(), object())},
        ["does not implement every verb of sdk.Connector"],
    ),
    "two doors": ({"connectors": (Door(), Door())}, ["two connectors share a slug"]),
    "codes": (
        {"job_kinds": (replace(KIND, error_codes=frozenset({"UNKNOWN", "ODD"})),)},
        ["job kind 'shop.publish' names unknown error codes ['ODD']"],
    ),
    "kind of another": (
        {"job_kinds": (replace(KIND, name="erp.publish"),)},
        ["job kind 'erp.publish' must begin with 'shop.'"],
    ),
    "no capability": (
        {"connectors": ()},
        [
            "job kind 'shop.publish' needs publish, which no connector offers",
            "job kind 'shop.publish' is irreversible: a connector must offer find_published",
        ],
    ),
    "irreversible": (
        {"connectors": (NO_FIND,)},
        ["job kind 'shop.publish' is irreversible: a connector must offer find_published"],
    ),
    "twice": ({"job_kinds": (KIND, KIND)}, ["two job kinds share a name"]),
    "word of another": (
        {"audit_actions": (AuditAction(code="tenant.deleted", label=""),)},
        ["audit action 'tenant.deleted' must begin with 'shop.'"],
    ),
}


def test_right_declaration_has_no_fault() -> None:
    assert list(registry.faults_of(SHOP, platform_version="0.1.5")) == []
    lesser = replace(SHOP, connectors=(NO_FIND,), job_kinds=(replace(KIND, irreversible=False),))
    assert list(registry.faults_of(lesser, platform_version="0.1.5")) == []


@pytest.mark.parametrize(("change", "faults"), WRONG.values(), ids=WRONG.keys())
def test_wrong_declaration_is_told_its_faults(change: dict[str, Any], faults: list[str]) -> None:
    told = list(registry.faults_of(replace(SHOP, **change), platform_version="0.1.5"))
    assert [fault[-len(wanted) :] for fault, wanted in zip(told, faults, strict=True)] == faults


wrong_shop = replace(SHOP, slug="x")


@pytest.mark.parametrize(
    ("value", "words"),
    [("wrong_shop", "Product 'x' is refused: slug 'x' must be"), ("KIND", "is a JobKind, not a")],
)
def test_wrong_product_stops_the_process(
    monkeypatch: pytest.MonkeyPatch, value: str, words: str
) -> None:
    entry = EntryPoint(name="shop", value=f"{__name__}:{value}", group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **_only: [entry])
    with pytest.raises(ImproperlyConfigured, match=words):
        registry.products.__wrapped__()


def test_two_products_of_one_slug_stop_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint(name="shop", value=f"{__name__}:SHOP", group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **_only: [entry, entry])
    with pytest.raises(ImproperlyConfigured, match="Two products share a slug: shop, shop"):
        registry.products.__wrapped__()


def test_what_no_product_declares_is_not_found() -> None:
    cafe = registry.product("cafe")
    assert registry.connector("cafe", "browser") is cafe.connectors[0]
    assert registry.job_kind("cafe.publish") is cafe.job_kinds[0]
    for asked in (
        lambda: registry.product("shop"),
        lambda: registry.connector("cafe", "door"),
        lambda: registry.job_kind("cafe.unpublish"),
    ):
        with pytest.raises(NotFound):
            asked()
