"""Reads of the product's tables, for one tenant at a time."""

from uuid import UUID

from django.db.models import Count, QuerySet

from tenantry.sdk import NotFound
from tenantry_cafe.models import Template, TemplateImage


def list_templates(*, tenant_id: UUID) -> QuerySet[Template]:
    """Return the tenant's templates by name, each with its `image_count`."""
    return (
        Template.objects.filter(tenant_id=tenant_id)
        .annotate(image_count=Count("images"))
        .order_by("name")
    )


def get_template(*, tenant_id: UUID, template_id: UUID) -> Template:
    """Return one template; `NotFound` where the tenant has no such template."""
    try:
        return Template.objects.get(tenant_id=tenant_id, id=template_id)
    except Template.DoesNotExist:
        raise NotFound from None


def list_images(*, template: Template) -> list[TemplateImage]:
    """Return a template's images in their order, without their bytes."""
    return list(template.images.defer("data").order_by("position"))


def get_image(*, tenant_id: UUID, template_id: UUID, image_id: UUID) -> TemplateImage:
    """Return one image with its bytes; `NotFound` where the tenant has no such image."""
    try:
        return TemplateImage.objects.get(tenant_id=tenant_id, template_id=template_id, id=image_id)
    except TemplateImage.DoesNotExist:
        raise NotFound from None
