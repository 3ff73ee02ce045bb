"""The declaration's own parts: the fake site as a process."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tenantry_cafe.fakesite.control import Control, ControlError
from tenantry_cafe.product import FakeCafe

pytestmark = pytest.mark.enable_socket


def test_fake_site_runs_as_it_is_declared(tmp_path: Path) -> None:
    fake, token = FakeCafe(), "a-token-of-this-test"
    command = fake.command(port=0, data=tmp_path / "site", control_token=token)
    environment = fake.environment(url="http://127.0.0.1:1", control_token=token)
    assert environment["CAFE_SITE_URL"] == "http://127.0.0.1:1"
    assert token not in " ".join(command)
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            assert Control(url, token).faults() == []
            with pytest.raises(ControlError):
                Control(url, "another").faults()
        finally:
            process.terminate()
    assert process.returncode == 0
