"""A run around its trials: its folder, what it says, and how it tells that the system refused something."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from contract.errors import UserError
from contract.records import load_run_info
from loadtests.engine.load_processes import ONE_PROCESS
from loadtests.load.trial_spec import TraceAndFaults
from loadtests.plan.scenario import Scenario
from loadtests.plan.scenario_file import load_scenario, parse_scenario
from loadtests.run import scenario_run as run_module
from loadtests.run.scenario_run import run_scenario
from terminal.console import PlainConsole

TEXT = """
name = "own"
description = "compare [/poll/long] with [/ws] \\u001b[2J"
repeats = 1
budget_s = 60
transports = ["websocket", "short_poll"]

[parameters]
clients = 2
rate_per_s = 20
arrival = "poisson"
payload_bytes = 30
one_way_delay_ms = 0
warm_up_s = 0.1
measured_s = 0.5
poll_interval_s = 0.2

[[sweep]]
measured_s = [0.5, 0.7]
"""


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs go whose trials measure nothing."""
    monkeypatch.setattr(run_module, "run_trial", lambda *_: None)
    return tmp_path / "results"


def measured(scenario: Scenario, results: Path, seed: int | None = None) -> tuple[Path, str]:
    """The run's folder and what it said."""
    said = io.StringIO()
    folder = run_scenario(
        scenario, seed, None, results, PlainConsole(file=said, width=200), TraceAndFaults(), ONE_PROCESS
    )
    return folder, said.getvalue()


def test_texts_of_a_scenario_are_no_markup(results: Path) -> None:
    _, said = measured(parse_scenario(TEXT, "own.toml"), results)
    assert said.startswith(r"own: compare [/poll/long] with [/ws] \x1b[2J")


def test_latest_points_to_the_newest_run(results: Path) -> None:
    for _ in range(2):
        folder, said = measured(parse_scenario(TEXT, "own.toml"), results)
        assert (results / "latest").resolve() == folder
        assert "cannot be made a link" not in said


def test_a_folder_in_the_place_of_the_link_is_left_alone_and_named(results: Path) -> None:
    (results / "latest").mkdir(parents=True)
    (results / "latest" / "run.json").write_text("{}")
    folder, said = measured(parse_scenario(TEXT, "own.toml"), results)
    assert "latest cannot be made a link to this run: " in said
    assert (results / "latest" / "run.json").read_text() == "{}"
    assert sorted(path.name for path in results.iterdir()) == [folder.name, "latest"]


def test_where_no_link_can_be_made_the_one_to_the_run_before_goes(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(parse_scenario(TEXT, "own.toml"), results)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "symlink_to", refuse)
    folder, said = measured(parse_scenario(TEXT, "own.toml"), results)
    assert "latest cannot be made a link to this run: Operation not permitted" in said
    assert not (results / "latest").is_symlink()
    assert folder.is_dir()


@pytest.mark.parametrize("name", ["own", "quick"])
def test_the_kept_scenario_is_the_one_that_was_measured(results: Path, name: str) -> None:
    """Under the name of a shipped one too: what SCENARIO=quick measures is another."""
    scenario = parse_scenario(TEXT.replace('"own"', f'"{name}"'), "own.toml")
    folder, _ = measured(scenario, results)
    assert load_scenario(str(folder / "scenario.toml")) == scenario
    assert "SCENARIO" not in load_run_info(folder).asked


def test_a_shipped_scenario_is_asked_for_by_its_name(results: Path) -> None:
    folder, _ = measured(load_scenario("quick"), results)
    assert load_run_info(folder).asked == {"SCENARIO": "quick"}


def test_each_run_draws_a_seed_and_says_which(results: Path) -> None:
    runs = [measured(load_scenario("quick"), results) for _ in range(2)]
    infos = [load_run_info(folder) for folder, _ in runs]
    assert infos[0].seed != infos[1].seed
    assert [trial.seed for trial in infos[0].plan] != [trial.seed for trial in infos[1].plan]
    for info, (_, said) in zip(infos, runs, strict=True):
        assert f"\nseed {info.seed}; repeat with SEED={info.seed}\n" in said
        assert "SEED" not in info.asked


def test_a_given_seed_repeats_streams_phases_and_orders(results: Path) -> None:
    drawn, _ = measured(load_scenario("quick"), results)
    seed = load_run_info(drawn).seed
    again, said = measured(load_scenario("quick"), results, seed)
    assert load_run_info(again).plan == load_run_info(drawn).plan
    assert load_run_info(again).asked == {"SCENARIO": "quick", "SEED": str(seed)}
    assert f"seed {seed}; repeat with SEED={seed}" in said


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errno.EAGAIN, "Resource temporarily unavailable (expected a higher limit of processes: ulimit -u, or pids"),
        (errno.EMFILE, "Too many open files (expected a higher limit of open files: ulimit -n)"),
        (errno.ENOSPC, "No space left on device (expected a disk with room)"),
        (errno.EPERM, "Operation not permitted (expected the system to allow it)"),
        (errno.EIO, "Input/output error (expected the system to allow it)"),
    ],
)
def test_what_the_system_refuses_is_told_as_what_it_is(
    results: Path, monkeypatch: pytest.MonkeyPatch, error: int, told: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(error, os.strerror(error), "/there/x.npz")

    monkeypatch.setattr(run_module, "run_trial", refuse)
    with pytest.raises(UserError) as raised:
        measured(parse_scenario(TEXT, "own.toml"), results)
    assert str(raised.value).startswith("000-")
    assert f": /there/x.npz: {told}" in str(raised.value)
