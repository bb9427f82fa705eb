"""Runs of several load processes, as tests start and read them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from contract.records import Trial, finished_trial_folders
from system.processes import PROJECT_FOLDER
from tests.running import PATIENCE_S
from tests.runs import measured_once

SCENARIO = """
name = "tiny"
description = "Several load processes."
repeats = 1
budget_s = 120
transports = [{transports}]

[parameters]
clients = 5
rate_per_s = 20
arrival = "poisson"
payload_bytes = 30
one_way_delay_ms = 0
warm_up_s = 0.2
measured_s = {measured_s}
poll_interval_s = 0.25
hold_s = 5
"""


def scenario(folder: Path, *transports: str, measured_s: float = 1.5) -> Path:
    path = folder / "tiny.toml"
    path.write_text(SCENARIO.format(transports=", ".join(f'"{t}"' for t in transports), measured_s=measured_s))
    return measured_once(path)


def command(
    *words: str | Path, prefix: tuple[str, ...] = (), log: Path, checkout: Path = PROJECT_FOLDER
) -> subprocess.Popen[bytes]:
    """`python -m loadtests` of a checkout, with `prefix` before it."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", "loadtests", *map(str, words)],
            cwd=checkout, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip


def ended(process: subprocess.Popen[bytes], log: Path) -> str:
    """What it said, once it has ended well."""
    assert process.wait(10 * PATIENCE_S) == 0, log.read_text()
    return " ".join(log.read_text().split())


def trials(results: Path) -> list[Trial]:
    return [Trial.load(folder) for folder in finished_trial_folders(results / "latest")]
