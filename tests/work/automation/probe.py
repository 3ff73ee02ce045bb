"""A product for these tests: its connectors do as they are told, on pages of their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from tenantry.sdk import (
    Capability,
    Content,
    ContentChoice,
    Credentials,
    Image,
    Intent,
    JobKind,
    PayloadInvalid,
    Product,
    Proof,
    Published,
    SignedIn,
)
from tenantry.sdk.browser import Page
from tenantry.sdk.errors import CODES, ConnectorError

DIGEST = "digest-of-the-approved"
PASSWORD = "p@ss w0rd & more"


@dataclass(kw_only=True)
class Site:
    """What the pretended site knows, and how it will behave."""

    articles: dict[str, str] = field(default_factory=dict)
    submits: int = 0
    fail_before: Exception | None = None
    fail_after: Exception | None = None
    swallow: bool = False
    sign_in_error: Exception | None = None
    check_error: Exception | None = None
    find_error: Exception | None = None
    read_error: Exception | None = None
    expires_in: timedelta | None = None
    matches: bool = True
    before_submit: Callable[[], None] | None = None
    between: Callable[[], object] | None = None
    looks: int = 0
    checks: int = 0
    origin: str = "https://probe.example"
    html: str = "<title>probe</title><p>hello</p>"


@dataclass(kw_only=True)
class ProbeConnector:
    """Uses a real page when it is given one."""

    site: Site = field(default_factory=Site)
    slug: str = "probe"
    label: str = "Probe"
    capabilities: frozenset[Capability] = frozenset(Capability)

    def origins(self) -> Sequence[str]:
        return (self.site.origin,)

    async def show(self, page: Page | None) -> None:
        if page is not None:
            await page.set_content(self.site.html)

    async def sign_in(self, page: Page, credentials: Credentials) -> SignedIn:
        await self.show(page)
        raise_(self.site.sign_in_error)
        if page is not None:
            cookie = {"name": "sid", "value": "session-cookie-value", "url": self.site.origin}
            await page.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict
        return self._signed_in(credentials.account)

    async def check(self, page: Page) -> SignedIn:
        self.site.checks += 1
        await self.show(page)
        raise_(self.site.check_error)
        return self._signed_in("seller")

    def _signed_in(self, account: str) -> SignedIn:
        ends = datetime.now().astimezone() + self.site.expires_in if self.site.expires_in else None
        return SignedIn(account=account, expires_at=ends)

    async def publish(self, page: Page, content: Content, intent: Intent) -> Published:
        await self.show(page)
        raise_(self.site.fail_before)
        if self.site.before_submit:
            self.site.before_submit()
        if self.site.between:
            await self.site.between()  # type: ignore[misc]  # a coroutine function
        await intent.submitting()
        self.site.submits += 1
        number = str(len(self.site.articles) + 1)
        if not self.site.swallow:
            self.site.articles[number] = content.title
        raise_(self.site.fail_after)
        return Published(id=number, url=f"{self.site.origin}/{number}")

    async def read_back(self, page: Page, published: Published, content: Content) -> Proof:
        await self.show(page)
        raise_(self.site.read_error)
        title = self.site.articles.get(published.id, "")
        return Proof(
            url=published.url,
            title=title,
            matches=self.site.matches and title == content.title,
            image_count=len(content.images),
        )

    async def find_published(
        self, page: Page, content: Content, since: datetime, known: frozenset[str]
    ) -> Published | None:
        del page, since
        self.site.looks += 1
        raise_(self.site.find_error)
        for number, title in self.site.articles.items():
            if title == content.title and number not in known:
                return Published(id=number, url=f"{self.site.origin}/{number}")
        return None


def raise_(error: Exception | None) -> None:
    if error is not None:
        raise error


@dataclass(kw_only=True)
class PagelessProbe(ProbeConnector):
    """The same without a browser."""

    slug: str = "pageless"

    @property
    def pageless(self) -> Literal[True]:
        return True


@dataclass(kw_only=True)
class ProbeContent:
    """Stores one post."""

    now_digest: str = DIGEST

    def choices(self, *, tenant_id: UUID) -> list[ContentChoice]:
        del tenant_id
        return []

    def digest(self, *, tenant_id: UUID, content_id: UUID) -> str | None:
        del tenant_id, content_id
        return self.now_digest

    def render(self, *, tenant_id: UUID, content_id: UUID, moment: datetime, zone: str) -> Content:
        del tenant_id
        if not zone:
            raise PayloadInvalid("no zone")
        return Content(
            title=f"Post {content_id} at {moment.isoformat()}",
            body="Body",
            target="board",
            digest=self.now_digest,
            images=(Image(name="a.png", media_type="image/png", data=b"png"),),
        )


def make_product(site: Site) -> Product:
    return Product(
        slug="probe",
        name="Probe",
        version="1.0",
        requires_platform=">=0.1",
        app="tests",
        connectors=(ProbeConnector(site=site), PagelessProbe(site=site)),
        job_kinds=(
            JobKind(
                name="probe.publish",
                label="Publish",
                capability=Capability.PUBLISH,
                error_codes=CODES,
            ),
            JobKind(
                name="probe.ping",
                label="Ping",
                capability=Capability.CHECK,
                error_codes=CODES,
                irreversible=False,
            ),
        ),
        content=ProbeContent(),
    )


class Trouble(ConnectorError):
    """An error of a connector's own that the registry does not know."""

    code = "NO_SUCH_CODE"
