import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.utils import translation

import tenantry
from tenantry.core.errors import DomainError
from tenantry.sdk import registry
from tenantry.work.automation.errorcodes import REGISTRY
from tenantry.work.schedules.explanations import EXPLANATIONS
from tools import messages
from tools.messages import Found

PYTHON = """
from django.utils.translation import gettext as _, ngettext, ngettext_lazy, npgettext, pgettext

ONE = _("One")
JOINED = _("Two "
           "halves")
NAMED = _("Hello %(name)s") % {"name": "you"}
CONTEXT = pgettext("door", "Open")
COUNTED = ngettext("%(count)d job", "%(count)d jobs", len("abc"))
LAZY = ngettext_lazy("%(count)d day", "%(count)d days", "count")
BOTH = npgettext("post", "%(count)d letter", "%(count)d letters", 2)
VARIABLE = _(ONE)
"""
TEMPLATE = """
{% load i18n %}
<p title="{% translate 'Title' %}">{% translate "Go" context "verb" %}</p>
{% blocktranslate trimmed with name=user.name %}
    Hello,
    <b>{{ name }}</b>
{% endblocktranslate %}
{% blocktranslate count total=rows|length trimmed %}
    {{ total }} row{% plural %}{{ total }} rows
{% endblocktranslate %}
{% blocktranslate context "menu" %}File{% endblocktranslate %}
{% include "x.html" with text=_("In a tag (with parentheses)") %}
{# {% translate "In a comment" %} #}
"""
HANGUL = re.compile("[가-힣]")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    templates = tmp_path / "room/templates"
    templates.mkdir(parents=True)
    (tmp_path / "room/views.py").write_text(PYTHON)
    (templates / "page.html").write_text(TEMPLATE)
    return tmp_path


def po_of(source: Path, language: str = "ko") -> Path:
    return source / "locale" / language / "LC_MESSAGES/django.po"


def run(source: Path, *arguments: str) -> int:
    return messages.main(arguments, domains={source: source / "locale"})


def test_extraction_finds_every_call_in_python(source: Path) -> None:
    (source / "room/templates/page.html").unlink()
    assert list(messages.messages_of(source)) == [
        Found(id="One"),
        Found(id="Two halves"),
        Found(id="Open", context="door"),
        Found(id=("%(count)d job", "%(count)d jobs")),
        Found(id=("%(count)d day", "%(count)d days")),
        Found(id=("%(count)d letter", "%(count)d letters"), context="post"),
        Found(id="Hello %(name)s"),
    ]


def test_extraction_finds_every_tag_in_templates(source: Path) -> None:
    (source / "room/views.py").unlink()
    assert list(messages.messages_of(source)) == [
        Found(id="Title"),
        Found(id="Go", context="verb"),
        Found(id="Hello, <b>%(name)s</b>"),
        Found(id=("%(total)s row", "%(total)s rows")),
        Found(id="File", context="menu"),
        Found(id="In a tag (with parentheses)"),
    ]


def test_text_in_pieces_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('_("whole")\n_(f"in {pieces}")\ngettext("glued " + name)\n')
    assert [fault.partition(": ")[0] for fault in messages.pieced(tmp_path)] == [
        f"{tmp_path}/a.py:2",
        f"{tmp_path}/a.py:3",
    ]


def test_a_message_without_translation_is_a_fault(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "room/views.py").write_text('_("Bread")\n_("Salt")\n')
    (source / "room/templates/page.html").unlink()
    assert run(source, "--write") == 0
    translate(source, Bread="빵")
    assert run(source, "--write") == 0
    capsys.readouterr()
    assert run(source, "--check") == 1
    assert capsys.readouterr().out == "ko: no translation of 'Salt'\n"
    translate(source, Salt="소금")
    assert run(source, "--write") == 0
    assert run(source, "--check") == 0


