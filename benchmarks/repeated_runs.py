"""`python -m benchmarks.repeated_runs RUN RUN RUN …`: how often a run's intervals contain the result of the others.

The runs are of one scenario, each with its own seed. For each figure in a report, at each point, the interval of every
run is compared with the mean of that figure in all other runs. That mean has an error of its own: with ten runs of five
blocks, intervals that contain the true value in 95 % of the cases contain the mean in 94 %. The second table is for
runs drawn from the trials of all runs (`benchmarks.drawn_trials`), and so without what the trials of one run have in
common. The figures are computed from raw records, with the current version of the analysis.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis.compare.comparison import ReportedRun
from analysis.statistics.inference import t_quantile
from analysis.summarize import summarize_run
from analysis.trial.measures import TrialMeasures
from benchmarks.drawn_trials import MeasuredPoint, drawn_coverage
from benchmarks.figures_with_intervals import FIGURES, Read, is_printed
from contract.errors import UserError
from contract.points import Identity, identity
from contract.records import Trial, load_run_info
from contract.summary import Point, Summary
from contract.transports import TransportStyle
from terminal.plain import print_error

LEAST_RUNS = 3
BLOCKS = (3, 5, 10)
DRAWN_RUNS = 400
_SEED = 14


@dataclass(frozen=True)
class HeldIntervals:
    """How often the intervals of one figure contain the result of the other runs, over all points and runs."""

    intervals: int
    held: int
    withheld: int
    """Figures that were printed without an interval."""
    spread_ratio: float | None
    """The median over points of the standard deviation between runs, divided by that implied by the intervals."""


def count_held(summaries: Sequence[Summary], read: Read) -> HeldIntervals:
    """Compare each run's interval of a figure with the mean of the other runs, at every point that all have."""
    held, intervals, withheld = 0, 0, 0
    ratios = []
    for points in _same_points(summaries):
        found = [read(point) for point in points]
        values = [value for value, _ in found if value is not None]
        if len(values) < len(found):
            continue
        for number, (_, bounds) in enumerate(found):
            if not is_printed(bounds):
                withheld += 1
                continue
            others = float(np.mean([value for i, value in enumerate(values) if i != number]))
            intervals += 1
            rounding = 1e-5 * abs(others)
            held += bounds[0] - rounding <= others <= bounds[1] + rounding
        widths = [bounds[1] - bounds[0] for _, bounds in found if bounds is not None and bounds[1] > bounds[0]]
        if widths:
            blocks = points[0].trials
            ratios.append(_deviation_ratio(values, widths, blocks))
    return HeldIntervals(intervals, held, withheld, float(np.median(ratios)) if ratios else None)


def _deviation_ratio(values: Sequence[float], widths: Sequence[float], blocks: int) -> float:
    half = float(np.mean(widths)) / 2
    return float(np.std(values, ddof=1)) * t_quantile(blocks - 1) / half


def _same_points(summaries: Sequence[Summary]) -> Iterator[list[Point]]:
    """Yield the points that agree in transport and parameters, one of each run."""
    by_run = [{identity(point.transport, point.parameters): point for point in each.points} for each in summaries]
    for same in by_run[0]:
        points = [points[same] for points in by_run if same in points]
        if len(points) == len(by_run):
            yield points


@dataclass
class MeasuredRuns:
    """Several runs of one scenario, and the trials of each point in all of them."""

    runs: list[ReportedRun] = field(default_factory=list)
    trials: dict[Identity, list[TrialMeasures]] = field(default_factory=dict)
    styles: dict[Identity, TransportStyle] = field(default_factory=dict)

    @property
    def points(self) -> list[MeasuredPoint]:
        """The points with their trials."""
        return [MeasuredPoint(self.styles[same], trials) for same, trials in self.trials.items()]

    def add(self, folder: Path) -> None:
        """Summarise one more run."""
        self.runs.append(ReportedRun(folder, load_run_info(folder), summarize_run(folder, self._add_trial)))

    def _add_trial(self, _: Trial, style: TransportStyle, measures: TrialMeasures) -> None:
        same = identity(style.name, measures.info.parameters)
        self.styles[same] = style
        self.trials.setdefault(same, []).append(measures)


def read_runs(folders: Sequence[Path]) -> MeasuredRuns:
    """Summarise runs; raise UserError if they are too few, of several scenarios, or share a seed."""
    if len(folders) < LEAST_RUNS:
        raise UserError(f"{len(folders)} run folders given (expected at least {LEAST_RUNS})")
    runs = [load_run_info(folder) for folder in folders]
    if len(scenarios := sorted({run.scenario["name"] for run in runs})) > 1:
        raise UserError(f"runs of different scenarios: {', '.join(scenarios)} (expected runs of one scenario)")
    if len({run.seed for run in runs}) < len(runs):
        raise UserError("two of these runs have the same seed (expected a different seed for each run)")
    measured = MeasuredRuns()
    for folder in folders:
        measured.add(folder)
    return measured


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repeated_runs", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's folder below results/")
    parser.add_argument("--drawn", type=int, default=DRAWN_RUNS, help="runs drawn per point (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        measured = read_runs(options.runs)
    except UserError as error:
        print_error(error)
        return 2
    _print_held([run.summary for run in measured.runs])
    print()
    _print_drawn(measured.points, options.drawn)
    return 0


def _print_held(summaries: Sequence[Summary]) -> None:
    print("| figure | intervals | hold the mean of the others | printed without | spread between runs |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, read in FIGURES.items():
        found = count_held(summaries, read)
        share = _percent(found.held / found.intervals if found.intervals else None)
        ratio = "—" if found.spread_ratio is None else f"×{found.spread_ratio:.2f}"
        print(f"| {name} | {found.intervals} | {share} | {found.withheld} | {ratio} |")


def _print_drawn(points: Sequence[MeasuredPoint], runs: int) -> None:
    found = [drawn_coverage(points, FIGURES, blocks, runs, _SEED) for blocks in BLOCKS]
    print("| figure |" + "".join(f" {blocks} blocks |" for blocks in BLOCKS))
    print("| --- |" + " ---: |" * len(BLOCKS))
    for name in FIGURES:
        if any(each[name].intervals for each in found):
            print(f"| {name} |" + "".join(f" {_percent(each[name].ratio)} |" for each in found))


def _percent(ratio: float | None) -> str:
    return "—" if ratio is None else f"{100 * ratio:.1f} %"


if __name__ == "__main__":
    sys.exit(main())
