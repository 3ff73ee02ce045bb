"""What is written where cgroup v2 may be written to."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenantry.fleet.provisioning.drivers.local import limits
from tenantry.sdk.recipe import Needs

NEEDS = Needs(memory_mb=100, cpu_milli=250, disk_mb=1)


@pytest.fixture
def child() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as made:
        yield made.pid
        made.kill()


def test_group_gets_memory_and_processor_time(tmp_path: Path, child: int) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    applied = limits.apply(child, label="tnt_a1", needs=NEEDS, cgroups=tmp_path)
    group = tmp_path / "tenantry" / "tnt_a1"
    assert {"memory", "processor"} <= applied
    assert (group / "memory.max").read_text() == str(200 * 1024 * 1024)
    assert (group / "cpu.max").read_text() == "100000 100000"
    assert (group / "cgroup.procs").read_text() == str(child)


@pytest.mark.parametrize("controllers", [None, "cpuset io\n"])
def test_without_groups_the_other_limits_stand(
    tmp_path: Path, child: int, controllers: str | None
) -> None:
    if controllers is not None:
        (tmp_path / "cgroup.controllers").write_text(controllers)
    applied = limits.apply(child, label="tnt_a1", needs=NEEDS, cgroups=tmp_path)
    assert applied & {"memory", "processor", "priority"} == {"priority"}
    assert os.getpriority(os.PRIO_PROCESS, child) == os.getpriority(os.PRIO_PROCESS, 0) + 5


ENDLESS = """
import sys
input()
with open(sys.argv[1], "wb") as log:
    while True:
        log.write(bytes(1024 * 1024))
"""


def test_a_log_that_nobody_stops_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_LONGEST_FILE", 3_000_000)
    log = tmp_path / "log"
    command = [sys.executable, "-c", ENDLESS, str(log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        limits.apply(writer.pid, label="tnt_a1", needs=NEEDS, cgroups=tmp_path)
        said = writer.communicate(b"go\n", timeout=30)[1]
    assert b"File too large" in said
    assert log.stat().st_size == 3_000_000


def test_process_that_is_gone_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert limits.apply(gone.pid, label="tnt_a1", needs=NEEDS, cgroups=tmp_path) == frozenset()


def test_group_is_removed_with_its_instance(tmp_path: Path) -> None:
    (tmp_path / "tenantry" / "tnt_a1").mkdir(parents=True)
    limits.forget(label="tnt_a1", cgroups=tmp_path)
    limits.forget(label="tnt_a1", cgroups=tmp_path)
    assert not (tmp_path / "tenantry" / "tnt_a1").exists()
