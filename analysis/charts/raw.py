"""What charts read from raw records: the trials at the base point with their latencies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.freshness import ViewAges
from analysis.latency import MeasuredLatencies, measure_ages, measure_latencies
from analysis.summarize import LENGTHS
from loadtests.records import Ints, RunInfo, TransportStyle, Trial, finished_trial_folders


@dataclass(frozen=True)
class BaseTrials:
    """The finished trials of one transport at the base point, in the order they ran; at least one."""

    transport: TransportStyle
    trials: list[Trial]
    measured: list[MeasuredLatencies]
    """One per trial."""
    ages: list[ViewAges]
    """One per trial; none where clients send."""

    @classmethod
    def of(cls, style: TransportStyle, trials: list[Trial]) -> BaseTrials:
        """From raw records."""
        ages = [found for trial in trials if (found := measure_ages(trial, style)) is not None]
        return cls(style, trials, [measure_latencies(trial, style) for trial in trials], ages)

    @property
    def first(self) -> Trial:
        """The one that timeline and lanes show: chosen before looking at it."""
        return self.trials[0]


def load_base_trials(run_folder: Path, run: RunInfo) -> list[BaseTrials]:
    """Finished trials at the base parameters, by transport in the order of the run; without any: left out."""
    shared = run.scenario["parameters"]
    base = {
        planned.folder_name: planned.transport
        for planned in run.plan
        if all(shared.get(name, value) == value for name, value in planned.parameters.items() if name not in LENGTHS)
    }
    loaded = [(base[f.name], Trial.load(f)) for f in finished_trial_folders(run_folder) if f.name in base]
    groups = []
    for style in run.transports:
        trials = [trial for name, trial in loaded if name == style.name]
        if trials:
            groups.append(BaseTrials.of(style, trials))
    return groups


def thinned(count: int, limit: int) -> Ints:
    """Indices of at most `limit` of `count` rows: every k-th, the same each time."""
    step = max(-(-count // limit), 1)
    return np.arange(0, count, step, dtype=np.int64)
