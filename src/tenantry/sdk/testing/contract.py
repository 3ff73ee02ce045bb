# ruff: noqa: D102 - tests are named by what they hold
"""The contract itself, as tests that a product's tests inherit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, ClassVar, Protocol
from uuid import UUID, uuid4

import pytest
from django.utils.module_loading import import_string

from tenantry.core.tenancy import scope
from tenantry.sdk import registry
from tenantry.sdk.browser import Page
from tenantry.sdk.content import Content, ContentProvider
from tenantry.sdk.errors import AuthExpired, AuthInvalid, ConnectorError, PayloadInvalid
from tenantry.sdk.product import Capability, Connector, Credentials, Product, Published, SignedIn
from tenantry.sdk.testing.bench import BrowserBench, RecordedIntent

_MOMENT = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class StoredContent:
    """One content of one tenant, as a test has stored it."""

    tenant_id: UUID
    content_id: UUID


class SiteUnderTest(Protocol):
    """The product's fake site while it runs."""

    @property
    def connector(self) -> Connector:
        """Return the connector to it."""
        ...

    def credentials(self) -> Credentials:
        """Return those of an account that may publish."""
        ...

    def content(self, title: str) -> Content:
        """Return content that the account may publish, with an image if the site takes one."""
        ...

    def count(self, title: str) -> int:
        """Return how many posts of that title there really are."""
        ...


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A way in which the site misbehaves, and what the connector must make of it.

    `arrange` gets the site just before the verb. `published` says whether the post exists
    afterwards, `proves` looks at the error itself.
    """

    during: Capability
    raises: type[ConnectorError]
    arrange: Callable[[Any], None]
    published: bool = False
    proves: Callable[[Any], bool] = field(default=lambda _error: True)


class DeclarationContract:
    """What any declaration must fulfil."""

    product: ClassVar[Product]

    def test_declaration_is_without_fault(self) -> None:
        assert list(registry.faults_of(self.product, platform_version="0.1.0")) == []

    def test_product_is_found_by_its_entry_point(self) -> None:
        assert registry.product(self.product.slug) is self.product

    def test_portal_section_has_its_index(self) -> None:
        section = self.product.portal
        if section is not None:
            names = [pattern.name for pattern in import_module(section.urls).urlpatterns]
            assert names.count(section.index) == 1

    def test_personal_data_can_be_reached(self) -> None:
        paths = [
            path for data in self.product.personal_data for path in (data.exporter, data.eraser)
        ]
        assert [path for path in paths if not callable(import_string(path))] == []


class ContentContract:
    """What the content provider must fulfil; needs the fixture `content`, a `StoredContent`."""

    product: ClassVar[Product]

    @property
    def provider(self) -> ContentProvider:
        """Return the product's provider."""
        assert self.product.content is not None
        return self.product.content

    def _render(
        self,
        content: StoredContent,
        *,
        content_id: UUID | None = None,
        moment: datetime = _MOMENT,
        zone: str = "Asia/Seoul",
    ) -> Content:
        return self.provider.render(
            tenant_id=content.tenant_id,
            content_id=content_id or content.content_id,
            moment=moment,
            zone=zone,
        )

    @pytest.mark.django_db
    def test_digest_is_the_same_wherever_it_is_asked(self, content: StoredContent) -> None:
        with scope(content.tenant_id):
            known = {"tenant_id": content.tenant_id, "content_id": content.content_id}
            digest = self.provider.digest(**known)
            choices = self.provider.choices(tenant_id=content.tenant_id)
            offered = {choice.content_id: choice.digest for choice in choices}
            later = self._render(content, moment=_MOMENT + timedelta(days=400), zone="UTC")
            assert digest
            assert offered[content.content_id] == digest
            assert (self._render(content).digest, later.digest) == (digest, digest)

    @pytest.mark.django_db
    def test_rendering_is_repeatable(self, content: StoredContent) -> None:
        with scope(content.tenant_id):
            assert self._render(content) == self._render(content)

    @pytest.mark.django_db
    def test_unknown_content_is_refused(self, content: StoredContent) -> None:
        with scope(content.tenant_id):
            nothing = uuid4()
            assert self.provider.digest(tenant_id=content.tenant_id, content_id=nothing) is None
            with pytest.raises(PayloadInvalid):
                self._render(content, content_id=nothing)

    @pytest.mark.django_db
    def test_unknown_zone_is_refused(self, content: StoredContent) -> None:
        with scope(content.tenant_id), pytest.raises(PayloadInvalid):
            self._render(content, zone="Moon/Crater")

    @pytest.mark.django_db
    def test_content_of_another_tenant_is_not_there(self, content: StoredContent) -> None:
        stranger = uuid4()
        with scope(stranger):
            assert self.provider.choices(tenant_id=stranger) == []
            for tenant_id in (stranger, content.tenant_id):
                found = self.provider.digest(tenant_id=tenant_id, content_id=content.content_id)
                assert found is None


