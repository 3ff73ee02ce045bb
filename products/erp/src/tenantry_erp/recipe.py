"""A Tryton of their own for each company: 8.0, the long-term release, with its web client."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from tenantry.sdk import (
    DatabaseAccess,
    Entry,
    Identity,
    Launch,
    Needs,
    Passwords,
    Progress,
    RecipeFailed,
    Text,
)
from tenantry_erp import client
from tenantry_erp.installation import APPLICATION, digest_of, install, installation_of

MODULES = ("party", "company", "timesheet", "attendance")
_BUILD_SECONDS = 900.0
_SETTLE_SECONDS = 60.0
_PROGRESS = re.compile(r"^(\d+) (\d+) (.+)$")
# Where a company does its business, as far as its language tells.
_PLACES: Mapping[str, Mapping[str, str]] = {
    "ko": {"currency": "KRW", "country": "KR", "timezone": "Asia/Seoul"},
    "en": {"currency": "SGD", "country": "SG", "timezone": "Asia/Singapore"},
}
_CONFIG = """\
[database]
uri = {uri}
# The same database under another name: a list of databases never asks for one that is not ours.
default_name = {database}?application_name=trytond
minconn = 1
maxconn = 8
[web]
listen = 127.0.0.1:{port}
root = {web}
[tenantry]
database = {database}
identity = {identity}
threads = 6
"""


class TrytonRecipe:
    """See `sdk.Recipe`."""

    slug = "erp"
    label: Text = _("ERP (Tryton)")
    # A running server takes 75 MiB after its start and about 120 MiB in use.
    needs = Needs(memory_mb=192, cpu_milli=250, disk_mb=200)

    @property
    def version(self) -> str:
        """Return the release and a digest of what the template is made with."""
        release = re.search(
            r"(?m)^trytond==([\d.]+)",
            (APPLICATION / "requirements.txt").read_text(encoding="utf-8"),
        )
        if release is None:
            raise RecipeFailed(detail="requirements.txt names no trytond")
        made_with = digest_of(APPLICATION / "build.py", APPLICATION / "requirements.txt")
        return f"{release[1]}-{made_with}"

    def prepare(self, *, folder: Path, progress: Progress) -> None:
        """Install Tryton and its web client."""
        install(folder, progress)

    def build_template(self, *, folder: Path, database: DatabaseAccess, progress: Progress) -> None:
        """Activate all modules in one run; progress counts models and files."""

        def report(line: str) -> None:
            if found := _PROGRESS.match(line):
                progress(found[3], int(found[1]) / max(1, int(found[2])))

        order = {"modules": list(MODULES), **_server(database)}
        secrets = (database.password,)
        _run_script(folder, "build.py", order, report, seconds=_BUILD_SECONDS, secrets=secrets)

    def settle(
        self, *, folder: Path, database: DatabaseAccess, identity: Identity, passwords: Passwords
    ) -> None:
        """Write the company, the administrator's password and the owner."""
        order = {
            "company": identity.company,
            "short_id": identity.short_id,
            "owner_email": identity.owner_email,
            "owner_name": identity.owner_name,
            "admin_password": passwords.admin,
            "owner_password": passwords.owner,
            **_PLACES.get(identity.language[:2], _PLACES["en"]),
            **_server(database),
        }
        secrets = (database.password, passwords.admin, passwords.owner)
        _run_script(folder, "settle.py", order, seconds=_SETTLE_SECONDS, secrets=secrets)

    def launch(
        self,
        *,
        folder: Path,
        workdir: Path,
        database: DatabaseAccess,
        port: int,
        identity: Identity,
    ) -> Launch:
        """Return the command of a server with one process and few threads."""
        there = installation_of(folder)
        stated = {"short_id": identity.short_id, "application": "tryton"}
        config = _CONFIG.format(
            uri=_uri(database),
            database=database.name,
            port=port,
            web=there.web,
            identity=json.dumps(stated),
        )
        script = str(there.scripts / "serve.py")
        return Launch(
            command=(str(there.python), "-I", script, "--config", str(workdir / "trytond.conf")),
            environment={**_environment(workdir), "MALLOC_ARENA_MAX": "2"},
            files={"trytond.conf": config},
        )

    def identity_of(self, *, url: str, host: str) -> str:
        """Return what the running process was started with."""
        return client.identity_of(url=url, host=host)

    def sign_in(self, *, url: str, host: str, database: str, account: str, password: str) -> Entry:
        """Begin a session over JSON-RPC."""
        return client.sign_in(
            url=url, host=host, database=database, account=account, password=password
        )


def _uri(database: DatabaseAccess) -> str:
    user, password = quote(database.user, safe=""), quote(database.password, safe="")
    return f"postgresql://{user}:{password}@{database.host}:{database.port}"


def _server(database: DatabaseAccess) -> dict[str, str]:
    return {"uri": _uri(database), "database": database.name}


def _environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


def _run_script(
    folder: Path,
    name: str,
    order: Mapping[str, object],
    report: Callable[[str], None] = lambda _line: None,
    *,
    seconds: float,
    secrets: tuple[str, ...],
) -> None:
    """Run one of our programs in the application's environment; orders go by standard input."""
    there = installation_of(folder)
    try:
        running = subprocess.Popen(  # noqa: S603 - our own program, no shell reads it
            [str(there.python), "-I", str(there.scripts / name)],
            env=_environment(folder),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise RecipeFailed(detail=f"{name}: {error}") from error
    last = ""
    too_late = threading.Timer(seconds, running.kill)
    too_late.start()
    try:
        with running:
            assert running.stdin is not None
            assert running.stdout is not None
            with suppress(BrokenPipeError):  # it ended already; its output says why
                running.stdin.write(json.dumps(order))
                running.stdin.close()
            for line in running.stdout:
                last = line.strip() or last
                report(line.strip())
    finally:
        too_late.cancel()
    if running.returncode:
        for secret in secrets:
            last = last.replace(secret, "***")
        raise RecipeFailed(detail=f"{name} ended with {running.returncode}: {last[-500:]}")
