"""The application on a host: a Python environment of its own, and the files of its web client.

Everything is pinned with its digest in `application/`; which registries it comes from is the
configuration of pip, uv and npm on the host, never ours.
"""

import base64
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tenantry.sdk import Progress, RecipeFailed

APPLICATION = Path(__file__).parent / "application"
# What installers may know of the host: where to find things, and how to reach them.
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR")
_PASSED_ON_PREFIXES = ("NPM_CONFIG_", "PIP_", "UV_", "NODE_EXTRA_CA_CERTS")
_INSTALL_SECONDS = 900.0
_CLIENT = "tryton-sao"
_PINNED = ("--require-hashes", "--only-binary", ":all:", "--quiet")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """One version of the application in the recipe's folder."""

    root: Path

    @property
    def python(self) -> Path:
        """Return the interpreter that has the application."""
        return self.root / "venv" / "bin" / "python"

    @property
    def web(self) -> Path:
        """Return the folder of the web client."""
        return self.root / "web"

    @property
    def scripts(self) -> Path:
        """Return the folder of the programs that run in the application's environment."""
        return self.root / "scripts"

    @property
    def complete(self) -> Path:
        """Return the mark that says nothing is missing."""
        return self.root / "complete"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package of the web client: what of it is kept, by the beginnings of paths in it."""

    name: str
    version: str
    integrity: str
    files: tuple[str, ...]


def installation_of(folder: Path) -> Installation:
    """Return where this version of the application is, or will be."""
    return Installation(root=folder / digest_of(*sorted(APPLICATION.glob("*.*"))))


def digest_of(*files: Path) -> str:
    """Return a short name for what the files hold."""
    found = hashlib.sha256()
    for file in files:
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:12]


def install(folder: Path, progress: Progress) -> None:
    """Make the application complete; others who want the same wait. Refuses: `RecipeFailed`."""
    there = installation_of(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if there.complete.exists():
            return
        packages = _read_web()
        wheels = (APPLICATION / "requirements.txt").read_text(encoding="utf-8").count("==")
        everything = wheels + len(packages)
        progress(f"installing {wheels} Python packages", 0.0)
        shutil.rmtree(there.root, ignore_errors=True)
        there.root.mkdir(parents=True)
        make_environment(there.root / "venv", APPLICATION / "requirements.txt")
        progress(f"fetching {len(packages)} packages of the web client", wheels / everything)
        _fetch_web(there, packages)
        there.scripts.mkdir()
        for script in APPLICATION.glob("*.py"):
            shutil.copy(script, there.scripts)
        there.complete.touch()
        progress("the application is installed", 1.0)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as file:
        # Released by the kernel, however the process ends.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_environment(venv: Path, requirements: Path) -> None:
    """Make a virtual environment with exactly these packages, by uv where there is one."""
    _run([sys.executable, "-I", "-m", "venv", "--without-pip", str(venv)])
    python = str(venv / "bin" / "python")
    pip = [sys.executable, "-I", "-m", "pip", "--python", python, "install", "--no-input", *_PINNED]
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv:
        fast = [uv, "pip", "sync", "--python", python, "--compile-bytecode", *_PINNED]
        try:
            _run([*fast, str(requirements)])
        except RecipeFailed:
            # Registries that are told to pip alone.
            _run([*pip, "--requirement", str(requirements)])
    else:
        _run([*pip, "--requirement", str(requirements)])


def _read_web() -> list[Package]:
    listed = json.loads((APPLICATION / "web.json").read_text(encoding="utf-8"))
    return [
        Package(
            name=name,
            version=facts["version"],
            integrity=facts["integrity"],
            files=tuple(facts["files"]),
        )
        for name, facts in listed.items()
    ]


def _fetch_web(there: Installation, packages: Sequence[Package]) -> None:
    with tempfile.TemporaryDirectory(dir=there.root, prefix="packages-") as name:
        fetched = Path(name)
        wanted = [f"{package.name}@{package.version}" for package in packages]
        npm = shutil.which("npm") or _borrow_npm(fetched)
        _run([npm, "pack", "--ignore-scripts", "--silent", "--pack-destination", name, *wanted])
        for package in packages:
            inside = "." if package.name == _CLIENT else f"node_modules/{package.name}"
            unpack(package, fetched / f"{package.name}-{package.version}.tgz", there.web / inside)
    # The page asks for these; without them every visit begins with refusals.
    for name in ("custom.css", "custom.js"):
        (there.web / name).write_text("", encoding="utf-8")
    for language in ("en", "en_US"):
        (there.web / "locale" / f"{language}.json").write_text('{"": {}}', encoding="utf-8")


def _borrow_npm(folder: Path) -> str:
    make_environment(folder / "node", APPLICATION / "node.txt")
    return str(folder / "node" / "bin" / "npm")


def unpack(package: Package, archive: Path, folder: Path) -> None:
    """Write a package's wanted files into a folder, if its digest is the expected one."""
    try:
        digest = hashlib.sha512(archive.read_bytes()).digest()
        if f"sha512-{base64.b64encode(digest).decode()}" != package.integrity:
            raise RecipeFailed(detail=f"{archive.name} is not what was expected")
        with tarfile.open(archive) as tar:
            for member in tar:
                _top, _slash, path = member.name.partition("/")
                wanted = member.isfile() and path.startswith(package.files)
                content = tar.extractfile(member) if wanted else None
                if content is None:
                    continue
                target = (folder / path).resolve()
                if not target.is_relative_to(folder.resolve()):
                    raise RecipeFailed(detail=f"{archive.name} writes outside of its folder")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
    except (OSError, tarfile.TarError) as error:
        raise RecipeFailed(detail=f"{archive.name}: {error}") from error


def _run(command: Sequence[str]) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON
        or name.lower().endswith("_proxy")
        or name.upper().startswith(_PASSED_ON_PREFIXES)
    }
    try:
        ended = subprocess.run(  # noqa: S603 - our own commands, no shell reads them
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_INSTALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RecipeFailed(detail=f"{Path(command[0]).name}: {error}") from error
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip()[-500:]
        raise RecipeFailed(detail=f"{Path(command[0]).name} {command[1]}: {said}")
