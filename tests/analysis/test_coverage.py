from __future__ import annotations

import pytest

from analysis import coverage, stats

NORMAL, SKEWED = coverage.POPULATIONS


@pytest.mark.parametrize("trials", coverage.TRIALS)
def test_the_intervals_of_a_report_hold_the_truth_as_often_as_they_say(trials: int) -> None:
    share = coverage.coverage(stats.interval, NORMAL, trials, coverage.EXPERIMENTS, seed=1)
    assert 0.93 <= share <= 0.97


def test_an_interval_that_is_too_narrow_is_found_out() -> None:
    def halved(estimate: float, trials: coverage.Floats) -> stats.Interval:
        low, high = stats.t_interval(estimate, trials)
        return (low + estimate) / 2, (high + estimate) / 2

    assert coverage.coverage(halved, NORMAL, 5, coverage.EXPERIMENTS, seed=1) < 0.9


def test_the_command_prints_a_row_for_each_interval_and_population(capsys: pytest.CaptureFixture[str]) -> None:
    assert coverage.main(["--experiments", "20", "--seed", "3"]) == 0
    first = capsys.readouterr().out
    assert coverage.main(["--experiments", "20", "--seed", "3"]) == 0
    assert capsys.readouterr().out == first
    assert len(first.splitlines()) == 2 + 2 * len(coverage.POPULATIONS)
    with pytest.raises(SystemExit):
        coverage.main(["--experiments", "0"])
