"""Message catalogues: found in the source, kept complete, compiled, all without GNU gettext.

`--write` brings the catalogues in step with the source and compiles them; new messages stand there
without a translation. `--check` says what is missing, stale or wrongly filled in; exit code 1.
"""

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[1]
LANGUAGES = ("en", "ko")
_PLATFORM = ROOT / "src/tenantry"
# Where messages are written -> where their catalogues lie.
DOMAINS = {
    _PLATFORM: _PLATFORM / "locale",
    **{
        init.parent: init.parent / "locale"
        for init in sorted(ROOT.glob("products/*/src/*/__init__.py"))
    },
}
_CALLS = frozenset(
    f"{kind}gettext{end}"
    for kind in ("", "n", "p", "np")
    for end in ("", "_lazy", "_noop")
    if not (kind and end == "_noop")
) | {"_"}
# Headers that change by themselves or that nobody here fills in.
_UNSAID = tuple(
    f'"{name}:'.encode()
    for name in (
        "Project-Id-Version",
        "Report-Msgid-Bugs-To",
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
    )
)
_CALL = re.compile(r"\b(_|n?p?gettext)\(")
# What Unfold and Django's admin show in the console, said in English only or not well in Korean.
_BORROWED = (
    " By %(filter_title)s ",
    "0 of %(cnt)s selected",
    "Apply Filters",
    "Click to cancel",
    "Collapse",
    "Date from",
    "Date to",
    "Expand row",
    "Filters",
    "From",
    "Go back",
    "Loading more results...",
    "More actions",
    "No data",
    "No recent searches",
    "No results found",
    "No results matching your query",
    "Not enough data.",
    "Recent searches",
    "Reset filters",
    "Return to site",
    "Run",
    "Search apps and models...",
    "Select action",
    "Select action to run",
    "Select all rows",
    "Select record",
    "Select value",
    "System",
    "This page yielded into no results. Create a new item or reset your filters.",
    "To",
    "Toggle password visibility",
    "Type to search",
    "Welcome back to",
)
# What a translation has to keep: placeholders, variables in braces, tags.
_KEPT = re.compile(r"%(?:%|\(\w+\)[sd])|\{\w*\}|</?\w+")


@dataclass(frozen=True, kw_only=True)
class Found:
    """One message of the source: its id, a pair where it has a plural, and its context."""

    id: str | tuple[str, str]
    context: str | None = None


def messages_of(folder: Path) -> Iterator[Found]:
    """Find every message below a folder; the platform's has the borrowed ones too."""
    if folder == _PLATFORM:
        yield from (Found(id=text) for text in _BORROWED)
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".py" and "migrations" not in path.parts:
            yield from _in_python(path)
        elif path.suffix in {".html", ".txt"} and "templates" in path.parts:
            yield from _in_template(path)


def _in_python(path: Path) -> Iterator[Found]:
    for call, name in _calls(path):
        if texts := _texts(call):
            yield _found(name, texts)


def _calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            name = str(getattr(node.func, "id", getattr(node.func, "attr", "")))
            if name in _CALLS:
                yield node, name


