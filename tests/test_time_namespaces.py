"""A run says the same on a machine that has just booted, and on one that has been up for 300 days."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from contract.records import Trial, finished_trial_folders
from system.processes import PROJECT_FOLDER
from tests.running import PATIENCE_S
from tests.runs import scenario
from tests.time_namespace import JUST_BOOTED_S, UP_FOR_MONTHS_S, aged, why_not

pytestmark = pytest.mark.takes_s(20)

IMPOSSIBLE_MS = 5_000
"""Later than any delivery can be that its client was not taken to be lost for."""


@pytest.fixture(params=[JUST_BOOTED_S, UP_FOR_MONTHS_S])
def age_s(request: pytest.FixtureRequest) -> int:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    age_s: int = request.param
    return age_s


def run(age_s: int, *command: str | Path) -> None:
    done = subprocess.run(
        [*aged(age_s), sys.executable, "-m", *map(str, command)],
        cwd=PROJECT_FOLDER, capture_output=True, text=True, timeout=10 * PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_program_that_ci_calls_runs_a_command_at_that_age(age_s: int) -> None:
    clock = (sys.executable, "-c", "import time; print(time.monotonic())")
    done = subprocess.run(
        [sys.executable, "-m", "tests.time_namespace", str(age_s), *clock],
        cwd=PROJECT_FOLDER, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert age_s <= float(done.stdout) < age_s + 4 * PATIENCE_S


def test_a_run_with_a_relay_has_every_delivery_at_a_time_that_can_be(tmp_path: Path, age_s: int) -> None:
    path = scenario(tmp_path, '"websocket", "long_poll", "short_poll"', delay_ms=5)
    run(age_s, "loadtests", "run", path, "--results", tmp_path / "results")
    [folder] = (path for path in (tmp_path / "results").iterdir() if not path.is_symlink())
    run(age_s, "analysis", "summary", folder)  # what a report reads is in it, and needs no Matplotlib
    trials = [Trial.load(trial) for trial in finished_trial_folders(folder)]
    assert len(trials) == 3
    for trial in trials:
        assert age_s < trial.info.t0_ns / 1e9 < age_s + 4 * PATIENCE_S
        assert trial.has_kernel_stamps
    for point in json.loads((folder / "summary.json").read_text(encoding="utf-8"))["points"]:
        ledger, latency_ms = point["ledger"], point["latency_ms"]
        assert ledger["expected"] == ledger["delivered"] > 0
        assert 0 < latency_ms["mean"] <= latency_ms["max"] < IMPOSSIBLE_MS
        assert point["stamps"]["conversion_error_us"] < 1_000
