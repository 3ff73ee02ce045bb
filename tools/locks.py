"""Write the hash-pinned locks from pyproject.toml, and check offline that they are in step with it.

`requirements/runtime.txt` holds what Tenantry runs on, `requirements/dev.txt` that and the tools.
Both hold names, versions and hashes only: where packages come from is each machine's business.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
# In this order: the tools are held to the versions that run in production, not the other way round.
LOCKS = {
    "runtime": (),
    "dev": ("--group", "dev", "--constraint", "requirements/runtime.txt"),
}
PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^\s;]+)(?: ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")
REMEDY = "run: make lock"


def read_project(folder: Path) -> dict[str, Any]:
    """Return the pyproject.toml of a folder."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def inputs_line(root: Path) -> str:
    """Return the first line of a lock: the digest of everything it is compiled from."""
    document = read_project(root)
    project = document["project"]
    tables = [
        project["requires-python"],
        project["dependencies"],
        project.get("optional-dependencies", {}),
        document.get("dependency-groups", {}),
        document["build-system"]["requires"],
    ]
    digest = hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()
    return f"# inputs: sha256:{digest}"


def write(root: Path, options: Sequence[str]) -> None:
    """Compile both locks; pins that still fit are kept, unless `--upgrade` is among the options."""
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "compile", "--quiet", "--no-header", "--generate-hashes"]
    # Wheels only: installing runs nobody's build script. One version for every supported Python.
    command += ["--universal", "--python-version", "3.11", "--only-binary", ":all:"]
    command += ["--fork-strategy", "fewest", *options, "pyproject.toml"]
    for name, extra in LOCKS.items():
        lock = Path("requirements", f"{name}.txt")
        subprocess.run([*command, *extra, "--output-file", str(lock)], cwd=root, check=True)
        text = (root / lock).read_text(encoding="utf-8")
        (root / lock).write_text(f"{inputs_line(root)}\n{text}", encoding="utf-8")


def read_pins(text: str) -> tuple[dict[str, set[str]], list[str]]:
    """Return the versions under each name, and a complaint for each line that is no hashed pin."""
    pins: dict[str, set[str]] = {}
    complaints: list[str] = []
    unhashed = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if HASH.fullmatch(line):
            unhashed = ""
            continue
        if unhashed:
            complaints.append(f"{unhashed} has no hash")
            unhashed = ""
        if pin := PIN.fullmatch(line):
            pins.setdefault(pin["name"], set()).add(pin["version"])
            unhashed = pin["name"]
        elif "://" in line or not line.lstrip().startswith("#"):
            complaints.append(f"line {number} is neither a pin nor a hash")
    return pins, complaints + ([f"{unhashed} has no hash"] if unhashed else [])


def direct_requirements(root: Path, lock: str) -> Iterator[Requirement]:
    """Yield what the project and its products ask of others; each other they have in the tree."""
    document = read_project(root)
    products = [read_project(path.parent) for path in root.glob("products/*/pyproject.toml")]
    asked = [*document["project"]["dependencies"]]
    for product in products:
        asked += product["project"].get("dependencies", [])
    if lock == "dev":
        asked += document["dependency-groups"]["dev"]
        asked += document["build-system"]["requires"]
    own = {canonicalize_name(each["project"]["name"]) for each in (document, *products)}
    for requirement in map(Requirement, asked):
        if canonicalize_name(requirement.name) not in own:
            yield requirement


def find_faults(root: Path) -> Iterator[str]:
    """Yield one sentence for each way in which the locks do not follow from pyproject.toml."""
    pins: dict[str, dict[str, set[str]]] = {}
    for lock in LOCKS:
        path = root / "requirements" / f"{lock}.txt"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if not text.startswith(f"{inputs_line(root)}\n"):
            yield f"{path.name}: not compiled from this pyproject.toml"
        pins[lock], complaints = read_pins(text)
        yield from (f"{path.name}: {complaint}" for complaint in complaints)
        for requirement in direct_requirements(root, lock):
            versions = pins[lock].get(canonicalize_name(requirement.name), set())
            if not versions:
                yield f"{path.name}: {requirement.name} is not pinned"
            for version in versions:
                if not requirement.specifier.contains(version, prereleases=True):
                    yield f"{path.name}: {requirement.name} {version} is outside {requirement}"
    for name, versions in pins["runtime"].items():
        if pins["dev"].get(name) != versions:
            yield f"dev.txt: {name} is not pinned as in runtime.txt"


def main() -> int:
    """Run the command line; 1 when the locks are out of step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="compile them (needs the network)")
    parser.add_argument("--check", action="store_true", help="check them (offline; the default)")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    arguments, options = parser.parse_known_args()
    if arguments.write:
        write(arguments.root, options)
    faults = list(find_faults(arguments.root))
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"locks: out of step; {REMEDY}" if faults else "locks: in step with pyproject.toml")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
