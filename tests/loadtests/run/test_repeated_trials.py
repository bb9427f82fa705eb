"""A run whose trials are dictated: what the machine disturbs is measured again, within number and budget."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.summarize import summarize_run
from contract.records import (
    SET_ASIDE_FOLDER,
    PlannedTrial,
    disturbances,
    finished_trial_folders,
    set_aside_folders,
)
from loadtests.engine.load_processes import ONE_PROCESS
from loadtests.load.trial_spec import Instruments
from loadtests.plan.scenario import load_scenario
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
budget_s = {budget_s}
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

    def __init__(self, *faults: Faults | BaseException) -> None:
        self._faults: Iterator[Faults | BaseException] = iter(faults)
        self.folders: list[Path] = []

    def __call__(self, trial: PlannedTrial, folder: Path, context: RunContext) -> list[str]:
        self.folders.append(folder)
        fault = next(self._faults, CALM)
        if isinstance(fault, BaseException):
            folder.mkdir(parents=True)
            raise fault
        record = fabricate_trial(trial, style(trial.transport), fault, 0.0)
        record.save(folder)
        return disturbances(record)


def measured(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dictated: Dictated,
    budget_s: float = 60,
    instruments: Instruments | None = None,
) -> tuple[Path, str]:
    """The run's folder, and what was printed."""
    path = tmp_path / "dictated.toml"
    path.write_text(SCENARIO.format(budget_s=budget_s))
    monkeypatch.setattr(scenario_run, "run_trial", dictated)
    said = io.StringIO()
    console = PlainConsole(file=said, width=200)
    folder = scenario_run.run_scenario(
        load_scenario(str(path)), None, None, tmp_path / "results", console, instruments or Instruments(), ONE_PROCESS
    )
    return folder, said.getvalue()


def test_nothing_is_repeated_on_a_calm_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, said = measured(tmp_path, monkeypatch, dictated := Dictated())
    assert len(dictated.folders) == len(finished_trial_folders(folder)) == 4
    assert set_aside_folders(folder) == []
    assert not (folder / SET_ASIDE_FOLDER).exists()
    assert "measured again" not in said


def test_a_disturbed_trial_is_repeated_in_its_place_and_its_records_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = measured(tmp_path, monkeypatch, Dictated(CALM, DISTURBED, DISTURBED))
    second = finished_trial_folders(folder)[1].name
    assert [path.name for path in set_aside_folders(folder)] == [f"{second}-1", f"{second}-2"]
    assert (
        said.count(
            f"trial {second} is measured again: the server waited for its core while other programs ran on it: 400 ms"
        )
        == 2
    )
    summary = summarize_run(folder)
    assert (summary["valid"], summary["finished_trials"]) == (True, 4)
    assert [attempt["trial"] for attempt in summary["set_aside"]] == [second, second]
    assert any(
        "2 attempts at trials repeated, as the machine had disturbed them" in warning for warning in summary["warnings"]
    )


def test_a_machine_that_disturbs_every_attempt_makes_the_run_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = measured(tmp_path, monkeypatch, dictated := Dictated(*[DISTURBED] * 20))
    assert len(dictated.folders) == 6, "half as many repeats as there are trials"
    assert len(set_aside_folders(folder)) == 2
    summary = summarize_run(folder)
    assert not summary["valid"]
    assert all("the server waited for its core" in reason for reason in summary["invalid_reasons"])


def test_the_budget_leaves_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = measured(tmp_path, monkeypatch, Dictated(*[DISTURBED] * 20), ("= 60", "= 24"))
    assert len(set_aside_folders(folder)) == 1


def test_faults_on_purpose_are_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Instruments(faults=("drop:seq=5",))
    folder, _ = measured(tmp_path, monkeypatch, Dictated(*[DISTURBED] * 20), instruments=asked)
    assert set_aside_folders(folder) == []


def test_an_interrupted_repeat_keeps_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        measured(tmp_path, monkeypatch, Dictated(CALM, DISTURBED, KeyboardInterrupt()))
    [folder] = [path for path in (tmp_path / "results").iterdir() if not path.is_symlink()]
    assert len(finished_trial_folders(folder)) == 2
    assert list((folder / SET_ASIDE_FOLDER).iterdir()) == [], "nothing of the attempt that was broken off"