def _texts(call: ast.Call) -> list[str]:
    """Return the leading string arguments of a call."""
    return [
        argument.value
        for argument in takewhile(lambda given: isinstance(given, ast.Constant), call.args)
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def pieced(folder: Path) -> Iterator[str]:
    """Name the calls that glue their text together: no catalogue can hold such a message."""
    for path in sorted(folder.rglob("*.py")):
        for call, name in _calls(path):
            if isinstance(call.args[0], ast.JoinedStr | ast.BinOp):
                place = f"{_named(path)}:{call.lineno}"
                yield f"{place}: {name}() needs one whole text; put the parts in as %(name)s"


def _in_template(path: Path) -> Iterator[Found]:
    code = templatize(path.read_text(encoding="utf-8"))
    for match in _CALL.finditer(code):
        texts = _literals(code[match.start() :])
        if texts:
            yield _found(match[1], texts)


def _literals(code: str) -> list[str]:
    """Return the texts of the call that the code begins with."""
    for end in (index for index, sign in enumerate(code) if sign == ")"):
        try:
            call = ast.parse(code[: end + 1], mode="eval").body
        except SyntaxError:
            continue
        return _texts(call) if isinstance(call, ast.Call) else []
    return []


def _found(function: str, texts: list[str]) -> Found:
    context = texts.pop(0) if function.lstrip("n").startswith("p") else None
    plural = function.startswith("n")
    return Found(id=(texts[0], texts[1]) if plural else texts[0], context=context)


def catalogue(path: Path, language: str) -> Catalog:
    """Read a catalogue, or begin one."""
    if not path.exists():
        return Catalog(locale=language, domain="django", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain="django")


def renewed(old: Catalog, found: list[Found], language: str) -> Catalog:
    """Return a catalogue of exactly the found messages, with the old translations."""
    new = Catalog(locale=language, domain="django", fuzzy=False, charset="utf-8")
    new.header_comment = "# Written by tools/messages.py; only the translations are for people."
    for item in sorted(found, key=lambda item: (str(item.id), item.context or "")):
        known = old.get(item.id[0] if isinstance(item.id, tuple) else item.id, item.context)
        kept = known.string if known and not known.fuzzy else None
        new.add(item.id, _same(item.id) if language == "en" else kept, context=item.context)
    return new


def _same(message_id: str | tuple[str, str]) -> str | tuple[str, ...]:
    return message_id


def po_bytes(catalog: Catalog) -> bytes:
    """Return the catalogue's text without dates, so that the same messages are the same file."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=100, sort_output=True, omit_header=False)
    lines = buffer.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(_UNSAID))


def mo_bytes(po: bytes, language: str) -> bytes:
    """Compile; the dates that the format asks for are always the same."""
    catalog = read_po(io.BytesIO(po), locale=language, domain="django")
    catalog.creation_date = catalog.revision_date = datetime(1970, 1, 1, tzinfo=UTC)
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def faults(catalog: Catalog, language: str) -> Iterator[str]:
    """Say which messages have no translation, or one that loses a placeholder or tag."""
    for message in catalog:
        if not message.id:
            continue
        strings = _forms(message.string)
        if not all(strings):
            yield f"{language}: no translation of {message.id!r}"
        elif _kept(strings) != _kept(_forms(message.id)):
            yield f"{language}: other placeholders or tags in the translation of {message.id!r}"


def _forms(given: object) -> list[str]:
    return [str(text or "") for text in (given if isinstance(given, tuple | list) else [given])]


def _kept(texts: Iterable[str]) -> set[str]:
    return set(_KEPT.findall(" ".join(texts)))


def main(given: Sequence[str] | None = None, domains: Mapping[Path, Path] = DOMAINS) -> int:
    """Write or check every catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args(given)
    if not settings.configured:
        settings.configure()
    wrong: list[str] = []
    for source, folder in domains.items():
        wrong += pieced(source)
        found = list({(str(f.id), f.context): f for f in messages_of(source)}.values())
        for language in LANGUAGES:
            po = folder / language / "LC_MESSAGES/django.po"
            new = renewed(catalogue(po, language), found, language)
            text = po_bytes(new)
            wrong += faults(new, language)
            if arguments.write:
                po.parent.mkdir(parents=True, exist_ok=True)
                po.write_bytes(text)
                po.with_suffix(".mo").write_bytes(mo_bytes(text, language))
            else:
                wrong += _stale(po, text, language)
    for fault in wrong:
        print(fault)
    return 1 if wrong and arguments.check else 0


def _stale(po: Path, text: bytes, language: str) -> Iterator[str]:
    mo = po.with_suffix(".mo")
    for path, wanted in ((po, text), (mo, mo_bytes(text, language))):
        if not path.exists() or path.read_bytes() != wanted:
            yield f"{_named(path)} is not in step: run tools/messages.py --write"


def _named(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


if __name__ == "__main__":
    sys.exit(main())
