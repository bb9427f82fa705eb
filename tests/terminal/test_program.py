"""Ctrl-C while a program is still importing what it needs, and output that nobody can take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from system.processes import PROJECT_FOLDER
from tests.running import PATIENCE_S, at_import


@pytest.mark.parametrize(
    ("words", "imported"),
    [
        ("loadtests run quick", "contract.records"),
        ("loadtests run quick", "loadtests.run.scenario_run"),
        ("analysis report latest", "analysis.summary.results"),
        ("analysis report .", "analysis.charts"),
        ("servers all --port 0", "servers.hosting.options"),
        ("servers all --port 0", "fastapi"),
        ("classroom --port 0", "servers.hosting.listening"),
        ("classroom --port 0", "classroom.startup"),
        ("benchmarks.peers", "contract.records"),
        ("benchmarks.peers", "benchmarks.peers.run"),
    ],
)
def test_ctrl_c_amid_imports_is_one_line(words: str, imported: str, tmp_path: Path) -> None:
    program = [sys.executable, "-m", *words.split()]
    environment = at_import(imported, "os.kill(os.getpid(), signal.SIGINT)", tmp_path)
    ran = subprocess.run(
        program, cwd=PROJECT_FOLDER, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "interrupted\n")


def test_ctrl_c_that_a_module_turns_into_another_error_is_one_line(tmp_path: Path) -> None:
    """As NumPy's extension modules do."""
    (tmp_path / "stand_in.py").write_text(
        "import os, signal\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept KeyboardInterrupt:\n    raise ImportError from None\n"
    )
    program = "from terminal.program import run_program; run_program('stand_in')"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_FOLDER, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "interrupted\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(("status", "said"), [(0, "error: standard output: No space left on device\n"), (3, "")])
def test_output_that_cannot_be_written_is_one_line(status: int, said: str, tmp_path: Path) -> None:
    (tmp_path / "stand_in.py").write_text(f"def main():\n    print('figures')\n    return {status}\n")
    program = "from terminal.program import run_program; run_program('stand_in')"
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-c", program], cwd=PROJECT_FOLDER,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": ""},
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (status or 2, said)