@pytest.mark.parametrize(
    "lossy",
    [
        "안녕하세요, <b>손님</b>",
        "안녕하세요, %(name)s",
        "안녕하세요, <i>%(name)s</i>",
        "%(nam)s <b></b>",
    ],
)
def test_a_lost_placeholder_or_tag_is_a_fault(
    source: Path, lossy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "room/views.py").write_text('_("Hello, <b>%(name)s</b>")\n')
    (source / "room/templates/page.html").unlink()
    run(source, "--write")
    for text, expected in (("안녕하세요, <b>%(name)s</b>", 0), (lossy, 1)):
        translate(source, **{"Hello, <b>%(name)s</b>": text})
        run(source, "--write")
        assert run(source, "--check") == expected
    assert "other placeholders or tags in the translation of 'Hello," in capsys.readouterr().out


def test_a_catalogue_behind_its_source_is_a_fault(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "room/views.py").write_text('_("Bread")\n')
    (source / "room/templates/page.html").unlink()
    run(source, "--write")
    translate(source, Bread="빵")
    run(source, "--write")
    compiled = po_of(source).with_suffix(".mo")
    compiled.write_bytes(compiled.read_bytes()[:-1])
    capsys.readouterr()
    assert run(source, "--check") == 1
    assert capsys.readouterr().out == f"{compiled} is not in step: run tools/messages.py --write\n"


def test_writing_keeps_translations_and_drops_what_is_gone(source: Path) -> None:
    run(source, "--write")
    translate(source, One="하나", **{"%(count)d job": ("작업 %(count)d개",)})
    (source / "room/templates/page.html").unlink()
    run(source, "--write")
    kept = messages.catalogue(po_of(source), "ko")
    assert {
        str(entry.id): entry.string for entry in kept if entry.id and any(entry.string or ())
    } == {
        "One": "하나",
        "('%(count)d job', '%(count)d jobs')": ("작업 %(count)d개",),
    }
    assert kept.get("Title") is None


def test_the_same_messages_are_the_same_bytes_at_any_time(source: Path) -> None:
    run(source, "--write")
    files = {path: path.read_bytes() for path in source.rglob("django.*")}
    run(source, "--write")
    assert {path: path.read_bytes() for path in source.rglob("django.*")} == files
    dates = {path.suffix: re.findall(rb"Date: ([\d-]+)", text) for path, text in files.items()}
    assert dates == {".po": [], ".mo": [b"1970-01-01", b"1970-01-01"]}


def test_catalogues_of_the_project_are_complete(capsys: pytest.CaptureFixture[str]) -> None:
    assert messages.main(["--check"]) == 0, capsys.readouterr().out


def refusals() -> Iterator[type[DomainError]]:
    packages = [tenantry, *(import_module(f"tenantry_{p.slug}") for p in registry.products())]
    for package in packages:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(".errors"):
                import_module(module.name)
    waiting = [DomainError]
    while waiting:
        refusal = waiting.pop()
        waiting += refusal.__subclasses__()
        if refusal.__module__.startswith("tenantry"):
            yield refusal


def test_every_refusal_is_said_in_korean() -> None:
    found = list(refusals())
    assert len(found) > 40
    with translation.override("ko"):
        for refusal in found:
            error = refusal()
            error.facts = defaultdict(lambda: 7)
            assert HANGUL.search(error.text()), refusal
            # One refusal tells the remedy of what it was refused for, and has no words of its own.
            if str(refusal.remedy) != "%(cure)s":
                assert HANGUL.search(error.remedy_text()), refusal


def test_every_error_code_and_gate_is_explained_in_korean() -> None:
    with translation.override("ko"):
        texts = [
            *(text for code in REGISTRY.values() for text in (code.cause, code.remedy, code.hint)),
            *(text for told in EXPLANATIONS.values() for text in (told.message, told.remedy)),
        ]
        assert [text for text in map(str, texts) if not HANGUL.search(text)] == []


def translate(source: Path, **texts: str | tuple[str, ...]) -> None:
    """Put translations in, as a translator does."""
    catalog = messages.catalogue(po_of(source), "ko")
    for message_id, text in texts.items():
        message = catalog.get(message_id)
        assert message is not None
        message.string = text
    po_of(source).write_bytes(messages.po_bytes(catalog))
