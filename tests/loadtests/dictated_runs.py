"""Runs whose trials are dictated: everything about them is real but the trials, which take no time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.records import PlannedTrial, disturbances
from loadtests.engine.load_processes import ONE_PROCESS
from loadtests.load.trial_spec import TraceAndFaults
from loadtests.plan.scenario_file import load_scenario
from loadtests.run import scenario_run
from loadtests.trial.run_trial import RunContext
from terminal.console import PlainConsole
from tests.fabricate import style
from tests.fabricate_trial import Faults, fabricate_trial

CALM, DISTURBED = Faults(), Faults(waited_ratio=0.2)
SCENARIO = """
name = "dictated"
description = "Two transports, two blocks."
repeats = 2
budget_s = 60
transports = ["websocket", "sse"]
[parameters]
clients = 4
rate_per_s = 10
arrival = "poisson"
payload_bytes = 30
one_way_delay_ms = 0
warm_up_s = 0.3
measured_s = 2
"""


class Dictated:
    """Stands in for `run_trial`: writes a trial with the next faults that are dictated, calm ones after the last."""

    def __init__(self, *faults: Faults | BaseException, noise_ms: float = 0.0) -> None:
        self._faults: Iterator[Faults | BaseException] = iter(faults)
        self._noise_ms = noise_ms
        self.folders: list[Path] = []

    def __call__(self, trial: PlannedTrial, folder: Path, context: RunContext) -> list[str]:
        self.folders.append(folder)
        fault = next(self._faults, CALM)
        if isinstance(fault, BaseException):
            folder.mkdir(parents=True)
            raise fault
        record = fabricate_trial(trial, style(trial.transport), fault, self._noise_ms)
        record.save(folder)
        return disturbances(record)


def measured(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dictated: Dictated,
    *changes: tuple[str, str],
    trace_and_faults: TraceAndFaults | None = None,
    seed: int | None = None,
) -> tuple[Path, str]:
    """The run's folder, and what was printed; `changes` replace one text of the scenario by another each."""
    text = SCENARIO
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "dictated.toml"
    path.write_text(text)
    monkeypatch.setattr(scenario_run, "run_trial", dictated)
    said = io.StringIO()
    console = PlainConsole(file=said, width=200)
    folder = scenario_run.run_scenario(
        load_scenario(str(path)),
        seed,
        None,
        tmp_path / "results",
        console,
        trace_and_faults or TraceAndFaults(),
        ONE_PROCESS,
    )
    return folder, said.getvalue()
