import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Builds an editable wheel by itself, so that nothing has to be fetched.
BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name, info = "tiny-1.0-py3-none-any.whl", "tiny-1.0.dist-info"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny"
version = "1.0"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "requirements").mkdir(parents=True)
    (root / "requirements" / "dev.txt").write_text("# inputs: none\n")
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "backend.py").write_text(BACKEND)
    shutil.copytree(ROOT / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def bootstrap(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.bootstrap"],
        cwd=root,
        env={"PATH": os.environ["PATH"], "HOME": str(root)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def import_tiny(root: Path) -> int:
    code = "import importlib.metadata as m; assert m.version('tiny') == '1.0'"
    return subprocess.run([root / ".venv/bin/python", "-c", code], check=False).returncode


def test_bootstrap_makes_a_venv_once_and_again_when_needed(checkout: Path) -> None:
    first = bootstrap(checkout)
    assert first.returncode == 0, first.stderr
    assert first.stdout == ""
    assert "venv: making .venv" in first.stderr
    assert import_tiny(checkout) == 0

    assert bootstrap(checkout).stderr == ""

    with (checkout / "requirements" / "dev.txt").open("a") as lock:
        lock.write("# changed\n")
    changed = bootstrap(checkout)
    assert "venv: installing requirements/dev.txt" in changed.stderr
    assert "making" not in changed.stderr
    assert bootstrap(checkout).stderr == ""

    moved = checkout.rename(checkout.with_name("elsewhere"))
    assert "venv: making .venv" in bootstrap(moved).stderr
    assert import_tiny(moved) == 0


def test_bootstrap_says_what_failed_and_leaves_no_stamp(checkout: Path) -> None:
    (checkout / "requirements" / "dev.txt").write_text("# inputs: none\nunhashed==1.0\n")
    failed = bootstrap(checkout)
    assert failed.returncode == 1
    assert failed.stderr.endswith("; mend that, then run make again\n")
    assert not (checkout / ".venv" / ".stamp").exists()
