"""Recipes made ready where somebody watches, and instances counted on the machine itself."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner

from tenantry.config import counting, preparing
from tenantry.config.cli import main
from tenantry.fleet.provisioning.drivers.local import databases, processes, templates
from tenantry.sdk.recipe import DatabaseAccess, Progress, RecipeFailed
from tenantry.sdk.story import InstanceSeen
from tests.fleet.provisioning.local.conftest import install, recipe
from tests.fleet.provisioning.local.plain import PlainRecipe

__all__ = ["recipe"]

SILENT: Progress = lambda _what, _share: None  # noqa: E731
SHARES = [0.0, 0.02, 0.04, 0.5, 0.55, 0.99, 1.0, 1.0]


class TalkingRecipe(PlainRecipe):
    """Says how far it is only when there is something to do."""

    def prepare(self, *, folder: Path, progress: Progress) -> None:
        if not (folder / "server.py").exists():
            super().prepare(folder=folder, progress=progress)

    def build_template(self, *, folder: Path, database: DatabaseAccess, progress: Progress) -> None:
        super().build_template(
            folder=folder, database=database, progress=lambda _what, _share: None
        )
        for share in SHARES:
            progress("a table", share)


@pytest.fixture
def fresh(recipe: PlainRecipe, monkeypatch: pytest.MonkeyPatch) -> Iterator[TalkingRecipe]:
    made = TalkingRecipe(version=uuid4().hex[:10])
    install(monkeypatch, made)
    yield made
    databases.remove(label=templates.template_of(made))


def test_work_is_told_by_tenths_and_once(fresh: TalkingRecipe) -> None:
    told: list[str] = []
    preparing.prepare(fresh, tell=told.append)

    assert told[:-1] == [
        "Plain: 100% prepared",
        "Plain:   0% a table",
        "Plain:  50% a table",
        "Plain:  99% a table",
        "Plain: 100% a table",
    ]
    assert told[-1].startswith("Plain: ready after ")
    told.clear()
    preparing.prepare(fresh, tell=told.append)
    assert told == [f"Plain: ready, it was there ({fresh.version})"]
    assert fresh.built == 1


def test_command_prepares_one_recipe_or_all(fresh: TalkingRecipe) -> None:
    assert "Plain:  50% a table" in CliRunner().invoke(main, ["recipe", "prepare"]).stdout
    again = CliRunner().invoke(main, ["recipe", "prepare", "plain"])
    assert (again.exit_code, "it was there" in again.stdout) == (0, True)
    unknown = CliRunner().invoke(main, ["recipe", "prepare", "none"])
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "none" in unknown.stderr


def test_what_fails_is_refused_with_its_cause(fresh: TalkingRecipe) -> None:
    def fail(_access: DatabaseAccess) -> None:
        raise RecipeFailed(detail="the disk is full")

    fresh.while_building = fail
    with pytest.raises(RecipeFailed, match="the disk is full"):
        preparing.prepare(fresh, tell=lambda _text: None)


def test_instance_is_counted_and_killed_by_its_label(fresh: TalkingRecipe) -> None:
    short_id = uuid4().hex[:10]
    label = f"tnt_{short_id}"
    assert counting.count(short_id) == InstanceSeen(databases=0, processes=())

    preparing.prepare(fresh, tell=lambda _text: None)
    databases.create(label=label, recipe="plain", password="a-password")
    environment = {**os.environ, processes.LABEL: label}
    with subprocess.Popen(["sleep", "60"], env=environment) as running:
        assert counting.count(short_id) == InstanceSeen(databases=1, processes=(running.pid,))
        counting.kill(short_id)
        assert running.wait(timeout=10) == -9
    databases.remove(label=label)
    assert counting.count(short_id) == InstanceSeen(databases=0, processes=())
