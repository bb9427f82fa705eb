"""A run whose trials are dictated: what the machine disturbs is measured again, within number and budget."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.records import SET_ASIDE_FOLDER, finished_trial_folders, set_aside_folders
from loadtests.load.trial_spec import TraceAndFaults
from loadtests.run import scenario_run
from loadtests.run.scenario_run import MOST_REPEATS_OF_A_TRIAL, Repeats
from tests.loadtests.dictated_runs import CALM, DISTURBED, Dictated, measured
from tests.runs import summarized


def test_a_trial_is_repeated_twice_at_the_most() -> None:
    repeats = Repeats.of(trials=12, spare_s=1000.0)
    assert [repeats.grant(attempts, 2.0) for attempts in (1, 2, 3)] == [True, True, False]


def test_half_of_a_run_may_be_repeated() -> None:
    repeats = Repeats.of(trials=5, spare_s=1000.0)
    assert [repeats.grant(1, 2.0) for _ in range(5)] == [True, True, True, False, False]


def test_the_budget_is_kept() -> None:
    repeats = Repeats.of(trials=12, spare_s=5.0)
    assert [repeats.grant(1, 2.0) for _ in range(3)] == [True, True, False]
    assert repeats.grant(1, 1.0), "a shorter one has room"


@given(st.integers(1, 60), st.floats(0, 100), st.lists(st.tuples(st.integers(1, 5), st.floats(0.1, 20)), max_size=80))
def test_no_run_is_without_end(trials: int, spare_s: float, asked: list[tuple[int, float]]) -> None:
    repeats = Repeats.of(trials, spare_s)
    granted = [(attempts, needed_s) for attempts, needed_s in asked if repeats.grant(attempts, needed_s)]
    assert len(granted) <= (trials + 1) // 2
    assert sum(needed_s for _, needed_s in granted) <= spare_s + 1e-9
    assert all(attempts <= MOST_REPEATS_OF_A_TRIAL for attempts, _ in granted)


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
    summary = summarized(folder)
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
    summary = summarized(folder)
    assert not summary["valid"]
    assert all("the server waited for its core" in reason for reason in summary["invalid_reasons"])


def test_the_budget_leaves_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = measured(tmp_path, monkeypatch, Dictated(*[DISTURBED] * 20), ("= 60", "= 24"))
    assert len(set_aside_folders(folder)) == 1


def test_faults_on_purpose_are_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = TraceAndFaults(faults=("drop:seq=5",))
    folder, _ = measured(tmp_path, monkeypatch, Dictated(*[DISTURBED] * 20), trace_and_faults=asked)
    assert set_aside_folders(folder) == []


def test_an_interrupted_repeat_keeps_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        measured(tmp_path, monkeypatch, Dictated(CALM, DISTURBED, KeyboardInterrupt()))
    [folder] = [path for path in (tmp_path / "results").iterdir() if not path.is_symlink()]
    assert len(finished_trial_folders(folder)) == 2
    assert list((folder / SET_ASIDE_FOLDER).iterdir()) == [], "nothing of the attempt that was broken off"


@pytest.mark.parametrize(
    ("disturbances", "said"),
    [
        (["it stood still"], "it stood still"),
        (["it stood still", "it waited"], "it stood still (and 1 further sign of the machine's doing)"),
        (["it stood still", "it waited", "late"], "it stood still (and 2 further signs of the machine's doing)"),
    ],
)
def test_the_first_disturbance_is_printed_and_the_others_counted(disturbances: list[str], said: str) -> None:
    assert scenario_run._briefly(disturbances) == said
