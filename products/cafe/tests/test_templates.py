"""Templates as they are stored: verbs, digest, audit, events, isolation, personal data."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from tenantry.core import db, queue
from tenantry.sdk import Image, NotFound, PayloadInvalid
from tenantry.sdk.content import ContentChanged
from tenantry.sdk.testing import scope
from tenantry_cafe import privacy, queries, services
from tenantry_cafe.content import TemplateContent
from tenantry_cafe.digests import digest_of
from tenantry_cafe.errors import EditedMeanwhile, NameTaken, TooManyImages, UnknownVariable
from tenantry_cafe.models import Template, TemplateImage
from tenantry_cafe.services import Draft

NOW = datetime(2026, 3, 7, 15, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ACTOR = "user:01890000-0000-7000-8000-000000000001"
A, B, C = (Image(name=f"{n}.png", media_type="image/png", data=n.encode() * 9) for n in "abc")
DRAFT = Draft(
    name="Morning", title="{{date}} 아침", body="{{weekday}}\n{{time}}", cafe="market", board="sale"
)

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


@pytest.fixture(autouse=True)
def entries(audit_entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return audit_entries


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[queue.Event]:
    published: list[queue.Event] = []
    monkeypatch.setattr(queue, "publish", published.append)
    return published


def create(tenant_id: UUID, draft: Draft = DRAFT) -> Template:
    return services.create_template(tenant_id=tenant_id, actor=ACTOR, draft=draft, now=NOW)


def save(template: Template, draft: Draft, *, seen: str | None = None) -> Template:
    return services.save_template(
        tenant_id=template.tenant_id,
        template_id=template.id,
        actor=ACTOR,
        draft=draft,
        seen=template.digest if seen is None else seen,
        now=LATER,
    )


def names(template: Template) -> list[str]:
    return [image.name for image in queries.list_images(template=template)]


def test_create_stores_records_and_tells(
    tenant_id: UUID, entries: list[dict[str, Any]], events: list[queue.Event]
) -> None:
    with scope(tenant_id):
        template = queries.get_template(
            tenant_id=tenant_id, template_id=create(tenant_id, replace(DRAFT, images=(A, B))).id
        )
        stored = list(template.images.all())
    digest = digest_of(
        title=DRAFT.title,
        body=DRAFT.body,
        cafe="market",
        board="sale",
        images=[hashlib.sha256(image.data).hexdigest() for image in (A, B)],
    )
    assert (template.digest, template.created_at, template.updated_at) == (digest, NOW, NOW)
    assert [(i.position, i.name, i.size, bytes(i.data)) for i in stored] == [
        (0, "a.png", 9, A.data),
        (1, "b.png", 9, B.data),
    ]
    assert entries == [
        {
            "action": "cafe.template.created",
            "tenant_id": tenant_id,
            "actor": ACTOR,
            "target": ("template", str(template.id)),
            "at": NOW,
            "body": {"digest": digest, "name": "Morning", "images": 2},
        }
    ]
    assert events == [
        ContentChanged(tenant_id=tenant_id, product="cafe", content_id=template.id, digest=digest)
    ]


def test_save_replaces_and_rearranges(tenant_id: UUID, entries: list[dict[str, Any]]) -> None:
    with scope(tenant_id):
        template = create(tenant_id, replace(DRAFT, images=(A, B)))
        first, second = queries.list_images(template=template)
        saved = save(template, replace(DRAFT, title="Other", images=(second.id, C, first.id)))
        assert names(saved) == ["b.png", "c.png", "a.png"]
        assert queries.list_images(template=saved)[0].id == second.id
        dropped = save(saved, replace(DRAFT, title="Other", images=(first.id,)))
        assert names(dropped) == ["a.png"]
    assert len({template.digest, saved.digest, dropped.digest}) == 3
    assert (saved.created_at, saved.updated_at) == (NOW, LATER)
    assert [entry["action"] for entry in entries] == [
        "cafe.template.created",
        "cafe.template.saved",
        "cafe.template.saved",
    ]


def test_digest_is_of_what_is_posted_alone(tenant_id: UUID) -> None:
    with scope(tenant_id):
        template = create(tenant_id, replace(DRAFT, images=(A,)))
        before = template.digest
        kept = tuple(image.id for image in queries.list_images(template=template))
        renamed = save(template, replace(DRAFT, name="Renamed", images=kept))
        assert renamed.digest == before
        assert save(renamed, replace(DRAFT, board="free", images=kept)).digest != before


def test_delete_leaves_nothing_and_tells(
    tenant_id: UUID, entries: list[dict[str, Any]], events: list[queue.Event]
) -> None:
    with scope(tenant_id):
        template = create(tenant_id, replace(DRAFT, images=(A,)))
        services.delete_template(
            tenant_id=tenant_id, template_id=template.id, actor=ACTOR, now=LATER
        )
        assert (Template.objects.count(), TemplateImage.objects.count()) == (0, 0)
        with pytest.raises(NotFound):
            services.delete_template(
                tenant_id=tenant_id, template_id=template.id, actor=ACTOR, now=LATER
            )
    assert (entries[-1]["action"], entries[-1]["target"]) == (
        "cafe.template.deleted",
        ("template", str(template.id)),
    )
    assert len(entries) == 2
    assert events[1:] == [
        ContentChanged(tenant_id=tenant_id, product="cafe", content_id=template.id, digest="")
    ]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"title": "{{nonsense}}"}, UnknownVariable),
        ({"body": "{{nonsense}}"}, UnknownVariable),
        ({"images": (A,) * 11}, TooManyImages),
        ({"name": "Taken"}, NameTaken),
        ({"images": (UUID(int=1),)}, EditedMeanwhile),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_refusal_changes_nothing(
    tenant_id: UUID,
    entries: list[dict[str, Any]],
    change: dict[str, Any],
    refusal: type[Exception],
) -> None:
    with scope(tenant_id):
        create(tenant_id, replace(DRAFT, name="Taken"))
        template = create(tenant_id, replace(DRAFT, images=(A,)))
        with pytest.raises(refusal):
            save(template, replace(DRAFT, **change))
        stored = queries.get_template(tenant_id=tenant_id, template_id=template.id)
        assert (stored.digest, stored.title, names(stored)) == (
            template.digest,
            DRAFT.title,
            ["a.png"],
        )
    assert len(entries) == 2


def test_save_of_an_older_text_is_refused(tenant_id: UUID) -> None:
    with scope(tenant_id):
        template = create(tenant_id)
        seen = template.digest
        save(template, replace(DRAFT, title="From the other window"))
        with pytest.raises(EditedMeanwhile):
            save(template, replace(DRAFT, title="Mine"), seen=seen)
        assert Template.objects.get().title == "From the other window"


def test_template_of_another_tenant_is_not_there(tenant_id: UUID) -> None:
    stranger = uuid4()
    with scope(tenant_id):
        template = create(tenant_id, replace(DRAFT, images=(A,)))
        (image,) = queries.list_images(template=template)
    tried: list[Callable[[], object]] = [
        lambda: queries.get_template(tenant_id=stranger, template_id=template.id),
        lambda: queries.get_template(tenant_id=tenant_id, template_id=template.id),
        lambda: queries.get_image(tenant_id=tenant_id, template_id=template.id, image_id=image.id),
        lambda: save(template, DRAFT),
    ]
    for act in tried:
        with scope(stranger), pytest.raises(NotFound):
            act()


def test_tables_show_nothing_outside_a_scope(tenant_id: UUID) -> None:
    with scope(tenant_id):
        create(tenant_id, replace(DRAFT, images=(A,)))
    assert (Template.objects.count(), TemplateImage.objects.count()) == (0, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
            " WHERE relname IN ('cafe_template', 'cafe_image') ORDER BY 1"
        )
        assert cursor.fetchall() == [("cafe_image", True), ("cafe_template", True)]


@pytest.mark.parametrize(
    "column", [{"position": 10}, {"size": 10 * 1024 * 1024 + 1}], ids=["eleventh", "too large"]
)
def test_database_keeps_the_limits_of_images(tenant_id: UUID, column: dict[str, int]) -> None:
    with scope(tenant_id):
        create(tenant_id, replace(DRAFT, images=(A,)))
        with pytest.raises(IntegrityError), transaction.atomic():
            TemplateImage.objects.update(**column)


def test_database_keeps_the_limit_of_the_text(tenant_id: UUID) -> None:
    with scope(tenant_id):
        create(tenant_id, replace(DRAFT, body="x" * 20_000))
        with pytest.raises(IntegrityError), transaction.atomic():
            Template.objects.update(body="x" * 20_001)


@pytest.mark.django_db(transaction=True)
def test_of_many_saves_from_one_text_one_wins(tenant_id: UUID) -> None:
    with scope(tenant_id):
        template = create(tenant_id)

    def attempt(number: int) -> bool:
        with db.borrowed():
            try:
                with scope(tenant_id):
                    save(template, replace(DRAFT, title=f"Version {number}"))
            except EditedMeanwhile:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        won = [number for number, won in enumerate(pool.map(attempt, range(64))) if won]
    with scope(tenant_id):
        assert [f"Version {number}" for number in won] == [Template.objects.get().title]
        Template.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_of_many_equal_names_one_is_created(tenant_id: UUID) -> None:
    def attempt(_number: int) -> bool:
        with db.borrowed():
            try:
                with scope(tenant_id):
                    create(tenant_id)
            except NameTaken:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(64))) == 1
    with scope(tenant_id):
        assert Template.objects.all().delete() == (1, {"cafe.Template": 1})


def test_render_fills_in_for_the_zone(tenant_id: UUID) -> None:
    with scope(tenant_id):
        template = create(tenant_id, replace(DRAFT, images=(B, A)))
        content = TemplateContent().render(
            tenant_id=tenant_id, content_id=template.id, moment=NOW, zone="Asia/Seoul"
        )
        in_utc = TemplateContent().render(
            tenant_id=tenant_id, content_id=template.id, moment=NOW, zone="UTC"
        )
    assert (content.title, content.body) == ("2026-03-08 아침", "일요일\n00:30")
    assert (in_utc.title, in_utc.body) == ("2026-03-07 아침", "토요일\n15:30")
    assert (content.target, content.images) == ("market/sale", (B, A))
    assert content.digest == in_utc.digest == template.digest


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (lambda: Template.objects.update(body="{{gone}}"), "There is no variable “{{gone}}”."),
        (lambda: TemplateImage.objects.update(data=b"other"), "image 1 is damaged"),
        (lambda: Template.objects.all().delete(), "the template was deleted"),
    ],
    ids=["variable", "image", "deleted"],
)
def test_render_refuses_what_cannot_be_posted(
    tenant_id: UUID, spoil: Callable[[], object], cause: str
) -> None:
    with scope(tenant_id):
        template = create(tenant_id, replace(DRAFT, images=(A,)))
        spoil()
        with pytest.raises(PayloadInvalid, match=cause.replace("{", r"\{")):
            TemplateContent().render(
                tenant_id=tenant_id, content_id=template.id, moment=NOW, zone="UTC"
            )


def test_choices_are_by_name(tenant_id: UUID) -> None:
    with scope(tenant_id):
        for name in ("b", "c", "a"):
            create(tenant_id, replace(DRAFT, name=name))
        choices = TemplateContent().choices(tenant_id=tenant_id)
    assert [choice.name for choice in choices] == ["a", "b", "c"]


def test_export_hands_over_everything(tenant_id: UUID) -> None:
    with scope(tenant_id):
        template = create(tenant_id, replace(DRAFT, images=(A, B)))
        files = dict(privacy.export(tenant_id=tenant_id))
    folder = f"templates/{template.id}"
    text = json.loads(files.pop(f"{folder}/template.json"))
    assert files == {f"{folder}/1.png": A.data, f"{folder}/2.png": B.data}
    assert text == {
        "name": "Morning",
        "title": DRAFT.title,
        "body": DRAFT.body,
        "cafe": "market",
        "board": "sale",
        "created_at": NOW.isoformat(),
        "updated_at": NOW.isoformat(),
    }


def test_erase_leaves_other_tenants_alone(tenant_id: UUID) -> None:
    other = uuid4()
    for owner in (tenant_id, other):
        with scope(owner):
            create(owner, replace(DRAFT, images=(A, B)))
    with scope(tenant_id):
        assert privacy.erase(tenant_id=tenant_id) == 3
        assert privacy.erase(tenant_id=other) == 0
    with scope(other):
        assert (Template.objects.count(), TemplateImage.objects.count()) == (1, 2)
