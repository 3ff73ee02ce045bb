"""What the code declares, as the reference tells it: read from its registries, never listed here.

Needs Django set up. Modules are imported as far as a registry is filled by importing them.
"""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from itertools import product
from pathlib import Path

import click
from django.db.models import TextChoices
from procrastinate.contrib.django import app

from tenantry.config import cli
from tenantry.core import queue
from tenantry.core.errors import DomainError, Text
from tenantry.core.gates import Explanation
from tenantry.governance.policies.registry import RULES, Rule
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import registry
from tenantry.work.automation.errorcodes import REGISTRY, ErrorCode
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules import gates as chain
from tenantry.work.schedules.explanations import EXPLANATIONS, GATE_NAMES
from tenantry.work.schedules.states import AdminStatus

ROOT = Path(__file__).parents[1]
SOURCES = (ROOT / "src", *sorted(ROOT.glob("products/*/src")))
# Variables of the machine, not ours to explain.
_OF_THE_MACHINE = frozenset({"PATH", "HOME", "DISPLAY", "DJANGO_SETTINGS_MODULE"})
# Importing these runs a program or builds an application.
_AT_WORK = frozenset({"__main__", "asgi", "wsgi"})
_KINDS = {"text": "text", "flag": "yes or no", "number": "number", "words": "words, by commas"}


def files() -> Iterator[tuple[str, Path]]:
    """Yield every module of platform and products, with its file.

    Migrations are history. A folder that is no package holds programs which run somewhere else,
    with other libraries: those of a product's application.
    """
    for source in SOURCES:
        for path in sorted(source.rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            in_package = (path.parent / "__init__.py").exists()
            if in_package and "migrations" not in parts:
                yield ".".join(parts).removesuffix(".__init__"), path


@cache
def import_all() -> tuple[str, ...]:
    """Import every module that does not begin to work by that, and return their names."""
    names = tuple(name for name, path in files() if path.stem not in _AT_WORK)
    for name in names:
        import_module(name)
    return names


def room(found: type) -> str:
    """Return where a class lives, without its file: `work/schedules`."""
    parts = found.__module__.split(".")
    return "/".join(parts[1:-1] if parts[0] == "tenantry" else parts[:1])


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with its words."""
    yield from _below(("tenantry",), cli.main)


def _below(
    path: tuple[str, ...], group: click.Group
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _below((*path, name), command)
        elif command is not None:
            yield (*path, name), command


def processes() -> Iterator[click.Command]:
    """Yield the commands that are processes."""
    for _path, command in commands():
        callback = command.callback
        if callback and callback.__module__.endswith(".processes"):
            yield command


def queues_of(process: click.Command) -> tuple[str, ...]:
    """Return the queues whose messages a process handles."""
    callback = process.callback
    queues = getattr(import_module(callback.__module__), "QUEUES", {}) if callback else {}
    return tuple(queues.get(process.name, ()))


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One environment variable, and what it is without being set."""

    name: str
    default: str
    literal: bool
    kind: str


def settings() -> list[Setting]:
    """Return every environment variable that the code reads by name."""
    found: dict[str, Setting] = {}
    for _name, path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            setting = _read_by(node)
            if setting and setting.name not in _OF_THE_MACHINE:
                found.setdefault(setting.name, setting)
    return sorted(found.values(), key=lambda setting: setting.name)


def _read_by(node: ast.AST) -> Setting | None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return None
    reader = ast.unparse(node.func)
    through_env = reader in {f"env.{kind}" for kind in _KINDS}
    if not through_env and not re.fullmatch(r"(os\.)?environ\.get", reader):
        return None
    name = node.args[0]
    if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
        return None
    given = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "default")]
    default = given[0] if given else ast.Constant("")
    literal = isinstance(default, ast.Constant)
    return Setting(
        name=name.value,
        default=str(default.value) if isinstance(default, ast.Constant) else ast.unparse(default),
        literal=literal,
        kind=_KINDS[node.func.attr] if through_env else "text, no `_FILE`",
    )


def job_errors() -> list[ErrorCode]:
    """Return the error codes of jobs, as they stand in the registry."""
    return list(REGISTRY.values())


def refusals() -> list[type[DomainError]]:
    """Return every refusal of platform and products, by code."""
    own = {name.partition(".")[0] for name in import_all()}
    found = [kind for kind in _subclasses(DomainError) if kind.__module__.split(".")[0] in own]
    return sorted(found, key=lambda kind: (kind.code, kind.__module__))


