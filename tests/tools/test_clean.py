import fcntl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import clean

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that sits in a data folder, as PostgreSQL does."""
    data = tmp_path / ".tenantry" / "postgres" / "data"
    data.mkdir(parents=True)
    monkeypatch.setattr(clean, "ROOT", tmp_path)
    with subprocess.Popen(["sleep", "60"], cwd=data) as process:
        (data / "postmaster.pid").write_text(f"{process.pid}\n{data}\n")
        # The parent has to take note of the end, or the process stays in the table.
        threading.Thread(target=process.wait, daemon=True).start()
        yield process
        process.kill()


def test_clean_stops_a_server_that_nobody_uses(server: subprocess.Popen[bytes]) -> None:
    assert clean.main() == 0
    assert server.wait(10) != 0


def test_clean_refuses_while_the_server_is_in_use(
    server: subprocess.Popen[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / ".tenantry" / "postgres" / "users").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert clean.main() == 1
    assert server.poll() is None
    assert capsys.readouterr().err == (
        "Tenantry is running in this checkout: stop it, then try again\n"
    )


def test_clean_spares_a_process_that_only_has_the_number(
    server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    other = tmp_path / ".tenantry" / "other" / "data"
    other.mkdir(parents=True)
    (tmp_path / ".tenantry" / "postgres" / "data" / "postmaster.pid").rename(
        other / "postmaster.pid"
    )
    assert clean.main() == 0
    assert server.poll() is None


def test_clean_with_nothing_there_is_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clean, "ROOT", tmp_path)
    assert clean.main() == 0
