"""The site as its own process."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tenantry_cafe.fakesite.control import Control

COMMAND = [sys.executable, "-m", "tenantry_cafe.fakesite", "--data"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_says_where_it_is_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, tmp_path / "new" / "folder"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout
            assert process.stderr
            ready = json.loads(process.stdout.readline())
            assert ready["pid"] == process.pid
            control = Control(ready["url"], ready["control_token"])
            assert control.articles() == []
            process.send_signal(number)
            assert process.wait(timeout=10) == 0
            assert (process.stdout.read(), process.stderr.read()) == (b"", b"")
        finally:
            process.kill()


def test_given_token_is_not_printed(tmp_path: Path) -> None:
    environment = {**os.environ, "FAKE_CAFE_CONTROL_TOKEN": "given", "FAKE_CAFE_PASSWORD": "pw"}
    with subprocess.Popen([*COMMAND, tmp_path], stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout
            ready = json.loads(process.stdout.readline())
            assert sorted(ready) == ["pid", "url"]
            assert Control(ready["url"], "given").faults() == []
        finally:
            process.terminate()


def test_taken_port_is_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, tmp_path, "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("fakesite: ")
    assert len(done.stderr.splitlines()) == 1
