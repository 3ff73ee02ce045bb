"""The pages: what they show, keep, refuse, and to whom."""

import io
import re
import struct
import zlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image as Picture
from pytest_django import DjangoAssertNumQueries, Settings

from tenantry.sdk.testing import scope
from tenantry_cafe import queries
from tenantry_cafe.fakesite.visitor import make_png
from tenantry_cafe.models import Template, TemplateImage

from .portal_urls import TENANT

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("audit_entries"),
]

BASE = """<title>{% block title %}{% endblock %}</title>
{% for message in messages %}<p class="message">{{ message }}</p>{% endfor %}
<main class="{% block width %}{% endblock %}">{% block content %}{% endblock %}</main>"""
TYPED = {
    "name": "Morning",
    "cafe": "market",
    "board": "sale",
    "title": "<b>{{date}}</b>",
    "body": "{{weekday}} & co\r\nsecond <script>",
}


@pytest.fixture(autouse=True)
def mounted(settings: Settings) -> None:
    settings.ROOT_URLCONF = f"{__package__}.portal_urls" if __package__ else "portal_urls"
    settings.MIDDLEWARE = [
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    settings.CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    base = ("django.template.loaders.locmem.Loader", {"portal/product.html": BASE})
    own = "django.template.loaders.app_directories.Loader"
    processors = [
        "django.template.context_processors.request",
        "django.contrib.messages.context_processors.messages",
    ]
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"loaders": [base, own], "context_processors": processors},
        }
    ]


def url(name: str, *args: object, who: str = "owner") -> str:
    return reverse(f"cafe:{name}", args=[who, *args])


