"""The reference: tables of docs/reference written from the code's own registries.

Each page is a few words by hand, a marker line, and what this writes below it. `--write` brings the
pages in step with the code; `--check` says which are not, and which rows still lack the words that
only a person can give; exit code 1.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import django
from django.utils import translation

from tools import registries

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/reference"
MARKER = "<!-- Written by tools/reference.py from here on: change the code, then --write. -->"
# What a row says where a person still has to say it.
UNSAID = "…"

Cells = Sequence[object]
Kept = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page: its title, and what writes its tables from the code and from kept words."""

    title: str
    write: Callable[[Kept], Iterable[str]]


def code(value: object) -> str:
    """Set something as code."""
    return f"`{value}`" if str(value) else ""


def cell(value: object) -> str:
    """Return the text of one cell: facts of a message stand in braces."""
    text = re.sub(r"%\((\w+)\)[sd]", r"{\1}", str(value))
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Cells]) -> Iterator[str]:
    """Write a table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(cell, row))} |"
    yield ""


def kept_cells(text: str) -> dict[str, list[str]]:
    """Return the rows of a page by their first cell, so that words of people are kept."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [re.split(r"(?<!\\) \| ", line[2:].removesuffix(" |")) for line in lines]
    return {row[0]: [value.replace("\\|", "|") for value in row] for row in rows}


def _kept(kept: Kept, name: str, column: int) -> str:
    row = kept.get(name, ())
    return row[column] if column < len(row) and row[column].strip() else UNSAID


def _commands(_kept_cells: Kept) -> Iterator[str]:
    for path, command in registries.commands():
        yield f"## {' '.join(path)}\n"
        yield f"{cell(command.help or '')}\n"
        options = [p for p in command.params if isinstance(p, click.Option)]
        arguments = [p for p in command.params if isinstance(p, click.Argument)]
        rows = [(code(f"{p.human_readable_name}"), _choices(p), "") for p in arguments]
        rows += [(code(", ".join(o.opts)), o.help or "", code(_default(o))) for o in options]
        if rows:
            yield from table(("Word", "Does", "Default"), rows)


def _choices(parameter: click.Parameter) -> str:
    kind = parameter.type
    return ", ".join(map(str, kind.choices)) if isinstance(kind, click.Choice) else kind.name


def _default(option: click.Option) -> str:
    return str(option.default) if option.show_default else ""


def _settings(kept: Kept) -> Iterator[str]:
    rows = []
    for setting in registries.settings():
        name = code(setting.name)
        default = code(setting.default) if setting.literal else _kept(kept, name, 1)
        rows.append((name, default, setting.kind, _kept(kept, name, 3)))
    yield from table(("Variable", "Default", "Kind", "Meaning"), rows)


def _error_codes(_kept_cells: Kept) -> Iterator[str]:
    yield "## Errors of jobs\n"
    rows = [
        (code(e.code), e.retry.value.replace("_", " "), e.session or "", e.cause, e.remedy, e.hint)
        for e in registries.job_errors()
    ]
    head = ("Code", "Tried again", "Session becomes", "Cause", "Remedy", "For operators")
    yield from table(head, rows)
    yield "## Refusals\n"
    refusals = [
        (code(e.code), e.http_status, code(e.__name__), registries.room(e), e.message, e.remedy)
        for e in registries.refusals()
    ]
    yield from table(("Code", "Status", "Class", "Room", "Cause", "Remedy"), refusals)


def _gates(_kept_cells: Kept) -> Iterator[str]:
    yield "## The gates, in their order\n"
    gates = [(code(gate), name, outcome) for gate, name, outcome in registries.gates()]
    yield from table(("Gate", "Reads as", "A closed one makes the slot"), gates)
    yield "## Their codes\n"
    rows = [
        (code(g.code), code(g.gate), g.answer, g.explanation.message, g.explanation.remedy)
        for g in registries.gate_codes()
    ]
    yield from table(("Code", "Gate", "Open", "Cause", "What opens it"), rows)


