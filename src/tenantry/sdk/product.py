"""The product contract: one frozen declaration, validated when the platform starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from tenantry.core.errors import Text
from tenantry.sdk.browser import Page
from tenantry.sdk.content import Content, ContentProvider
from tenantry.sdk.recipe import Recipe


class Capability(StrEnum):
    """What a connector can do; the platform offers and schedules nothing beyond it."""

    SIGN_IN = "sign_in"
    CHECK = "check"
    PUBLISH = "publish"
    READ_BACK = "read_back"
    FIND_PUBLISHED = "find_published"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What the account's owner typed; destroyed as soon as the sign-in has ended."""

    account: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A positive sign of being signed in: as whom, and until when if the site says so."""

    account: str
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Published:
    """The site's own id and address of what was published."""

    id: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was read back from the published page itself."""

    url: str
    title: str
    matches: bool
    image_count: int = 0


class Intent(Protocol):
    """The last safe point. Nothing irreversible happens before `submitting` returned."""

    async def submitting(self) -> None:
        """Store the intent to submit; raises when the job was stopped meanwhile."""
        ...


@runtime_checkable
class Connector(Protocol):
    """One way to an outside site. Every verb raises only `ConnectorError`s.

    Pages come with the connection's saved login; verbs wait for landmarks, never for a time.
    Connectors send an honest user agent and never solve challenges.
    """

    @property
    def slug(self) -> str:
        """Return its name inside the product, lower-case."""
        ...

    @property
    def label(self) -> Text:
        """Return its name for people."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return which of the verbs it really has."""
        ...

    def origins(self) -> Sequence[str]:
        """Return the only origins its pages may talk to, like `https://cafe.example`."""
        ...

    async def sign_in(self, page: Page, credentials: Credentials) -> SignedIn:
        """Sign in on a fresh page."""
        ...

    async def check(self, page: Page) -> SignedIn:
        """Look whether the saved login still counts; changes nothing on the site."""
        ...

    async def publish(self, page: Page, content: Content, intent: Intent) -> Published:
        """Publish once; awaits `intent.submitting()` right before the irreversible step."""
        ...

    async def read_back(self, page: Page, published: Published, content: Content) -> Proof:
        """Open what was published and compare it with the content."""
        ...

    async def find_published(
        self, page: Page, content: Content, since: datetime, known: frozenset[str]
    ) -> Published | None:
        """Look in the account's own posts for this content, published after `since`.

        `known` are ids that belong to other jobs. None means proven absent; a doubt is an error
        (`OutcomeUnknown`).
        """
        ...


@runtime_checkable
class Pageless(Protocol):
    """A connector that works without a browser, say through the site's API: its pages are None."""

    @property
    def pageless(self) -> Literal[True]:
        """Return True; only connectors without pages have this."""
        ...


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """A kind of work, like `cafe.publish`: what it needs and which error codes it may end with."""

    name: str
    label: Text
    capability: Capability
    error_codes: frozenset[str]
    irreversible: bool = True


@dataclass(frozen=True, kw_only=True)
class PortalSection:
    """Pages of the product inside the customer's portal, below `/t/<tenant>/<slug>/`.

    `urls` is the dotted path of a module with `urlpatterns`, mounted in the namespace of the slug;
    `index` names the first page in it. Views are called with the captured `short_id` and a request
    whose `tenant` is the authorised `TenantAccess`, inside the tenant's scope; a `DomainError` they
    raise is shown as a page. Templates extend `portal/product.html` (blocks `title`, `content`).
    """

    label: Text
    icon: str
    urls: str
    index: str


@dataclass(frozen=True, kw_only=True)
class AuditAction:
    """One word of the product's audit vocabulary, like `cafe.template.saved`."""

    code: str
    label: Text


@dataclass(frozen=True, kw_only=True)
class PersonalData:
    """Where the product keeps personal data of a tenant, and how it is exported and erased.

    Both are dotted paths of functions called inside the tenant's scope: `exporter(*, tenant_id)`
    yields `(file name, bytes)`, `eraser(*, tenant_id)` removes all and returns how many rows.
    """

    label: Text
    exporter: str
    eraser: str


class FakeSite(Protocol):
    """The product's stand-in for the outside site: the only target of demo, tests and benches."""

    def command(self, *, port: int, data: Path, control_token: str) -> Sequence[str]:
        """Return the command that runs it as a process of its own, given `environment` too."""
        ...

    def environment(self, *, url: str, control_token: str) -> Mapping[str, str]:
        """Return what the site and the platform's processes need to know of each other."""
        ...

    def credentials(self) -> Credentials:
        """Return an account that the site knows from the start."""
        ...

    def content(self, number: int) -> Content:
        """Return something that this account may publish; another one for every number."""
        ...


@dataclass(frozen=True, kw_only=True)
class Product:
    """Everything the platform needs to know of a product."""

    slug: str
    name: Text
    version: str
    requires_platform: str
    app: str
    connectors: tuple[Connector, ...] = ()
    job_kinds: tuple[JobKind, ...] = ()
    content: ContentProvider | None = None
    portal: PortalSection | None = None
    audit_actions: tuple[AuditAction, ...] = ()
    personal_data: tuple[PersonalData, ...] = ()
    fake_site: FakeSite | None = None
    recipe: Recipe | None = None
    story: str = ""