def upload(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/png")


def create(client: Client, **changed: Any) -> Template:
    response = client.post(url("new"), {**TYPED, **changed})
    assert response.status_code == 302, response.content.decode()
    with scope(TENANT):
        template = Template.objects.latest("created_at")
    assert response["Location"] == url("template", template.id)
    return template


def images_of(template: Template) -> list[TemplateImage]:
    with scope(TENANT):
        return queries.list_images(template=template)


def picture(kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    Picture.new("RGB", (30, 20), "teal").save(data, kind, **options)
    return data.getvalue()


def test_empty_list_offers_the_first_step(client: Client) -> None:
    page = client.get(url("templates")).content.decode()
    assert "No templates yet" in page
    assert f'href="{url("new")}"' in page


def test_list_shows_templates_with_few_queries(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    create(client, images=[upload("a.png", make_png())])
    counts = []
    for number in range(2):
        # Four of them are the scope's; the others count and list.
        with django_assert_num_queries(6):
            page = client.get(url("templates")).content.decode()
        counts.append(page.count("<tr>"))
        create(client, name=f"More {number}")
    assert counts == [2, 3]


def test_list_has_pages(client: Client) -> None:
    create(client)
    with scope(TENANT):
        (one,) = Template.objects.all()
        for number in range(50):
            one.pk, one.name = uuid4(), f"n{number}"
            one.save(force_insert=True)
    first = client.get(url("templates")).content.decode()
    last = client.get(url("templates"), {"page": "2"}).content.decode()
    assert ["Page 1 of 2" in first, "Page 2 of 2" in last] == [True, True]
    assert [first.count("<tr>"), last.count("<tr>")] == [51, 2]


def test_template_is_shown_as_it_would_be_posted(client: Client) -> None:
    template = create(client, images=[upload("<x>.png", make_png())])
    (image,) = images_of(template)
    page = client.get(url("template", template.id)).content.decode()
    assert "&lt;b&gt;20" in page
    assert "day &amp; co<br>second &lt;script&gt;" in page
    assert f'src="{url("image", template.id, image.id)}"' in page
    assert ["<b>" in page, "<script>" in page, "{{" in page, "<x>" in page] == [False] * 4
    assert f'href="{url("edit", template.id)}"' in page


def test_moment_of_the_preview_is_that_of_the_zone(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for clock in ("tenantry.core.clock.now", "tenantry_cafe.views.now"):
        monkeypatch.setattr(clock, lambda: datetime(2026, 3, 7, 15, 30, tzinfo=UTC))
    template = create(client)
    page = client.get(url("template", template.id)).content.decode()
    shown = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "As it would be posted now (today 00:30, Seoul time)." in shown
    assert "&lt;b&gt;2026-03-08&lt;/b&gt;" in page
    assert ">today 00:30</time>" in client.get(url("templates")).content.decode()


def test_broken_variable_is_shown_with_its_remedy(client: Client) -> None:
    template = create(client)
    with scope(TENANT):
        Template.objects.update(title="{{gone}}")
    page = client.get(url("template", template.id)).content.decode()
    assert "There is no variable “{{gone}}”. Use one of {{today}}" in page


def test_saving_keeps_text_and_tells(client: Client) -> None:
    template = create(client, images=[upload("../a.png", make_png()), upload("b", picture("GIF"))])
    assert (template.title, template.body) == (TYPED["title"], "{{weekday}} & co\nsecond <script>")
    stored = [(image.name, image.media_type) for image in images_of(template)]
    assert stored == [("a.png", "image/png"), ("b", "image/gif")]
    assert "The template was saved." in client.get(url("template", template.id)).content.decode()


def test_edit_rearranges_removes_and_adds(client: Client) -> None:
    files = [upload(f"{name}.png", make_png()) for name in "abc"]
    template = create(client, images=files)
    a, b, c = images_of(template)
    page = client.get(url("edit", template.id)).content.decode()
    assert f'name="place_{b.id}" value="2"' in page
    assert f'value="{template.digest}"' in page
    typed = {f"place_{a.id}": "3", f"place_{c.id}": "1", f"remove_{b.id}": "on"}
    response = client.post(
        url("edit", template.id),
        {
            **TYPED,
            **typed,
            "title": "New title",
            "seen": template.digest,
            "images": [upload("d.png", make_png())],
        },
    )
    assert response.status_code == 302
    assert [image.name for image in images_of(template)] == ["c.png", "a.png", "d.png"]
    with scope(TENANT):
        assert Template.objects.get().title == "New title"


def test_edit_without_places_keeps_the_order(client: Client) -> None:
    template = create(client, images=[upload(f"{name}.png", make_png()) for name in "ab"])
    client.post(url("edit", template.id), {**TYPED, "seen": template.digest})
    assert [image.name for image in images_of(template)] == ["a.png", "b.png"]


def test_delete_asks_first(client: Client) -> None:
    template = create(client)
    assert "Delete “Morning”?" in client.get(url("delete", template.id)).content.decode()
    with scope(TENANT):
        assert Template.objects.count() == 1
    response = client.post(url("delete", template.id), follow=True)
    assert response.redirect_chain == [(url("templates"), 302)]
    assert "The template was deleted." in response.content.decode()
    with scope(TENANT):
        assert Template.objects.count() == 0


def test_image_is_served_as_nothing_but_an_image(client: Client) -> None:
    data = picture("WEBP")
    template = create(client, images=[upload("a.exe", data)])
    (image,) = images_of(template)
    response = client.get(url("image", template.id, image.id))
    assert response.content == data
    wanted = {
        "Content-Type": "image/webp",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    assert {name: response[name] for name in wanted} == wanted


def test_image_belongs_to_its_template(client: Client) -> None:
    template = create(client, images=[upload("a.png", make_png())])
    other = create(client, name="Other")
    (image,) = images_of(template)
    assert client.get(url("image", other.id, image.id)).status_code == 404


def test_stranger_finds_nothing(client: Client) -> None:
    template = create(client, images=[upload("a.png", make_png())])
    (image,) = images_of(template)
    pages = [url(name, template.id, who="stranger") for name in ("template", "edit", "delete")]
    for page in [*pages, url("image", template.id, image.id, who="stranger")]:
        assert client.get(page).status_code == 404
    for name in ("edit", "delete"):
        response = client.post(url(name, template.id, who="stranger"), TYPED)
        assert response.status_code == 404
    assert "Morning" not in client.get(url("templates", who="stranger")).content.decode()
    with scope(TENANT):
        assert Template.objects.count() == 1


def test_viewer_reads_only(client: Client) -> None:
    template = create(client)
    for name in ("templates", "template"):
        args = [template.id] if name == "template" else []
        page = client.get(url(name, *args, who="viewer"))
        assert page.status_code == 200
        text = page.content.decode()
        assert [f"/{word}/" in text for word in ("new", "edit", "delete")] == [False] * 3
    for name, args in (("new", []), ("edit", [template.id]), ("delete", [template.id])):
        assert client.get(url(name, *args, who="viewer")).status_code == 403
        assert client.post(url(name, *args, who="viewer"), TYPED).status_code == 403


def test_wrong_methods_are_refused(client: Client) -> None:
    template = create(client)
    for name in ("templates", "template"):
        args = [template.id] if name == "template" else []
        assert client.post(url(name, *args)).status_code == 405
    assert client.put(url("edit", template.id)).status_code == 405


def test_form_without_token_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(url("new"), TYPED).status_code == 403


def bomb() -> bytes:
    """Make a small PNG that unpacks to 49 million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 7000, 7000, 1, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" * 876) * 7000)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


REFUSED_FILES = {
    "twenty megabytes": (
        b"\x89PNG\r\n\x1a\n" * 2_621_440,
        "“f.png” has 20.0 MB; a cafe takes 10 MB",
    ),
    "text": (b"not an image", "“f.png” is not an image, or it is damaged. Choose a JPEG"),
    "empty": (b"", "“f.png” is not an image"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "“f.png” is not an image"),
    "other format": (picture("BMP"), "“f.png” is not an image"),
    "cut jpeg": (picture("JPEG")[:-40], "“f.png” is not an image, or it is damaged"),
    "cut png": (make_png()[:-20], "“f.png” is not an image, or it is damaged"),
    "bomb": (bomb(), "“f.png” has too many pixels. Scale it down"),
}


@pytest.mark.parametrize(("data", "words"), REFUSED_FILES.values(), ids=REFUSED_FILES.keys())
def test_file_is_refused_and_the_text_kept(client: Client, data: bytes, words: str) -> None:
    files = [upload("f.png", data), upload("good.png", make_png())]
    response = client.post(url("new"), {**TYPED, "images": files})
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert "choose the images again" in page
    assert "second &lt;script&gt;</textarea>" in page
    assert 'value="Morning"' in page
    with scope(TENANT):
        assert Template.objects.count() == 0


@pytest.mark.parametrize(
    ("kind", "options", "media_type"),
    [
        ("JPEG", {}, "image/jpeg"),
        ("PNG", {}, "image/png"),
        ("GIF", {}, "image/gif"),
        ("WEBP", {}, "image/webp"),
        (
            "MPO",
            {"save_all": True, "append_images": [Picture.new("RGB", (30, 20))]},
            "image/jpeg",
        ),
    ],
)
def test_image_is_what_its_bytes_say(
    client: Client, kind: str, options: dict[str, Any], media_type: str
) -> None:
    template = create(client, images=[upload("photo.txt", picture(kind, **options))])
    assert [image.media_type for image in images_of(template)] == [media_type]


REFUSED_TEXTS = {
    "no name": ({"name": " "}, "name", "This field is required."),
    "long name": ({"name": "n" * 101}, "name", "at most 100 characters"),
    "no title": ({"title": ""}, "title", "This field is required."),
    "long title": ({"title": "t" * 201}, "title", "at most 200 characters"),
    "no text": ({"body": " \r\n "}, "body", "This field is required."),
    "long text": ({"body": "b" * 20_001}, "body", "at most 20000 characters"),
    "control": ({"body": "a\x1bb"}, "body", "invisible control character"),
    "null": ({"title": "a\x00b"}, "title", "invisible control character"),
    "path": ({"cafe": "../admin"}, "cafe", "Write only the word from the address"),
    "line end": ({"board": "sale\u2028x"}, "board", "Write only the word from the address"),
    "variable": ({"title": "{{nope}}"}, "title", "There is no variable “{{nope}}”. Use one of"),
    "open": ({"body": "a {{ b"}, "body", "There is no variable “{{”. Use one of {{today}}"),
}


@pytest.mark.parametrize(
    ("typed", "field", "words"), REFUSED_TEXTS.values(), ids=REFUSED_TEXTS.keys()
)
def test_text_is_refused_beside_its_field(
    client: Client, typed: dict[str, str], field: str, words: str
) -> None:
    response = client.post(url("new"), {**TYPED, **typed})
    assert response.status_code == 422
    errors = response.context["form"].errors
    assert list(errors) == [field]
    assert words in errors[field][0]
    page = response.content.decode()
    assert f'id="id_{field}_error"' in page
    assert page.count('class="error"') == len(errors[field])


def test_largest_text_is_taken(client: Client) -> None:
    body = "\r\n".join(["가" * 99] * 200)
    template = create(client, name="n" * 100, title="t" * 200, body=body)
    assert len(template.body) == 19_999


def test_eleven_images_are_too_many(client: Client) -> None:
    files = [upload(f"{n}.png", make_png()) for n in range(11)]
    response = client.post(url("new"), {**TYPED, "images": files})
    assert response.context["form"].errors == {
        "images": ["A post carries 10 images at most; these are 11. Remove some of them."]
    }


def test_kept_and_new_images_count_together(client: Client) -> None:
    template = create(client, images=[upload(f"{n}.png", make_png()) for n in range(10)])
    more = {**TYPED, "seen": template.digest, "images": [upload("x.png", make_png())]}
    response = client.post(url("edit", template.id), more)
    assert "these are 11" in response.content.decode()
    first = images_of(template)[0]
    more["images"] = [upload("x.png", make_png())]
    response = client.post(url("edit", template.id), {**more, f"remove_{first.id}": "on"})
    assert response.status_code == 302
    assert [image.name for image in images_of(template)] == [
        *(f"{n}.png" for n in range(1, 10)),
        "x.png",
    ]


def test_taken_name_is_refused_beside_the_name(client: Client) -> None:
    create(client)
    response = client.post(url("new"), TYPED)
    assert response.status_code == 422
    assert response.context["form"].errors == {
        "name": ["Another template is called “Morning”. Choose another name."]
    }


def test_older_form_is_refused_and_the_text_kept(client: Client) -> None:
    template = create(client)
    client.post(url("edit", template.id), {**TYPED, "title": "First", "seen": template.digest})
    response = client.post(
        url("edit", template.id), {**TYPED, "title": "Second", "seen": template.digest}
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "Somebody else has saved this template since you opened it." in page
    assert 'value="Second"' in page
    with scope(TENANT):
        assert Template.objects.get().title == "First"


def test_form_names_the_variables(client: Client) -> None:
    page = client.get(url("new")).content.decode()
    assert page.count("<code>{{") == 9


def test_unknown_template_is_not_found(client: Client) -> None:
    for name in ("template", "edit", "delete"):
        assert client.get(url(name, UUID(int=5))).status_code == 404