def _audit_actions(_kept_cells: Kept) -> Iterator[str]:
    rows = [(code(action), label) for action, label in registries.audit_actions()]
    yield from table(("Action", "Reads as"), rows)


def _policies(_kept_cells: Kept) -> Iterator[str]:
    rows = [
        (code(rule.key), code(rule.default), rule.allowed, rule.label, rule.help)
        for rule in registries.policies()
    ]
    yield from table(("Policy", "Default", "Allowed", "Is", "Meaning"), rows)


def _lifecycles(_kept_cells: Kept) -> Iterator[str]:
    for life in registries.lifecycles():
        yield f"## {life.name}\n"
        yield f"`{life.place}`. {life.meaning}\n"
        yield "```mermaid\nstateDiagram-v2"
        for source, targets in life.moves.items():
            yield from (f"    {source} --> {target}" for target in targets)
            if not targets and not life.partial:
                yield f"    {source} --> [*]"
        yield "```\n"
        rows = [
            (code(state), life.labels[state], ", ".join(map(code, targets)) or "-")
            for state, targets in life.moves.items()
            if targets or not life.partial
        ]
        yield from table(("State", "Reads as", "May become"), rows)


def _messages(_kept_cells: Kept) -> Iterator[str]:
    rows = [
        (
            code(m.name),
            m.kind,
            code(m.queue),
            ", ".join(map(code, m.fields)),
            ", ".join(map(code, m.handlers)),
            code(m.every),
            m.meaning,
        )
        for m in registries.messages()
    ]
    head = ("Message", "Kind", "Queue", "Fields", "Handled by", "Every", "Meaning")
    yield from table(head, rows)


def _processes(kept: Kept) -> Iterator[str]:
    handled: dict[str, list[str]] = {}
    for message in registries.messages():
        if message.handlers:
            handled.setdefault(message.queue, []).append(message.name)
    rows = []
    for process in registries.processes():
        name = code(f"tenantry {process.name}")
        queues = registries.queues_of(process)
        messages = ", ".join(code(name) for queue in queues for name in handled.get(queue, []))
        rows.append((name, process.help or "", messages, _kept(kept, name, 3)))
    yield from table(("Process", "Does", "Handles", "While none runs"), rows)


PAGES: Mapping[str, Page] = {
    "commands": Page(title="Commands", write=_commands),
    "settings": Page(title="Settings", write=_settings),
    "processes": Page(title="Processes", write=_processes),
    "policies": Page(title="Policies", write=_policies),
    "gates": Page(title="Gates", write=_gates),
    "error-codes": Page(title="Error codes", write=_error_codes),
    "lifecycles": Page(title="Lifecycles", write=_lifecycles),
    "messages": Page(title="Messages", write=_messages),
    "audit-actions": Page(title="Audit actions", write=_audit_actions),
}


def renewed(name: str, old: str) -> str:
    """Return a page as it should be: what people wrote stays, the tables are the code's."""
    page = PAGES[name]
    head, _marker, written = old.partition(MARKER)
    words = head.strip() or f"# {page.title}"
    with translation.override("en"):
        body = "\n".join(page.write(kept_cells(written))).strip()
    return f"{words}\n\n{MARKER}\n\n{body}\n"


def faults(name: str, old: str) -> Iterator[str]:
    """Say what is wrong with a page."""
    new = renewed(name, old)
    if new != old:
        yield f"{name}.md is not in step: run `python -m tools.reference --write`"
    for first, *others in kept_cells(new).values():
        if UNSAID in others:
            yield f"{name}.md: say what only a person can say of {first}"


def read(name: str) -> str:
    """Return a page as it is; nothing where there is none."""
    path = FOLDER / f"{name}.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> int:
    """Write or check every page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenantry.config.settings")
    django.setup()
    if arguments.write:
        for name in PAGES:
            (FOLDER / f"{name}.md").write_text(renewed(name, read(name)), encoding="utf-8")
    wrong = [fault for name in PAGES for fault in faults(name, read(name))]
    for fault in wrong:
        print(fault)
    return 1 if wrong and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
