"""The whole platform, as `make run` starts it: every process, Chromium, every story."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LINES = {"cafe": 8, "erp": 8}
SECONDS = 600

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(SECONDS + 60), pytest.mark.enable_socket]


def test_every_line_of_the_story_holds(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    command = [sys.executable, "-m", "tenantry.config.cli", "up"]
    done = subprocess.run(
        [*command, "--story", "--exit", "--json", "--port", "8700"],
        env={**environment, "TENANTRY_STATE_DIR": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.stdout, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    stories = told["stories"]
    broken = [line for story in stories.values() for line in story["lines"] if not line["held"]]
    counts = {slug: len(story["lines"]) for slug, story in stories.items()}
    assert (broken, counts, done.returncode) == ([], LINES, 0), done.stderr[-4000:]
