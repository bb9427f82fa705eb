"""A tool's cost is that of all its processes, and none of them is left behind."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.peers.tool import Launch
from benchmarks.peers.tool_processes import CpuReading, ToolProcesses

PATIENCE_S = 30.0

BUSY_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import sys; print('busy', flush=True)\\nwhile True: pass"])
print(child.pid, flush=True)
time.sleep(1000)
"""
LEAVES_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
print(child.pid, flush=True)
"""


def tree(folder: Path, program: str) -> ToolProcesses:
    return ToolProcesses(Launch([sys.executable, "-c", program]), folder / "log", folder, None)


def line(process: ToolProcesses, wanted: int = 1) -> list[str]:
    deadline = time.monotonic() + PATIENCE_S
    while len(lines := process.output().split()) < wanted:
        assert time.monotonic() < deadline, "it printed nothing"
        time.sleep(0.01)
    return lines


def wait_until_ended(child: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "its child is still there"
            time.sleep(0.01)


def test_the_time_of_children_counts_and_they_end_with_it(tmp_path: Path) -> None:
    with tree(tmp_path, BUSY_CHILD) as process:
        words = line(process, 2)
        [child] = [int(word) for word in words if word.isdecimal()]
        before = process.cpu()
        deadline = time.monotonic() + PATIENCE_S
        while process.cpu().since(before) < 50_000_000:
            assert time.monotonic() < deadline, "a busy child uses no time"
            time.sleep(0.01)
        after = process.cpu()
        assert after.used_ns[child] - before.used_ns[child] >= 0.9 * after.since(before)
        assert not process.finish(0.01)
    assert process.exit_code is not None
    wait_until_ended(child)


def test_what_its_first_process_leaves_behind_is_ended_too(tmp_path: Path) -> None:
    with tree(tmp_path, LEAVES_A_CHILD) as process:
        [child] = line(process)
        assert process.finish(PATIENCE_S)
        assert process.exit_code == 0
    wait_until_ended(int(child))


def test_readings_subtract_process_by_process() -> None:
    earlier = CpuReading(0, {1: 100, 2: 50})
    later = CpuReading(10, {1: 130, 3: 5})
    assert later.since(earlier) == 35
    assert later.gone_since(earlier) == 1


def test_a_program_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing-of-this-name"):
        ToolProcesses(Launch(["nothing-of-this-name"]), tmp_path / "log", tmp_path, None)
