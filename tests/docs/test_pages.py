"""Documentation leads somewhere: links, commands and files that it names are there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# Folders of one machine; the state folder and /usr/local are everybody's.
MACHINE = re.compile(r"(?<![\w.$~-])/(?:home|root|Users|work|tmp|private|mnt|workspace)/[\w.-]+")
MAKE = re.compile(r"`make (\w+)")
CODE_FILE = re.compile(r"`((?:docs|src|tests|tools|products|requirements)/[\w./-]+)`")


def documents() -> list[Path]:
    tracked = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("products/*/*.md")]
    return sorted(tracked)


def targets() -> set[str]:
    return set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def broken_links(path: Path, text: str) -> Iterator[str]:
    for link in LINK.findall(FENCED.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _hash, wanted = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        headings = HEADING.findall(target.read_text()) if target.is_file() else []
        if not target.exists() or (wanted and wanted not in map(anchor, headings)):
            yield link


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_page_resolve(path: Path) -> None:
    assert list(broken_links(path, path.read_text(encoding="utf-8"))) == []


def test_broken_links_are_noticed() -> None:
    text = "[a](README.md) [b](nowhere.md) [c](README.md#try-it) [d](#none) [e](https://x.example/)"
    assert list(broken_links(ROOT / "README.md", text)) == ["nowhere.md", "#none"]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_page_names_no_folder_of_one_machine(path: Path) -> None:
    assert MACHINE.findall(path.read_text(encoding="utf-8")) == []


def test_folders_of_one_machine_are_noticed() -> None:
    text = "see /home/kim/x, /tmp/y and file:///work/z; not /etc/tenantry, tests/tmp/a or ~/home/b"
    assert MACHINE.findall(text) == ["/home/kim", "/tmp/y", "/work/z"]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_page_names_only_make_targets_and_files_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert sorted(set(MAKE.findall(text)) - targets()) == []
    files = {name for name in CODE_FILE.findall(text) if "NNNN" not in name}
    assert sorted(name for name in files if not (ROOT / name).exists()) == []


def test_readme_lists_what_make_help_lists() -> None:
    helped = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout
    listed = set(re.findall(r"^make (\w+)", helped, re.MULTILINE))
    named = set(MAKE.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"run", "test", "check", "bench", "clean"} <= named <= listed


def test_readme_commands_are_the_ones_that_work() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    assert [line.split("&&")[0].split()[:2] for line in script.strip().splitlines()] == [
        ["git", "clone"],
        ["make", "run"],
    ]
