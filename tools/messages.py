"""Message catalogues: found in the source, kept complete, compiled, all without GNU gettext.

`--write` brings the catalogues in step with the source and compiles them; new messages stand there
without a translation. `--check` says what is missing, stale or wrongly filled in; exit code 1.
"""

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[1]
LANGUAGES = ("en", "ko")
# Where messages are written -> where their catalogues lie.
DOMAINS = {
    ROOT / "src/tenantry": ROOT / "src/tenantry/locale",
    **{path: path / "locale" for path in sorted(ROOT.glob("products/*/src/*")) if path.is_dir()},
}
_KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
_CALL = re.compile(r"\b(_|n?p?gettext)\(")


@dataclass(frozen=True, kw_only=True)
class Found:
    """One message of the source: its id (a pair where it has a plural), context and place."""

    id: str | tuple[str, str]
    context: str | None
    place: str


def messages_of(folder: Path) -> Iterator[Found]:
    """Find every message below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".py" and "migrations" not in path.parts:
            yield from _in_python(path)
        elif path.suffix in {".html", ".txt"} and "templates" in path.parts:
            yield from _in_template(path)


def _in_python(path: Path) -> Iterator[Found]:
    place = str(path.relative_to(ROOT))
    with path.open("rb") as file:
        for _line, function, given, _comments in extract_python(file, _KEYWORDS, [], {}):
            texts = _listed(given)
            if all(texts):
                yield _found(str(function), [str(text) for text in texts], place)


def _listed(given: str | Sequence[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _in_template(path: Path) -> Iterator[Found]:
    place = str(path.relative_to(ROOT))
    code = templatize(path.read_text(encoding="utf-8"))
    for match in _CALL.finditer(code):
        texts = _literals(code[match.start() :])
        if texts:
            yield _found(match[1], texts, place)


def _literals(code: str) -> list[str]:
    """Return the leading string arguments of the call that the code begins with."""
    for end in (index for index, sign in enumerate(code) if sign == ")"):
        try:
            call = ast.parse(code[: end + 1], mode="eval").body
        except SyntaxError:
            continue
        arguments = call.args if isinstance(call, ast.Call) else []
        return [
            a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)
        ]
    return []


def _found(function: str, texts: list[str], place: str) -> Found:
    context = texts.pop(0) if function.lstrip("n").startswith("p") else None
    plural = function.startswith("n")
    return Found(id=(texts[0], texts[1]) if plural else texts[0], context=context, place=place)


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
    new.creation_date = new.revision_date = old.creation_date
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
    dated = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Generated-By', b'"Last-Translator')
    return b"".join(line for line in lines if not line.startswith(dated))


def mo_bytes(po: bytes, language: str) -> bytes:
    """Compile."""
    buffer = io.BytesIO()
    write_mo(buffer, read_po(io.BytesIO(po), locale=language, domain="django"))
    return buffer.getvalue()


def faults(catalog: Catalog, language: str) -> Iterator[str]:
    """Say which messages have no translation, or one that loses a placeholder."""
    for message in catalog:
        if not message.id:
            continue
        strings = message.string if isinstance(message.string, tuple | list) else [message.string]
        if not all(strings):
            yield f"{language}: no translation of {message.id!r}"
        elif _placeholders(strings) != _placeholders(_ids(message)):
            yield f"{language}: other placeholders in the translation of {message.id!r}"


def _ids(message: Message) -> list[str]:
    return list(message.id) if isinstance(message.id, tuple | list) else [message.id]


def _placeholders(texts: object) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]|\{\w*\}", " ".join(map(str, texts))))  # type: ignore[call-overload]  # lists of texts


def main() -> int:
    """Write or check every catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    settings.configure()
    wrong: list[str] = []
    for source, folder in DOMAINS.items():
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
            yield f"{path.relative_to(ROOT)} is not in step: run tools/messages.py --write"


if __name__ == "__main__":
    sys.exit(main())
