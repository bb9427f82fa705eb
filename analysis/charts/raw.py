"""What charts read from raw records: the trials at the base point, and every delivery's distance from the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.freshness import ViewAges
from analysis.latency import Floats, MeasuredLatencies, measure_ages, measure_latencies
from analysis.summarize import LENGTHS
from loadtests.records import Ints, RunInfo, TransportStyle, Trial, finished_trial_folders

DELIVERIES_PER_TRIAL = 2000
"""As many as a chart of all trials can be made of."""


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


@dataclass(frozen=True)
class Residuals:
    """Deliveries of one transport over all points and trials of a run."""

    transport: TransportStyle
    predicted_ms: Floats
    """Latency by the model on the trial's own schedule, shape (deliveries,)."""
    residual_ms: Floats
    """Measured latency − the model's, shape (deliveries,)."""

    @classmethod
    def of(cls, style: TransportStyle, measured: Sequence[MeasuredLatencies], per_trial: int) -> Residuals:
        """Up to `per_trial` deliveries of each of at least one trial."""
        chosen = [thinned(len(trial.latency_ms), per_trial) for trial in measured]
        predicted_ms = np.concatenate([trial.model_ms[rows] for trial, rows in zip(measured, chosen, strict=True)])
        latency_ms = np.concatenate([trial.latency_ms[rows] for trial, rows in zip(measured, chosen, strict=True)])
        # What came although the model takes it for lost has no residual.
        known = np.isfinite(predicted_ms)
        return cls(style, predicted_ms[known], (latency_ms - predicted_ms)[known])

    def thinned(self, limit: int) -> Residuals:
        """At most `limit` of them, every k-th in the order of recording."""
        chosen = thinned(len(self.predicted_ms), limit)
        return Residuals(self.transport, self.predicted_ms[chosen], self.residual_ms[chosen])


def load_residuals(run_folder: Path, run: RunInfo, per_trial: int = DELIVERIES_PER_TRIAL) -> list[Residuals]:
    """Of every transport, up to `per_trial` deliveries of each finished trial."""
    transports = {planned.folder_name: planned.transport for planned in run.plan}
    folders = finished_trial_folders(run_folder)
    found = []
    for style in run.transports:
        own = [folder for folder in folders if transports.get(folder.name) == style.name]
        if own:
            found.append(
                Residuals.of(style, [measure_latencies(Trial.load(folder), style) for folder in own], per_trial)
            )
    return found


def thinned(count: int, limit: int) -> Ints:
    """Indices of at most `limit` of `count` rows: every k-th, the same each time."""
    step = max(-(-count // limit), 1)
    return np.arange(0, count, step, dtype=np.int64)
