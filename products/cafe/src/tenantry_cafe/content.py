"""The product's side of content: what can be scheduled, and what one job publishes."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tenantry.sdk import Content, ContentChoice, Image, PayloadInvalid
from tenantry_cafe import variables
from tenantry_cafe.digests import digest_of_bytes
from tenantry_cafe.errors import UnknownVariable
from tenantry_cafe.models import Template


class TemplateContent:
    """Templates as `sdk.ContentProvider`."""

    def choices(self, *, tenant_id: UUID) -> list[ContentChoice]:
        """Return the tenant's templates by name."""
        found = Template.objects.filter(tenant_id=tenant_id).order_by("name")
        return [
            ContentChoice(content_id=content_id, name=name, digest=digest)
            for content_id, name, digest in found.values_list("id", "name", "digest")
        ]

    def digest(self, *, tenant_id: UUID, content_id: UUID) -> str | None:
        """Return the template's digest, or None where there is none."""
        found = Template.objects.filter(tenant_id=tenant_id, id=content_id)
        return found.values_list("digest", flat=True).first()

    def render(self, *, tenant_id: UUID, content_id: UUID, moment: datetime, zone: str) -> Content:
        """Return the template with its variables filled in for a moment in a zone."""
        template = Template.objects.filter(tenant_id=tenant_id, id=content_id).first()
        if template is None:
            raise PayloadInvalid("the template was deleted")
        try:
            title, body = filled(template, at=moment.astimezone(ZoneInfo(zone)))
        except UnknownVariable as error:
            raise PayloadInvalid(error.text()) from error
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise PayloadInvalid(f"{zone!r} is not a time zone") from error
        return Content(
            title=title,
            body=body,
            target=f"{template.cafe}/{template.board}",
            digest=template.digest,
            images=tuple(_images(template)),
        )


def filled(template: Template, *, at: datetime) -> tuple[str, str]:
    """Return title and text for a moment in its zone; raises `UnknownVariable`."""
    korean = variables.is_korean(template.title, template.body)
    title, body = template.title, template.body
    return (
        variables.render(title, at=at, korean=korean),
        variables.render(body, at=at, korean=korean),
    )


def _images(template: Template) -> list[Image]:
    images = []
    for stored in template.images.order_by("position"):
        data = bytes(stored.data)
        if digest_of_bytes(data) != stored.sha256:
            raise PayloadInvalid(f"image {stored.position + 1} is damaged in the database")
        images.append(Image(name=stored.name, media_type=stored.media_type, data=data))
    return images