def _subclasses(base: type[DomainError]) -> Iterator[type[DomainError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _subclasses(kind)


def gates() -> list[tuple[str, Text, str]]:
    """Return the gates in their order: name, what each asks, what a closed one makes of a slot."""
    return [(gate, GATE_NAMES[gate], outcome) for gate, outcome in chain.CLOSES_AS.items()]


@dataclass(frozen=True, kw_only=True)
class GateCode:
    """One code of a decision; without a gate it is the decision's own."""

    code: str
    gate: str
    answer: str
    explanation: Explanation


def gate_codes() -> list[GateCode]:
    """Return every code, with the gate that was seen to give it and the answers it was given for.

    The gates are asked everything that they can be asked.
    """
    seen: dict[str, tuple[str, set[bool]]] = {}
    verdicts = [chain.enabled_gate(enabled=enabled) for enabled in (True, False)]
    verdicts += [
        chain.admin_gate(status, content_approved=approved)
        for status, approved in product(AdminStatus.values, (True, False))
    ]
    verdicts += [
        chain.session_gate(state, accept_expiring=accepted)
        for state, accepted in product([*SessionState.values, chain.REMOVED], (True, False))
    ]
    verdicts += [chain.limit_gate(used, 1, 0, 1) for used in (0, 1)]
    for verdict in verdicts:
        seen.setdefault(verdict.code, (verdict.gate, set()))[1].add(verdict.open)
    words = {(True,): "yes", (False,): "no", (False, True): "as policy says", (): ""}
    return [
        GateCode(code=code, gate=gate, answer=words[tuple(sorted(answers))], explanation=text)
        for code, text in EXPLANATIONS.items()
        for gate, answers in (seen.get(code, ("", set())),)
    ]


def audit_actions() -> list[tuple[str, Text]]:
    """Return every word of the audit log: the platform's, then each product's."""
    platform: list[tuple[str, Text]] = [(action.value, action.label) for action in Action]
    declared = [action for one in registry.products() for action in one.audit_actions]
    return platform + [(str(action.code), action.label) for action in declared]


def policies() -> list[Rule]:
    """Return every policy, as they stand in the registry."""
    return list(RULES.values())


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """A table of moves; a partial one holds only what its own act may do."""

    name: str
    place: str
    meaning: str
    moves: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, Text]
    partial: bool


def lifecycles() -> list[Lifecycle]:
    """Return every table of moves of every `states` module; of one enumeration the whole first."""
    places = [name for name in import_all() if name.rpartition(".")[2] == "states"]
    found: list[Lifecycle] = []
    for place in places:
        for name, value in vars(import_module(place)).items():
            if name.endswith("MOVES") and isinstance(value, Mapping):
                kind = type(next(iter(value)))
                partial = any(life.name == kind.__name__ for life in found)
                found.append(_lifecycle(f"{place}.{name}", kind, value, partial=partial))
    return found


def _lifecycle(
    place: str, kind: type[TextChoices], moves: Mapping[str, frozenset[str]], *, partial: bool
) -> Lifecycle:
    states = list(kind)
    return Lifecycle(
        name=f"{kind.__name__}: {place.rpartition('.')[2]}" if partial else kind.__name__,
        place=place.removeprefix("tenantry."),
        meaning=inspect.getdoc(kind) or "",
        moves={
            source.value: tuple(state.value for state in states if state in moves[source])
            for source in states
        },
        labels={state.value: state.label for state in states},
        partial=partial,
    )


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One message: its kind, what it carries, and who handles it."""

    name: str
    kind: str
    queue: str
    fields: tuple[str, ...]
    handlers: tuple[str, ...]
    every: str
    meaning: str


def messages() -> list[Sent]:
    """Return every command, then every event."""
    import_all()
    own = {path.name for source in SOURCES for path in source.iterdir()}
    crons = {one.task.name: one.cron for one in app.periodic_registry.periodic_tasks.values()}
    found = []
    for base in (queue.Command, queue.Event):
        kinds = [kind for kind in _messages_of(base) if kind.__module__.split(".")[0] in own]
        found += [_sent(kind, base, crons) for kind in sorted(kinds, key=lambda k: k.__name__)]
    return found


def _messages_of(base: type[queue.Message]) -> list[type[queue.Message]]:
    return [leaf for kind in base.__subclasses__() for leaf in (_messages_of(kind) or [kind])]


def _sent(kind: type[queue.Message], base: type[queue.Message], crons: Mapping[str, str]) -> Sent:
    handlers = tuple(task.name for task in queue._tasks.get(kind, []))  # noqa: SLF001 - told only here
    return Sent(
        name=kind.__name__,
        kind=base.__name__.lower(),
        queue=kind.queue,
        fields=tuple(field.name for field in fields(kind)),
        handlers=tuple(name.removeprefix("tenantry.") for name in handlers),
        every=next(
            (crons[f"{name}.periodic"] for name in handlers if f"{name}.periodic" in crons), ""
        ),
        meaning=(inspect.getdoc(kind) or "").partition("\n\n")[0],
    )
