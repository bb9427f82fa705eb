"""`python -m benchmarks.repeated_runs RUN RUN RUN …`: how often a run's intervals contain the result of the others.

The runs are of one scenario, each with its own seed. For each figure in a report, at each point, the interval of every
run is compared with the mean of that figure in all other runs. That mean has an error of its own: with ten runs of five
blocks, intervals that contain the true value in 95 % of the cases contain the mean in 94 %. The figures are computed
from raw records, with the current version of the analysis.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.compare.comparison import ReportedRun
from analysis.statistics.inference import t_quantile
from analysis.summarize import summarize_run
from analysis.summary.pairing import COSTS
from analysis.summary.results import PLAIN, latency_statistic, reported
from contract.errors import UserError
from contract.records import load_run_info
from contract.same_point import identity
from contract.summary import AgainstReference, CostDifference, Interval, LatencyDifference, Point, Summary
from terminal.plain import print_error

LEAST_RUNS = 3
Read = Callable[[Point], tuple[float | None, Interval | None]]
"""A figure of a point of a summary, and its interval."""


def _cost(name: str) -> Read:
    cost = COSTS[name]
    return lambda point: (cost.value(point), cost.ci95(point))


def _difference(read: Callable[[AgainstReference], LatencyDifference | CostDifference | None]) -> Read:
    def of(point: Point) -> tuple[float | None, Interval | None]:
        found = None if point.against_reference is None else read(point.against_reference)
        return (None, None) if found is None else (found.value, found.ci95)

    return of


FIGURES: Mapping[str, Read] = {
    "mean": lambda point: latency_statistic(point, "mean"),
    "plain mean": PLAIN["mean_ms"],
    "p50": lambda point: latency_statistic(point, "p50"),
    "p95": lambda point: latency_statistic(point, "p95"),
    "requests per event": lambda point: reported(point, "requests_per_event"),
    "plain requests per event": PLAIN["requests_per_event"],
    "bytes per event": _cost("bytes_per_event"),
    "mean age of a view": _cost("mean_age_ms"),
    "empty polls": _cost("empty_ratio"),
    "server CPU per event": _cost("server_cpu_us_per_event"),
    "load CPU per event": _cost("load_cpu_us_per_event"),
    "difference of the mean": _difference(lambda against: against.mean_difference_ms),
    "difference of the p50": _difference(lambda against: against.p50_difference_ms),
    "difference of the p95": _difference(lambda against: against.p95_difference_ms),
    "difference of server CPU": _difference(lambda against: against.costs["server_cpu_us_per_event"]),
    "difference of bytes": _difference(lambda against: against.costs["bytes_per_event"]),
}
"""The figures that a report prints with an interval."""


@dataclass(frozen=True)
class Held:
    """How often the intervals of one figure contain the result of the other runs, over all points and runs."""

    intervals: int
    held: int
    withheld: int
    """Figures that were printed without an interval."""
    spread_ratio: float | None
    """The median over points of the standard deviation between runs, divided by what the intervals make it."""


def count_held(summaries: Sequence[Summary], read: Read) -> Held:
    """Compare each run's interval of a figure with the mean of the other runs, at every point that all have."""
    held, intervals, withheld = 0, 0, 0
    ratios = []
    for points in _same_points(summaries):
        found = [read(point) for point in points]
        values = [value for value, _ in found if value is not None]
        if len(values) < len(found):
            continue
        for number, (_, bounds) in enumerate(found):
            if bounds is None:
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
    return Held(intervals, held, withheld, float(np.median(ratios)) if ratios else None)


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


def read_runs(folders: Sequence[Path]) -> list[ReportedRun]:
    """Summarise runs of one scenario; UserError where they are of several, too few, or share a seed."""
    if len(folders) < LEAST_RUNS:
        raise UserError(f"{len(folders)} run folders given (expected at least {LEAST_RUNS})")
    runs = [load_run_info(folder) for folder in folders]
    if len(scenarios := sorted({run.scenario["name"] for run in runs})) > 1:
        raise UserError(f"runs of different scenarios: {', '.join(scenarios)} (expected runs of one scenario)")
    if len({run.seed for run in runs}) < len(runs):
        raise UserError("two of these runs have the same seed (expected a seed of its own in each run)")
    return [ReportedRun(folder, run, summarize_run(folder)) for folder, run in zip(folders, runs, strict=True)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repeated_runs", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's folder below results/")
    try:
        summaries = [run.summary for run in read_runs(parser.parse_args(arguments).runs)]
    except UserError as error:
        print_error(error)
        return 2
    print("| figure | intervals | hold the mean of the others | printed without | spread between runs |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, read in FIGURES.items():
        found = count_held(summaries, read)
        share = f"{100 * found.held / found.intervals:.1f} %" if found.intervals else "—"
        ratio = "—" if found.spread_ratio is None else f"×{found.spread_ratio:.2f}"
        print(f"| {name} | {found.intervals} | {share} | {found.withheld} | {ratio} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
