"""What customers do with templates: one transaction, one audit entry, one event each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from tenantry.sdk import Image, NotFound, content_changed, record
from tenantry_cafe import variables
from tenantry_cafe.audit_actions import Action
from tenantry_cafe.digests import digest_of, digest_of_bytes
from tenantry_cafe.errors import EditedMeanwhile, NameTaken, TooManyImages
from tenantry_cafe.models import MOST_IMAGES, Template, TemplateImage

PRODUCT = "cafe"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a person typed. `images` are in the wanted order: kept ones by id, new ones in full."""

    name: str
    title: str
    body: str
    cafe: str
    board: str
    images: tuple[UUID | Image, ...] = ()


@transaction.atomic
def create_template(*, tenant_id: UUID, actor: str, draft: Draft, now: datetime) -> Template:
    """Store a new template.

    Raises `NameTaken`, `UnknownVariable` or `TooManyImages`; the bytes of images are taken as
    already checked.
    """
    template = Template(tenant_id=tenant_id, created_at=now)
    return _store(template, draft, action=Action.TEMPLATE_CREATED, actor=actor, now=now)


@transaction.atomic
def save_template(
    *, tenant_id: UUID, template_id: UUID, actor: str, draft: Draft, seen: str, now: datetime
) -> Template:
    """Replace a template's content. `seen` is the digest the person started from.

    Raises `EditedMeanwhile` where it is no longer that, `NotFound`, and all of `create_template`.
    """
    template = _locked(tenant_id=tenant_id, template_id=template_id)
    if template.digest != seen:
        raise EditedMeanwhile
    return _store(template, draft, action=Action.TEMPLATE_SAVED, actor=actor, now=now)


@transaction.atomic
def delete_template(*, tenant_id: UUID, template_id: UUID, actor: str, now: datetime) -> None:
    """Remove a template; schedules that would publish it find it gone. Raises `NotFound`."""
    template = _locked(tenant_id=tenant_id, template_id=template_id)
    _tell(template, "", action=Action.TEMPLATE_DELETED, actor=actor, now=now)
    template.delete()


def _locked(*, tenant_id: UUID, template_id: UUID) -> Template:
    found = Template.objects.select_for_update().filter(tenant_id=tenant_id, id=template_id)
    template = found.first()
    if template is None:
        raise NotFound
    return template


def _store(
    template: Template, draft: Draft, *, action: Action, actor: str, now: datetime
) -> Template:
    variables.require_known(draft.title, draft.body)
    if len(draft.images) > MOST_IMAGES:
        raise TooManyImages(most=MOST_IMAGES, count=len(draft.images))
    template.name, template.title, template.body = draft.name, draft.title, draft.body
    template.cafe, template.board, template.updated_at = draft.cafe, draft.board, now
    _write(template)
    hashes = _arrange(template, draft.images)
    template.digest = digest_of(
        title=draft.title, body=draft.body, cafe=draft.cafe, board=draft.board, images=hashes
    )
    template.save(update_fields=["digest"])
    _tell(template, template.digest, action=action, actor=actor, now=now, images=len(hashes))
    return template


def _write(template: Template) -> None:
    """Save the row; only the unique name can refuse it."""
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        clash = Template.objects.filter(tenant_id=template.tenant_id, name=template.name)
        if clash.exclude(id=template.id).exists():
            raise NameTaken(name=template.name) from error
        raise


def _arrange(template: Template, images: Sequence[UUID | Image]) -> list[str]:
    """Make the template's images exactly these, in this order; return their hashes."""
    kept = {image.id: image for image in template.images.defer("data")}
    if not {image for image in images if isinstance(image, UUID)} <= kept.keys():
        raise EditedMeanwhile
    template.images.exclude(id__in=[i for i in images if isinstance(i, UUID)]).delete()
    hashes = []
    for position, image in enumerate(images):
        if isinstance(image, UUID):
            stored = kept[image]
            stored.position = position
            stored.save(update_fields=["position"])
        else:
            stored = _add(template, image, position)
        hashes.append(stored.sha256)
    return hashes


def _add(template: Template, image: Image, position: int) -> TemplateImage:
    return TemplateImage.objects.create(
        tenant_id=template.tenant_id,
        template=template,
        position=position,
        name=image.name,
        media_type=image.media_type,
        size=len(image.data),
        sha256=digest_of_bytes(image.data),
        data=image.data,
    )


def _tell(
    template: Template,
    digest: str,
    *,
    action: Action,
    actor: str,
    now: datetime,
    **facts: object,
) -> None:
    tenant_id, template_id = template.tenant_id, template.id
    record(
        action=action,
        tenant_id=tenant_id,
        actor=actor,
        target=("template", str(template_id)),
        at=now,
        body={"digest": digest, "name": template.name, **facts},
    )
    content_changed(tenant_id=tenant_id, product=PRODUCT, content_id=template_id, digest=digest)
