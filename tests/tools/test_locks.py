from pathlib import Path

import pytest

from tools import locks

HASH = f"    --hash=sha256:{'0' * 64}"
PYPROJECT = """
[build-system]
requires = ["setuptools>=80"]

[project]
name = "platform"
requires-python = ">=3.11"
dependencies = ["Some_Thing[extra]>=2,<3"]

[dependency-groups]
dev = ["tool>=1"]
"""
RUNTIME = {"some-thing": "2.1", "transitive": "0.3 ; sys_platform == 'win32'"}
DEV = {**RUNTIME, "setuptools": "84.2.1", "tool": "1.0"}


def make_lock(root: Path, name: str, pins: dict[str, str]) -> None:
    body = "".join(f"{pin}=={version} \\\n{HASH}\n    # via x\n" for pin, version in pins.items())
    (root / "requirements").mkdir(exist_ok=True)
    (root / "requirements" / f"{name}.txt").write_text(f"{locks.inputs_line(root)}\n{body}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    make_lock(tmp_path, "runtime", RUNTIME)
    make_lock(tmp_path, "dev", DEV)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_locks_of_the_project_are_in_step() -> None:
    assert list(locks.find_faults(locks.ROOT)) == []


def test_locks_in_step_have_no_faults(root: Path) -> None:
    assert list(locks.find_faults(root)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [(">=2,<3", ">=2"), ('"tool>=1"', '"tool>=0.9"'), (">=3.11", ">=3.12"), (">=80", ">=81")],
)
def test_locks_notice_any_change_of_what_they_are_compiled_from(
    root: Path, old: str, new: str
) -> None:
    edit(root / "pyproject.toml", old, new)
    assert list(locks.find_faults(root)) == [
        "runtime.txt: not compiled from this pyproject.toml",
        "dev.txt: not compiled from this pyproject.toml",
    ]


def test_locks_do_not_mind_settings_of_tools(root: Path) -> None:
    with (root / "pyproject.toml").open("a") as file:
        file.write("[tool.ruff]\nline-length = 100\n")
    assert list(locks.find_faults(root)) == []


def test_locks_missing_altogether_are_faults(root: Path) -> None:
    (root / "requirements" / "runtime.txt").unlink()
    assert list(locks.find_faults(root)) == [
        "runtime.txt: not compiled from this pyproject.toml",
        "runtime.txt: Some_Thing is not pinned",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (f"tool==1.0 \\\n{HASH}", "tool==1.0 \\", "dev.txt: tool has no hash"),
        (f"tool==1.0 \\\n{HASH}", f"tool>=1.0 \\\n{HASH}", "dev.txt: tool is not pinned"),
        ("tool==1.0", "tool==0.9", "dev.txt: tool 0.9 is outside tool>=1"),
        ("transitive==0.3", "transitive==0.4", "dev.txt: transitive is not pinned as in "),
        ("    # via x", "    # from https://example.org/x", " is neither a pin nor a hash"),
        ("    # via x", "--index-url x", " is neither a pin nor a hash"),
        ("tool==1.0", "tool @ file:///tool", " is neither a pin nor a hash"),
        (HASH, "    --hash=md5:00", " is neither a pin nor a hash"),
    ],
)
def test_locks_refuse_what_is_no_hashed_pin(root: Path, old: str, new: str, fault: str) -> None:
    edit(root / "requirements" / "dev.txt", old, new)
    assert any(fault in found for found in locks.find_faults(root))


def test_locks_hold_what_products_ask_for(root: Path) -> None:
    product = root / "products" / "shop"
    product.mkdir(parents=True)
    (product / "pyproject.toml").write_text(
        '[project]\nname = "shop"\ndependencies = ["platform", "some-thing<2.1", "absent"]\n'
    )
    assert list(locks.find_faults(root)) == [
        "runtime.txt: some-thing 2.1 is outside some-thing<2.1",
        "runtime.txt: absent is not pinned",
        "dev.txt: some-thing 2.1 is outside some-thing<2.1",
        "dev.txt: absent is not pinned",
    ]


def test_check_ends_with_1_and_the_remedy(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["locks", "--check", "--root", str(root)])
    assert locks.main() == 0
    edit(root / "requirements" / "dev.txt", "tool==1.0", "tool==0.9")
    assert locks.main() == 1
    assert capsys.readouterr().out.splitlines() == [
        "locks: in step with pyproject.toml",
        "locks: out of step; run: make lock",
    ]
