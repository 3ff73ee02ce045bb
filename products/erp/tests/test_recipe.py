"""The recipe's declarations, and a real Tryton from the first package to the signed-in browser."""

import configparser
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Page

from tenantry.fleet.provisioning.drivers.local import (
    databases,
    places,
    processes,
    server,
    templates,
)
from tenantry.sdk import (
    DatabaseAccess,
    Entry,
    Identity,
    InstanceRefused,
    InstanceUnreachable,
    Passwords,
    Recipe,
)
from tenantry.sdk.testing import BrowserBench, browser_bench
from tenantry_erp.product import product
from tenantry_erp.recipe import TrytonRecipe

RECIPE = TrytonRecipe()
PASSWORDS = Passwords(admin="admin-of-the-test", owner="owner-of-the-test")
ACCESS = DatabaseAccess(
    host="127.0.0.1", port=5432, name="tnt_a1", user="tnt_a1", password="p@ss/word"
)


def identity_of(short_id: str) -> Identity:
    return Identity(
        tenant_id=uuid4(),
        short_id=short_id,
        company="한빛 Trading & Co",
        host=f"tenant-{short_id}.localhost",
        url=f"http://tenant-{short_id}.localhost:8080",
        language="ko",
        owner_email="sora@hanbit.example",
        owner_name="Kim Sora",
    )


def test_product_has_the_recipe() -> None:
    assert isinstance(product.recipe, Recipe)
    assert product.recipe.slug == product.slug


def test_version_names_release_and_making() -> None:
    assert re.fullmatch(r"8\.0\.\d+-[0-9a-f]{12}", RECIPE.version)


def test_launch_keeps_the_password_in_a_closed_file(tmp_path: Path) -> None:
    launch = RECIPE.launch(
        folder=tmp_path, workdir=tmp_path, database=ACCESS, port=12_345, identity=identity_of("a1")
    )
    assert "p@ss" not in repr(launch)
    assert "p@ss" not in " ".join([*launch.command, *launch.environment.values()])
    read = configparser.ConfigParser(interpolation=None)
    read.read_string(launch.files["trytond.conf"])
    assert read["database"]["uri"] == "postgresql://tnt_a1:p%40ss%2Fword@127.0.0.1:5432"
    assert read["web"]["listen"] == "127.0.0.1:12345"
    assert json.loads(read["tenantry"]["identity"])["short_id"] == "a1"


class Running:
    """A real instance of a company."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.identity = identity_of(label.removeprefix("tnt_"))
        self.folder = places.recipe_folder(RECIPE.slug)
        self.workdir = places.instance_folder("erp-test", label)
        self.access = databases.access(label=label, password="role-of-the-test")
        self.port = processes.choose_port(None)
        self.url = f"http://127.0.0.1:{self.port}"

    def settle(self) -> None:
        RECIPE.settle(
            folder=self.folder,
            database=self.access,
            identity=self.identity,
            passwords=PASSWORDS,
        )

    def start(self) -> None:
        launch = RECIPE.launch(
            folder=self.folder,
            workdir=self.workdir,
            database=self.access,
            port=self.port,
            identity=self.identity,
        )
        self.child = processes.start(self.workdir, launch, label=self.label, port=self.port)
        while True:
            try:
                assert self.stated() == self.identity.short_id
            except InstanceUnreachable:
                assert self.child.poll() is None, processes.last_words(self.workdir)
            else:
                return

    def stated(self) -> str:
        return RECIPE.identity_of(url=self.url, host=self.identity.host)

    def sign_in(self, account: str, password: str) -> Entry:
        return RECIPE.sign_in(
            url=self.url,
            host=self.identity.host,
            database=self.label,
            account=account,
            password=password,
        )


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Make one; application and template are kept for the next time."""
    templates.make_ready(RECIPE, lambda _what, _share: None)
    label = f"tnt_{uuid4().hex[:10]}"
    databases.create(label=label, recipe=RECIPE.slug, password="role-of-the-test")
    made = Running(label)
    made.settle()
    made.start()
    yield made
    processes.end(made.workdir, grace=5)
    made.child.wait()
    databases.remove(label=label)
    shutil.rmtree(made.workdir)


@pytest.fixture(scope="module")
def bench() -> Iterator[BrowserBench]:
    with browser_bench() as opened:
        yield opened


@pytest.mark.e2e
@pytest.mark.xdist_group("tryton")
@pytest.mark.timeout(600)
class TestRealTryton:
    def test_it_states_whose_it_is(self, running: Running) -> None:
        assert running.stated() == running.identity.short_id

    def test_administrator_and_owner_get_in_and_nobody_else(self, running: Running) -> None:
        assert running.sign_in("admin", PASSWORDS.admin).cookies["tryton_session"]
        assert running.sign_in(running.identity.owner_email, PASSWORDS.owner).local_storage
        for account, password in (("admin", PASSWORDS.owner), ("nobody", PASSWORDS.admin)):
            with pytest.raises(InstanceRefused):
                running.sign_in(account, password)

    def test_settling_again_changes_nothing_but_what_was_asked(self, running: Running) -> None:
        before = _counts(running)
        running.identity = replace(running.identity, company="Hanbit Trading")
        running.settle()
        assert _counts(running) == before
        assert running.sign_in(running.identity.owner_email, PASSWORDS.owner).cookies

    def test_no_other_database_is_tried(self, running: Running) -> None:
        with pytest.raises(InstanceUnreachable):
            RECIPE.sign_in(
                url=running.url,
                host=running.identity.host,
                database="postgres",
                account="admin",
                password=PASSWORDS.admin,
            )
        assert "postgres" not in processes.last_words(running.workdir)

    def test_browser_that_holds_the_entry_is_signed_in(
        self, running: Running, bench: BrowserBench
    ) -> None:
        entry = running.sign_in(running.identity.owner_email, PASSWORDS.owner)
        origin = f"http://{running.identity.host}:{running.port}"

        async def look(page: Page) -> tuple[str, bool]:
            await page.context.add_cookies(
                [
                    {
                        "name": name,
                        "value": value,
                        "domain": running.identity.host,
                        "path": entry.cookie_path,
                        "httpOnly": True,
                        "sameSite": "Lax",
                    }
                    for name, value in entry.cookies.items()
                ]
            )
            await page.goto(f"{origin}/.well-known/tenantry")
            await page.evaluate(
                "given => Object.entries(given).forEach(pair => localStorage.setItem(...pair))",
                dict(entry.local_storage),
            )
            await page.goto(f"{origin}{entry.path}")
            await page.get_by_text("Timesheet", exact=True).wait_for()
            asked = await page.locator("#login").is_visible()
            return await page.locator("#user-preferences").inner_text(), asked

        who, asked = bench.run(look)
        assert "Kim Sora" in who
        assert not asked


def _counts(running: Running) -> list[object]:
    with server.connected(running.label) as inside:
        return [
            inside.execute(f"SELECT count(*) FROM {table}").fetchone()
            for table in ("res_user", "party_party", "company_company", "company_employee")
        ]