class ConnectorContract:
    """What a connector must fulfil on its fake site.

    Needs the fixtures `site`, a `SiteUnderTest` without troubles, and `bench`, a `BrowserBench`.
    """

    troubles: ClassVar[Mapping[str, Trouble]] = {}

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """Make one test of every trouble."""
        if "trouble" in metafunc.fixturenames:
            metafunc.parametrize("trouble", cls.troubles.values(), ids=cls.troubles.keys())

    def test_sign_in_is_seen_by_check(self, site: SiteUnderTest, bench: BrowserBench) -> None:
        async def verb(page: Page) -> tuple[SignedIn, SignedIn]:
            signed_in = await site.connector.sign_in(page, site.credentials())
            return signed_in, await site.connector.check(page)

        signed_in, checked = bench.run(verb)
        assert signed_in == checked
        assert signed_in.account == site.credentials().account

    def test_wrong_password_is_refused(self, site: SiteUnderTest, bench: BrowserBench) -> None:
        wrong = Credentials(account=site.credentials().account, password="not-the-password")  # noqa: S106
        with pytest.raises(AuthInvalid):
            bench.run(lambda page: site.connector.sign_in(page, wrong))

    def test_check_without_login_says_so(self, site: SiteUnderTest, bench: BrowserBench) -> None:
        with pytest.raises(AuthExpired):
            bench.run(site.connector.check)

    def test_publishing_is_proven_and_found(self, site: SiteUnderTest, bench: BrowserBench) -> None:
        content, other = site.content("A post that is proven"), site.content("Never posted")
        intent, since = RecordedIntent(), datetime.now(UTC)

        async def verb(page: Page) -> Published:
            connector, nothing = site.connector, frozenset[str]()
            await connector.sign_in(page, site.credentials())
            published = await connector.publish(page, content, intent)
            proof = await connector.read_back(page, published, content)
            assert proof.matches
            assert proof.image_count == len(content.images)
            assert not (await connector.read_back(page, published, other)).matches
            assert await connector.find_published(page, content, since, nothing) == published
            assert await connector.find_published(page, other, since, nothing) is None
            taken = frozenset({published.id})
            assert await connector.find_published(page, content, since, taken) is None
            tomorrow = since + timedelta(days=1)
            assert await connector.find_published(page, content, tomorrow, nothing) is None
            return published

        published = bench.run(verb)
        assert published.url.startswith(tuple(site.connector.origins()))
        assert intent.asked == 1
        assert site.count(content.title) == 1

    def test_stopped_intent_sends_nothing(self, site: SiteUnderTest, bench: BrowserBench) -> None:
        content, intent = (
            site.content("A post that was stopped"),
            RecordedIntent(stopped=_Stopped()),
        )

        async def verb(page: Page) -> None:
            await site.connector.sign_in(page, site.credentials())
            await site.connector.publish(page, content, intent)

        with pytest.raises(_Stopped):
            bench.run(verb)
        assert site.count(content.title) == 0

    def test_pages_talk_to_declared_origins_only(
        self, site: SiteUnderTest, bench: BrowserBench
    ) -> None:
        async def verb(page: Page) -> list[str]:
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            await site.connector.sign_in(page, site.credentials())
            await site.connector.publish(page, site.content("Watched"), RecordedIntent())
            return asked

        origins = tuple(f"{origin}/" for origin in site.connector.origins())
        assert [url for url in bench.run(verb) if not url.startswith(origins)] == []

    def test_trouble_has_its_type(
        self, site: SiteUnderTest, bench: BrowserBench, trouble: Trouble
    ) -> None:
        # Of its own: what another test gave up may reach the site while this one looks.
        content = site.content(f"A post in trouble {uuid4().hex[:8]}")

        async def verb(page: Page) -> None:
            published = None
            if trouble.during is not Capability.SIGN_IN:
                await site.connector.sign_in(page, site.credentials())
            if trouble.during is Capability.READ_BACK:
                published = await site.connector.publish(page, content, RecordedIntent())
            trouble.arrange(site)
            await _perform(trouble.during, site, page, content, published)

        with pytest.raises(ConnectorError) as caught:
            bench.run(verb)
        assert type(caught.value) is trouble.raises
        assert trouble.proves(caught.value)
        assert site.credentials().password not in repr(caught.value)
        assert site.count(content.title) == int(trouble.published)


class _Stopped(Exception):
    """What the platform raises in `submitting` for a stopped job, as far as a connector sees."""


async def _perform(
    capability: Capability,
    site: SiteUnderTest,
    page: Page,
    content: Content,
    published: Published | None,
) -> None:
    connector = site.connector
    match capability:
        case Capability.SIGN_IN:
            await connector.sign_in(page, site.credentials())
        case Capability.CHECK:
            await connector.check(page)
        case Capability.PUBLISH:
            await connector.publish(page, content, RecordedIntent())
        case Capability.READ_BACK:
            assert published is not None
            await connector.read_back(page, published, content)
        case Capability.FIND_PUBLISHED:
            await connector.find_published(page, content, datetime.now(UTC), frozenset())


class ProductContract(DeclarationContract, ContentContract, ConnectorContract):
    """The whole contract, for a product with content and a connector."""
