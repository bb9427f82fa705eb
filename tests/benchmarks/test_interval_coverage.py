from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics import inference
from benchmarks import interval_coverage
from benchmarks.simulated_points import POINTS, PUSH
from loadtests.run.scenario_run import MOST_REPEATS_OF_A_TRIAL

NORMAL, SKEWED = interval_coverage.POPULATIONS


@pytest.mark.parametrize("pilot", interval_coverage.PILOTS)
def test_stopping_early_leaves_the_intervals_as_good_as_they_say(pilot: int) -> None:
    found = interval_coverage.stopped(
        interval_coverage.two_stage, True, NORMAL, pilot, interval_coverage.EXPERIMENTS, seed=1
    )
    assert 0.93 <= found.coverage_ratio <= 0.97
    assert found.mean_trials > pilot


@pytest.mark.parametrize("correlation", [0.0, 0.7, -1.0])
def test_and_those_of_the_other_statistics_too(correlation: float) -> None:
    found = interval_coverage.stopped_by_another(correlation, 5, interval_coverage.EXPERIMENTS, seed=1)
    assert 0.93 <= found.coverage_ratio <= 0.97


def test_looking_after_every_block_would_spoil_them() -> None:
    looked = interval_coverage.stopped(
        interval_coverage.looking_every_time, False, NORMAL, 3, interval_coverage.EXPERIMENTS, seed=1
    )
    assert looked.coverage_ratio < 0.92
    spread_of_all = interval_coverage.stopped(
        interval_coverage.two_stage, False, NORMAL, 3, interval_coverage.EXPERIMENTS, seed=1
    )
    assert spread_of_all.coverage_ratio < 0.93


def test_skewed_statistics_lose_as_little_by_stopping_early_as_by_being_few() -> None:
    trials = SKEWED.draw(np.random.default_rng(1), (interval_coverage.EXPERIMENTS, 5))
    bounds = [inference.t_interval(float(five.mean()), five) for five in trials]
    fixed = sum(low <= SKEWED.mean <= high for low, high in bounds) / len(bounds)
    stopped = interval_coverage.stopped(
        interval_coverage.two_stage, True, SKEWED, 5, interval_coverage.EXPERIMENTS, seed=1
    )
    assert abs(stopped.coverage_ratio - fixed) < 0.03


@pytest.mark.parametrize("trials", interval_coverage.PILOTS)
def test_repeating_what_the_machine_disturbed_leaves_the_intervals_as_good_as_they_say(trials: int) -> None:
    found = interval_coverage.repeated(
        interval_coverage.by_signs, interval_coverage.Machine(), trials, interval_coverage.EXPERIMENTS, seed=1
    )
    assert 0.93 <= found.coverage_ratio <= 0.97
    assert found.valid_ratio > 0.95


def test_repeating_by_latencies_would_spoil_them() -> None:
    found = interval_coverage.repeated(
        interval_coverage.by_latencies, interval_coverage.Machine(), 10, interval_coverage.EXPERIMENTS, seed=1
    )
    assert found.coverage_ratio < 0.9


def test_attempts_are_those_of_a_run() -> None:
    assert interval_coverage.ATTEMPTS == 1 + MOST_REPEATS_OF_A_TRIAL


def test_the_command_prints_a_row_for_each_point_and_population(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--experiments", "20", "--trials", "5", "--seed", "3"]
    assert interval_coverage.main(few) == 0
    first = capsys.readouterr().out
    assert interval_coverage.main(few) == 0
    assert capsys.readouterr().out == first
    simulated, widths, stopped, repeated = first.split("\n\n")
    differences = [point for point in POINTS if point is not PUSH and point.shares_streams_with(PUSH)]
    assert len(simulated.splitlines()) == 2 + len(POINTS) + len(differences)
    assert len(widths.splitlines()) == 2 + len(POINTS)
    assert len(stopped.splitlines()) == 2 + 3 * len(interval_coverage.POPULATIONS) + 2
    assert len(repeated.splitlines()) == 2 + 3
    with pytest.raises(SystemExit):
        interval_coverage.main(["--experiments", "0"])
