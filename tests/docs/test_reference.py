"""The reference says everything the code declares, and says it as the code does."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import click
import pytest
from django.db.models import TextChoices

from tenantry.config import cli
from tenantry.core.errors import DomainError
from tenantry.core.states import check_moves
from tenantry.governance.policies.registry import RULES
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import registry
from tenantry.work.automation.errorcodes import Code
from tenantry.work.schedules.explanations import EXPLANATIONS, GATE_NAMES
from tools import reference, registries

ROOT = Path(__file__).parents[2]


def command_words() -> list[str]:
    found = []
    for name in cli.main.list_commands(click.Context(cli.main)):
        command = cli.main.get_command(click.Context(cli.main), name)
        inner = command.commands if isinstance(command, click.Group) else {}
        found += [f"## tenantry {name} {word}\n" for word in inner] or [f"## tenantry {name}\n"]
    return found


def setting_names() -> list[str]:
    """Read from the text, not from its syntax: another way than the tool's."""
    call = re.compile(r"\benv\.(?:text|flag|number|words)\(\s*\"([A-Z_]+)\"")
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    return [f"| `{name}` |" for text in texts for name in call.findall(text)]


def rows(names: Iterable[str]) -> list[str]:
    return [f"| `{name}` |" for name in names]


DECLARED: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "commands": ("commands", command_words),
    "settings": ("settings", setting_names),
    "error codes": ("error-codes", lambda: rows(Code.__members__)),
    "refusals": ("error-codes", lambda: rows(kind.code for kind in registries.refusals())),
    "gates": ("gates", lambda: rows(GATE_NAMES)),
    "gate codes": ("gates", lambda: rows(EXPLANATIONS)),
    "audit actions": ("audit-actions", lambda: rows(Action.values)),
    "products' audit actions": (
        "audit-actions",
        lambda: rows(str(a.code) for p in registry.products() for a in p.audit_actions),
    ),
    "policies": ("policies", lambda: rows(RULES)),
    "lifecycles": ("lifecycles", lambda: [f"## {life.name}\n" for life in registries.lifecycles()]),
    "messages": ("messages", lambda: rows(message.name for message in registries.messages())),
    "processes": (
        "processes",
        lambda: rows(f"tenantry {process.name}" for process in registries.processes()),
    ),
}


def missing(names: Iterable[str], text: str) -> list[str]:
    lines = text.splitlines(keepends=True)
    return sorted({n for n in names if not any(line.startswith(n) for line in lines)})


def test_a_code_belongs_to_one_refusal() -> None:
    codes = [kind.code for kind in registries.refusals()]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("kind", DECLARED)
def test_everything_declared_is_in_the_reference(kind: str) -> None:
    page, declared = DECLARED[kind]
    names = declared()
    assert names
    assert missing(names, reference.read(page)) == []


@pytest.mark.parametrize("kind", DECLARED)
def test_missing_one_is_noticed(kind: str) -> None:
    page, declared = DECLARED[kind]
    text, planted = reference.read(page), declared()[-1]
    lines = text.splitlines(keepends=True)
    without = "".join(line for line in lines if not line.startswith(planted))
    assert missing(declared(), without) == [planted]
    assert next(reference.faults(page, without)) == (
        f"{page}.md is not in step: run `python -m tools.reference --write`"
    )


@pytest.mark.parametrize("page", reference.PAGES)
def test_page_is_in_step_with_the_code(page: str) -> None:
    assert list(reference.faults(page, reference.read(page))) == []


def test_new_refusal_is_noticed() -> None:
    class Planted(DomainError):
        code = "planted"

    Planted.__module__ = "tenantry.core.planted"
    try:
        assert "| `planted` | 409 | `Planted` | core |" in reference.renewed("error-codes", "")
        assert list(reference.faults("error-codes", reference.read("error-codes"))) != []
    finally:
        # Out of sight of every later look at the refusals, however long the class lives.
        Planted.__module__ = "tests.planted"


