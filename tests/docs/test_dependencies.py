"""Every runtime dependency has its line, and there are few of them."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
MOST = 35
WORDS = 4


def declared() -> list[str]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [Requirement(line).name for line in pyproject["project"]["dependencies"]]


def justified() -> list[list[str]]:
    text = (ROOT / "docs/reference/dependencies.md").read_text(encoding="utf-8")
    return [line.strip("| ").split(" | ") for line in re.findall(r"^\| `.*$", text, re.MULTILINE)]


def test_each_dependency_has_one_line_in_the_same_order() -> None:
    assert [row[0].strip("`") for row in justified()] == declared()


def test_each_line_says_all_there_is_to_say() -> None:
    assert [
        row[0] for row in justified() if len(row) != WORDS or not all(map(str.strip, row))
    ] == []


def test_dependencies_stay_few() -> None:
    assert 0 < len(declared()) <= MOST


def test_products_need_django_and_the_platform_only() -> None:
    for path in ROOT.glob("products/*/pyproject.toml"):
        pyproject = tomllib.loads(path.read_text(encoding="utf-8"))
        names = {Requirement(line).name for line in pyproject["project"]["dependencies"]}
        assert names <= {"django", "tenantry"}, path
