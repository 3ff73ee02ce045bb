"""The import contracts hold, and each of them breaks on a planted violation."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

# What is planted -> the contract that must break.
PLANTED = [
    ("core/clock.py", "from tenantry.sdk import product", "The stack: top imports down"),
    ("faces/portal/apps.py", "import tenantry.faces.console", "Faces do not know each other"),
    ("work/automation/apps.py", "import tenantry.work.schedules", "Work: schedules stand"),
    ("customers/notices/apps.py", "import tenantry.customers.tenants", "Customers: notices below"),
    ("fleet/domains/apps.py", "import tenantry.fleet.gateway", "Fleet: runs stand on gateway"),
    ("fleet/hosts/apps.py", "import tenantry.work.automation", "The stack: top imports down"),
    ("ledger/funnel/apps.py", "import tenantry.ledger.audit", "Ledger: siblings"),
    ("governance/vault/apps.py", "import tenantry.governance.policies", "Governance: siblings"),
    ("core/trace.py", "import tenantry.core.logs", "No cycles"),
    ("core/clock.py", "import tenantry_cafe", "The platform imports no product"),
    ("faces/portal/apps.py", "import playwright", "Vendors stay out of faces"),
    ("cafe", "import tenantry.core.clock", "Products see the sdk only"),
    ("newroom/__init__.py", "", "The stack: top imports down"),
]
PARTS = ("src", "products/cafe/src", "products/erp/src")


def lint(folder: Path) -> str:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:4];"
        "from importlinter.cli import lint_imports;"
        "sys.exit(lint_imports(no_cache=True))"
    )
    paths = [str(folder / part) for part in PARTS]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for part in PARTS:
        shutil.copytree(
            ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_hold(tree: Path) -> None:
    assert ", 0 broken." in lint(tree)


@pytest.mark.parametrize(("place", "line", "contract"), PLANTED)
def test_contract_breaks_on_a_planted_import(
    tree: Path, place: str, line: str, contract: str
) -> None:
    platform = tree / "src/tenantry" / place
    path = tree / "products/cafe/src/tenantry_cafe/apps.py" if place == "cafe" else platform
    path.parent.mkdir(exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else '"""New."""\n'
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    broken = [text for text in lint(tree).splitlines() if text.endswith(" BROKEN")]
    assert any(text.startswith(contract) for text in broken), broken