def test_new_setting_asks_for_its_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = registries.Setting(name="PLANTED", default="1", literal=True, kind="number")
    known = registries.settings()
    monkeypatch.setattr(registries, "settings", lambda: [*known, planted])
    assert list(reference.faults("settings", reference.read("settings"))) == [
        "settings.md is not in step: run `python -m tools.reference --write`",
        "settings.md: say what only a person can say of `PLANTED`",
    ]


def test_every_way_to_read_a_setting_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (room / "__init__.py").touch()
    (room / "reading.py").write_text(
        'A = env.text("A_TEXT", "a")\n'
        'B = env.number("B_NUMBER", 2)\n'
        'C = env.flag("C_FLAG", default=True)\n'
        'D = env.words("D_WORDS")\n'
        'E = env.text("E_MADE", lambda: make())\n'
        'F = os.environ.get("F_PLAIN", "")\n'
        'G = os.environ.get("PATH")\n'
    )
    # No package: a program that runs somewhere else.
    (room / "application").mkdir()
    (room / "application/serve.py").write_text('H = os.environ.get("H_ELSEWHERE")\n')
    monkeypatch.setattr(registries, "SOURCES", (tmp_path,))
    assert [(s.name, s.default, s.kind) for s in registries.settings()] == [
        ("A_TEXT", "a", "text"),
        ("B_NUMBER", "2", "number"),
        ("C_FLAG", "True", "yes or no"),
        ("D_WORDS", "", "words, by commas"),
        ("E_MADE", "lambda: make()", "text"),
        ("F_PLAIN", "", "text, no `_FILE`"),
    ]
    assert [s.name for s in registries.settings() if not s.literal] == ["E_MADE"]


def test_words_of_people_survive_and_the_code_wins_elsewhere() -> None:
    old = reference.read("settings")
    assert "| `EMAIL_PORT` | `25` | number | Its port. |" in old
    tampered = old.replace(
        "| `EMAIL_PORT` | `25` | number | Its port. |",
        "| `EMAIL_PORT` | `26` | text | Its port: 587 \\| 465. |",
    )
    assert (
        "| `EMAIL_PORT` | `25` | number | Its port: 587 \\| 465. |"
        in reference.renewed("settings", tampered).splitlines()
    )


def test_head_of_a_page_survives() -> None:
    text = reference.read("gates").replace("# Gates\n", "# Gates\n\nWritten by hand.\n", 1)
    assert reference.renewed("gates", text) == text


def test_drawn_lifecycle_has_exactly_its_moves() -> None:
    class Light(TextChoices):
        """A lamp."""

        OFF = "off"
        ON = "on"
        BROKEN = "broken"

    moves = check_moves(
        Light,
        {
            Light.OFF: frozenset({Light.ON}),
            Light.ON: frozenset({Light.OFF, Light.BROKEN}),
            Light.BROKEN: frozenset(),
        },
    )
    life = registries._lifecycle("core.states.MOVES", Light, moves, partial=False)
    assert life.moves == {"off": ("on",), "on": ("off", "broken"), "broken": ()}
    assert (life.name, life.meaning) == ("Light", "A lamp.")


def test_gate_codes_carry_the_gate_that_gives_them() -> None:
    given = {code.code: (code.gate, code.answer) for code in registries.gate_codes()}
    assert given["SESSION_EXPIRING"] == ("session", "as policy says")
    assert given["ADMIN_STALE"] == ("admin", "no")
    assert given["WITHIN_LIMIT"] == ("limit", "yes")
    assert given["SLOT_MISSED"] == ("", "")


def test_index_names_every_page() -> None:
    pages = {path.name for path in reference.FOLDER.glob("*.md")} - {"README.md"}
    index = (reference.FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", index)) == pages
    assert {f"{page}.md" for page in reference.PAGES} - pages == set()


def test_every_command_has_words() -> None:
    silent = [path for path, command in registries.commands() if not (command.help or "").strip()]
    assert silent == []
    options = [
        (path, option.opts)
        for path, command in registries.commands()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert options == []
