"""`python -m benchmarks.queue_fit RUN …`: how many points and trials of these runs agree with the models.

The models are those on a trial's own schedule, without and with queues. A point or trial agrees if its mean latency is
within 2 % + 0.5 ms of the model's, and its requests per event within 2 %. The table has a row per scenario and
transport, computed from raw records; docs/method/accuracy.md shows some of its columns.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.summary.pooling import pool
from analysis.summary.results import present
from analysis.trial.measures import TrialMeasures, measure
from contract.records import Trial, finished_trial_folders, load_run_info
from contract.summary import Model, Point, QueueModel

SHARE, ALLOWANCE_MS = 0.02, 0.5


@dataclass
class Fits:
    """How many points or trials were compared with both models, and how many agreed with each."""

    counted: int = 0
    plain: int = 0
    queued: int = 0
    plain_left_ms: float = 0.0
    """Sum of the differences between measured and modelled mean latency."""
    queued_left_ms: float = 0.0

    def add(self, point: Point) -> None:
        """Count a point; one without a queue model does not agree with it."""
        mean_ms = present(point.latency_ms.mean)
        self.counted += 1
        self.plain += fits(point, point.model)
        self.queued += fits(point, point.queue_model)
        self.plain_left_ms += mean_ms - present(point.model.mean_ms)
        self.queued_left_ms += mean_ms - (point.queue_model.mean_ms or mean_ms)


def fits(point: Point, expected: Model | QueueModel) -> bool:
    """Return whether a point's mean and requests per event are close to those of a model."""
    if expected.mean_ms is None or expected.requests_per_event is None:
        return False
    off_ms = abs(present(point.latency_ms.mean) - expected.mean_ms)
    requests_off = abs(present(point.requests_per_event) - expected.requests_per_event)
    return off_ms <= SHARE * expected.mean_ms + ALLOWANCE_MS and requests_off <= SHARE * expected.requests_per_event


def count_fits(runs: Sequence[Path], waking_ratio: float | None) -> dict[tuple[str, str], tuple[Fits, Fits]]:
    """Return by scenario and transport's label how many points, and how many trials, agree with the models."""
    found: dict[tuple[str, str], tuple[Fits, Fits]] = {}
    for run in runs:
        info = load_run_info(run)
        styles = {style.name: style for style in info.transports}
        points: dict[int, list[TrialMeasures]] = {}
        for trial in _trials(run, waking_ratio):
            measured = measure(trial, styles[trial.info.transport])
            if measured.latency_ms is not None and measured.clocks_agree:
                points.setdefault(trial.info.point, []).append(measured)
        for trials in points.values():
            style = styles[trials[0].info.transport]
            of_points, of_trials = found.setdefault((info.scenario["name"], style.label), (Fits(), Fits()))
            of_points.add(pool(trials, style))
            for trial_measures in trials:
                of_trials.add(pool([trial_measures], style))
    return found


def _trials(run: Path, waking_ratio: float | None) -> Iterator[Trial]:
    for folder in finished_trial_folders(run):
        trial = Trial.load(folder)
        if trial.info.waking_ratio is None and waking_ratio is not None:
            trial = dataclasses.replace(trial, info=dataclasses.replace(trial.info, waking_ratio=waking_ratio))
        yield trial


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue_fit", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's folder below results/")
    parser.add_argument("--waking-ratio", type=float, help="waking ratio of long poll trials without a measured one")
    options = parser.parse_args(arguments)
    print(
        "| scenario, transport | points | plain | with queues | trials | plain | with queues "
        "| unexplained by the plain model | with queues |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for (scenario, label), (points, trials) in sorted(count_fits(options.runs, options.waking_ratio).items()):
        left_ms = [total / points.counted for total in (points.plain_left_ms, points.queued_left_ms)]
        counts = [points.counted, points.plain, points.queued, trials.counted, trials.plain, trials.queued]
        cells = [f"{scenario}, {label}", *map(str, counts), *(f"{each_ms:+.2f} ms" for each_ms in left_ms)]
        print(f"| {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
