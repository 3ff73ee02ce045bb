"""A tenant's data in this product: handed over, or removed."""

import json
from collections.abc import Iterator
from uuid import UUID

from tenantry_cafe.models import Template


def export(*, tenant_id: UUID) -> Iterator[tuple[str, bytes]]:
    """Yield `(file name, bytes)` of every template and every image of it."""
    for template in Template.objects.filter(tenant_id=tenant_id).order_by("created_at", "id"):
        folder = f"templates/{template.id}"
        text = {
            "name": template.name,
            "title": template.title,
            "body": template.body,
            "cafe": template.cafe,
            "board": template.board,
            "created_at": template.created_at.isoformat(),
            "updated_at": template.updated_at.isoformat(),
        }
        document = json.dumps(text, ensure_ascii=False, indent=2, sort_keys=True)
        yield f"{folder}/template.json", document.encode()
        for image in template.images.order_by("position"):
            extension = image.media_type.partition("/")[2]
            yield f"{folder}/{image.position + 1}.{extension}", bytes(image.data)


def erase(*, tenant_id: UUID) -> int:
    """Remove every template with its images; return how many rows that were."""
    removed, _by_table = Template.objects.filter(tenant_id=tenant_id).delete()
    return removed
