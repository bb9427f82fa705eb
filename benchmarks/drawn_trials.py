"""Runs drawn from the trials of real runs: how often their intervals contain the figure of all trials.

For memory, set-up times or the freshness of views no distribution is known but the measured one. So the trials of a
point in several runs stand for its distribution, and runs of a few trials are drawn from them, with replacement. The
report's own functions compute their figures and intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.summary.corrections import corrected_estimates, estimates
from analysis.summary.pooling import pool
from analysis.trial.measures import TrialMeasures
from benchmarks.figures_with_intervals import Read, is_printed
from contract.records import Ints
from contract.summary import Interval, Point
from contract.transports import TransportStyle


@dataclass(frozen=True)
class MeasuredPoint:
    """A point's trials in several runs."""

    style: TransportStyle
    trials: Sequence[TrialMeasures]

    def reported(self, chosen: Ints) -> Point:
        """Return the point as a run of the chosen trials would report it, each in a block of its own."""
        trials = [
            replace(self.trials[number], info=replace(self.trials[number].info, block=block))
            for block, number in enumerate(chosen)
        ]
        point = pool(trials, self.style)
        return replace(point, estimates=corrected_estimates(estimates(trials, self.style, point), trials, point, None))


@dataclass
class CoverageCount:
    """Counts the intervals of drawn runs, and those that contain the figure of all trials."""

    intervals: int = 0
    held: int = 0

    @property
    def ratio(self) -> float | None:
        """The share of the intervals that contain the figure; None without an interval."""
        return self.held / self.intervals if self.intervals else None

    def count(self, bounds: Interval | None, truth: float | None) -> None:
        """Count one interval, unless a report would not print it."""
        if not is_printed(bounds) or truth is None:
            return
        rounding = 1e-9 * abs(truth)
        self.intervals += 1
        self.held += bounds[0] - rounding <= truth <= bounds[1] + rounding


def drawn_coverage(
    points: Sequence[MeasuredPoint], figures: Mapping[str, Read], blocks: int, runs: int, seed: int
) -> dict[str, CoverageCount]:
    """Return for each figure how often the intervals of runs of `blocks` blocks contain the value of all trials."""
    found = {name: CoverageCount() for name in figures}
    random = np.random.default_rng([seed, blocks])
    for point in points:
        everything = point.reported(np.arange(len(point.trials)))
        truths = {name: read(everything)[0] for name, read in figures.items()}
        for _ in range(runs):
            drawn = point.reported(random.integers(0, len(point.trials), blocks))
            for name, read in figures.items():
                found[name].count(read(drawn)[1], truths[name])
    return found
