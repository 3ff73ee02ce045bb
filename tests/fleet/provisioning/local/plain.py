"""The plainest application there can be: a table, and a server that says whose it is."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import psycopg

from tenantry.core.errors import Text
from tenantry.sdk.recipe import (
    DatabaseAccess,
    Entry,
    Identity,
    InstanceUnreachable,
    Launch,
    Needs,
    Passwords,
    Progress,
    RecipeFailed,
)

SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["SHORT_ID"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
print("environment", sorted(os.environ), flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def connect(access: DatabaseAccess) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=access.host,
        port=access.port,
        dbname=access.name,
        user=access.user,
        password=access.password,
        connect_timeout=5,
    )


@dataclass(kw_only=True)
class PlainRecipe:
    """Implements `sdk.recipe.Recipe`."""

    version: str
    slug: str = "plain"
    label: Text = "Plain"
    needs: Needs = field(default_factory=lambda: Needs(memory_mb=64, cpu_milli=100, disk_mb=20))
    built: int = 0
    settled: list[str] = field(default_factory=list)
    while_building: Callable[[DatabaseAccess], None] | None = None
    server: str = SERVER
    settling_fails: bool = False

    def prepare(self, *, folder: Path, progress: Progress) -> None:
        (folder / "server.py").write_text(self.server, encoding="utf-8")
        progress("prepared", 1.0)

    def build_template(self, *, folder: Path, database: DatabaseAccess, progress: Progress) -> None:
        del folder
        self.built += 1
        with connect(database) as connection:
            connection.execute("CREATE TABLE company (name text)")
            connection.execute("CREATE SEQUENCE numbers")
        if self.while_building is not None:
            self.while_building(database)
        progress("built", 1.0)

    def settle(
        self, *, folder: Path, database: DatabaseAccess, identity: Identity, passwords: Passwords
    ) -> None:
        del folder, passwords
        if self.settling_fails:
            raise RecipeFailed(detail="as planned")
        with connect(database) as connection:
            connection.execute("DELETE FROM company")
            connection.execute("INSERT INTO company VALUES (%s)", [identity.company])
        self.settled.append(identity.short_id)

    def launch(
        self,
        *,
        folder: Path,
        workdir: Path,
        database: DatabaseAccess,
        port: int,
        identity: Identity,
    ) -> Launch:
        del workdir
        return Launch(
            command=[sys.executable, "-I", str(folder / "server.py"), str(port)],
            environment={"SHORT_ID": identity.short_id},
            files={"settings.json": json.dumps({"password": database.password})},
        )

    def identity_of(self, *, url: str, host: str) -> str:
        try:
            with urlopen(Request(url, headers={"Host": host}), timeout=2) as answer:
                stated: bytes = answer.read()
        except (URLError, OSError) as error:
            raise InstanceUnreachable from error
        return stated.decode()

    def sign_in(self, *, url: str, host: str, database: str, account: str, password: str) -> Entry:
        del url, host, database, account, password
        return Entry()
