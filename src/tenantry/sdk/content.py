"""What a product publishes: content it stores itself and hands over when a job runs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tenantry.core import queue


@dataclass(frozen=True, kw_only=True)
class Image:
    """One picture: its name, media type and bytes."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one job publishes, with every variable filled in, and the digest of its source.

    `target` says where, in the product's own words (for cafe: `cafe/board`). `digest` is that
    of the stored template, the same for every rendering: approval is bound to it.
    """

    title: str
    body: str
    target: str
    digest: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ContentChoice:
    """One thing a schedule may publish, as a form offers it."""

    content_id: UUID
    name: str
    digest: str


class ContentProvider(Protocol):
    """The product's side of content, called inside the tenant's scope."""

    def choices(self, *, tenant_id: UUID) -> list[ContentChoice]:
        """Return what the tenant may schedule, by name."""
        ...

    def digest(self, *, tenant_id: UUID, content_id: UUID) -> str | None:
        """Return the digest of the stored content, or None where there is none."""
        ...

    def render(self, *, tenant_id: UUID, content_id: UUID, moment: datetime, zone: str) -> Content:
        """Return the content for one moment in the schedule's zone.

        Raises `PayloadInvalid` where it cannot be published (gone, unknown variable, image lost).
        """
        ...


@dataclass(frozen=True, kw_only=True)
class ContentChanged(queue.Event):
    """Stored content was saved or deleted (`digest` empty); approval bound to the old is stale."""

    tenant_id: UUID
    product: str
    content_id: UUID
    digest: str


def content_changed(*, tenant_id: UUID, product: str, content_id: UUID, digest: str) -> None:
    """Tell the platform, in the transaction that saved the content."""
    queue.publish(
        ContentChanged(tenant_id=tenant_id, product=product, content_id=content_id, digest=digest)
    )
