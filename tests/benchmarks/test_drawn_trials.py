from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.drawn_trials import CoverageCount, drawn_coverage
from benchmarks.figures_with_intervals import FIGURES
from benchmarks.repeated_runs import MeasuredRuns
from tests import fabricate


def test_an_interval_that_is_not_printed_is_not_counted() -> None:
    found = CoverageCount()
    for bounds in ((9.0, 11.0), (10.5, 11.0), (10.0, 10.001), None):
        found.count(bounds, 10.0)
    assert (found.intervals, found.held, found.ratio) == (2, 1, 0.5)
    assert CoverageCount().ratio is None


def test_runs_are_drawn_from_the_trials_of_all_runs(tmp_path: Path) -> None:
    measured = MeasuredRuns()
    for number in range(3):
        measured.add(fabricate.fabricate_run(tmp_path / str(number), fabricate.Fabrication(("sse",), (), ())))
    [point] = measured.points
    assert len(point.trials) == sum(run.summary.points[0].trials for run in measured.runs)
    everything = point.reported(np.arange(len(point.trials)))
    assert everything.deliveries == sum(run.summary.points[0].deliveries for run in measured.runs)
    assert point.reported(np.array([0, 0])).deliveries == 2 * point.reported(np.array([0])).deliveries
    coverage = drawn_coverage([point], FIGURES, blocks=2, runs=5, seed=1)
    assert coverage["server CPU per event"].intervals + coverage["mean"].intervals > 0
    assert coverage["difference of the mean"].intervals == 0
