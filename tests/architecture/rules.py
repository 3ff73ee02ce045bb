"""The house rules that ruff, mypy and import-linter do not know; each yields its faults."""

import ast
import re
from collections.abc import Callable, Iterator

from tests.architecture.source import Source

Rule = Callable[[Source], Iterator[str]]

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
JUNK_ROOMS = {"utils", "helpers", "common", "managers", "base", "misc"}
# Django demands the name: a database engine is a package with a module `base`.
JUNK_EXCEPTIONS = {"tenantry.config.embedded.base", "tenantry.config.pooled.base"}
IMPORT_REASONS = ("# slow import", "# optional dependency")
STATE_FIELDS = {"state", "session_state", "admin_status"}
# The one authority, and the set-based verbs whose one statement holds guard, effect and entry.
STATE_WRITERS = {"tenantry.ledger.audit.lifecycle"}
# The conformance kit and the story play people, and people have clocks.
CLOCK_READERS = {"tasks", "views", "admin", "testing", "story"}
CLOCK_CONTEXTS = ("tenantry.faces.", "tenantry.config")
WRITING = {"save", "delete", "update", "create", "bulk_create", "bulk_update", "get_or_create"}
# From the ground up: a room imports only rooms before it. Rooms not named here are a context's
# own brains and stand between states and queries; drivers stand on errors.
ROOM_ORDER = [
    {"errors", "audit_actions"},
    {"states", "messages"},
    {"models", "drivers"},
    {"queries"},
    {"services"},
    {"tasks", "forms"},
    {"views", "tools"},
    {"admin", "checks"},
    {"urls", "apps"},
]
FILE_LEVEL_ROOMS = {name: rank for rank, names in enumerate(ROOM_ORDER) for name in names}


def file_is_short(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > MAX_FILE_LINES:
        yield f"{source.module}: {lines} lines, at most {MAX_FILE_LINES}"


def functions_are_short(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{source.module}.{node.name}: {length} lines, at most {MAX_FUNCTION_LINES}"


def no_junk_rooms(source: Source) -> Iterator[str]:
    if source.module not in JUNK_EXCEPTIONS and JUNK_ROOMS & set(source.parts):
        yield f"{source.module}: say what it is instead of {JUNK_ROOMS & set(source.parts)}"


def imports_stand_at_the_top(source: Source) -> Iterator[str]:
    lines = source.text.splitlines()
    for function in ast.walk(source.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            if not any(reason in lines[node.lineno - 1] for reason in IMPORT_REASONS):
                yield f"{source.module}:{node.lineno}: import in a function without its reason"


def states_change_in_one_place(source: Source) -> Iterator[str]:
    if source.module in STATE_WRITERS:
        return
    for node in ast.walk(source.tree):
        for target in _assigned(node):
            own = isinstance(target.value, ast.Name) and target.value.id == "self"
            if target.attr in STATE_FIELDS and not own:
                yield f"{source.module}:{target.lineno}: assigns .{target.attr}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = {str(keyword.arg) for keyword in node.keywords} & STATE_FIELDS
            if named and node.func.attr in {"update", "update_or_create"}:
                yield f"{source.module}:{node.lineno}: updates {sorted(named)}"


def _assigned(node: ast.AST) -> list[ast.Attribute]:
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target for target in targets if isinstance(target, ast.Attribute)]


def no_signals_and_no_logic_in_save(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module in {
            "django.db.models.signals",
            "django.dispatch",
            "django.core.signals",
        }:
            yield f"{source.module}:{node.lineno}: signals hide control flow; call or publish"
        if isinstance(node, ast.FunctionDef) and node.name == "save" and source.room == "models":
            yield f"{source.module}:{node.lineno}: logic in save()"


def moments_are_passed_in(source: Source) -> Iterator[str]:
    if source.context == "tenantry.core" or source.room in CLOCK_READERS:
        return
    if source.module.startswith(CLOCK_CONTEXTS):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = source.lines(node.func.value)
            if node.func.attr in {"now", "utcnow", "today"} and owner in {
                "clock",
                "timezone",
                "datetime",
                "date",
                "dt.datetime",
            }:
                yield f"{source.module}:{node.lineno}: reads the clock; take `now` instead"


def tables_are_written_by_their_owner(source: Source) -> Iterator[str]:
    foreign = _foreign_models(source)
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = source.lines(node.value)
        if owner in foreign and node.attr in {"objects", "_default_manager", "_base_manager"}:
            yield f"{source.module}:{node.lineno}: {owner}.{node.attr} belongs to {foreign[owner]}"


def _foreign_models(source: Source) -> dict[str, str]:
    found = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tenantry."):
            owner, _dot, last = node.module.rpartition(".")
            for alias in node.names:
                name = alias.asname or alias.name
                if last == "models" and owner != source.context:
                    found[name] = owner
                elif alias.name == "models" and node.module != source.context:
                    found |= {f"{name}.{model}": node.module for model in _used(source, name)}
    return found


def _used(source: Source, module: str) -> set[str]:
    return set(re.findall(rf"\b{re.escape(module)}\.([A-Z]\w*)", source.text))


def faces_read_through_queries(source: Source) -> Iterator[str]:
    if not source.module.startswith("tenantry.faces."):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr == "objects":
            yield f"{source.module}:{node.lineno}: a face fetches through authorised getters"


def rooms_import_downwards(source: Source) -> Iterator[str]:
    rank = FILE_LEVEL_ROOMS.get(source.room)
    if rank is None or source.context in {"tenantry.core", "tenantry.sdk", "tenantry.config"}:
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        if node.module == source.context:
            targets = {alias.name for alias in node.names}
        elif node.module.startswith(f"{source.context}."):
            targets = {node.module.removeprefix(f"{source.context}.").partition(".")[0]}
        else:
            continue
        for target in targets:
            if FILE_LEVEL_ROOMS.get(target, -1) > rank:
                yield f"{source.module}:{node.lineno}: {source.room} imports {target} above it"


def ignores_give_code_and_reason(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if "# type: ignore" in line and not re.search(r"# type: ignore\[[\w, -]+\]  # \w", line):
            yield f"{source.module}:{number}: `type: ignore` without code and reason"


RULES: tuple[Rule, ...] = (
    file_is_short,
    functions_are_short,
    no_junk_rooms,
    imports_stand_at_the_top,
    states_change_in_one_place,
    no_signals_and_no_logic_in_save,
    moments_are_passed_in,
    tables_are_written_by_their_owner,
    faces_read_through_queries,
    rooms_import_downwards,
    ignores_give_code_and_reason,
)
