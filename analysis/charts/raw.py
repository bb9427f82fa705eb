"""What charts read from raw records: each delivery's latency and model, and the trials at the base point."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.charts.points import LENGTHS
from analysis.own_schedule import predict, schedule_of
from loadtests.records import Deliveries, Ints, RunInfo, TransportStyle, Trial, finished_trial_folders

Floats = npt.NDArray[np.float64]
NS_PER_MS = 1e6


@dataclass(frozen=True)
class BaseTrials:
    """The finished trials of one transport at the base point, in the order they ran; at least one."""

    transport: TransportStyle
    trials: list[Trial]

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
    groups = [BaseTrials(style, [t for name, t in loaded if name == style.name]) for style in run.transports]
    return [group for group in groups if group.trials]


def in_window(trial: Trial) -> Deliveries:
    """Deliveries of events due in the measured window."""
    due_ns = trial.deliveries.due_ns
    return trial.deliveries.where((due_ns >= trial.info.window_start_ns) & (due_ns < trial.info.window_end_ns))


def arrival_ns(trial: Trial, deliveries: Deliveries) -> Ints:
    """Arrival on the monotonic clock: the kernel's stamp where there is one, else the client's own."""
    if not len(trial.clock):
        return deliveries.user_ns
    kernel_ns = trial.clock.to_monotonic(deliveries.kernel_realtime_ns)
    return np.where(kernel_ns == 0, deliveries.user_ns, kernel_ns)


def latency_ms(trial: Trial, deliveries: Deliveries) -> Floats:
    """Received − due of each delivery."""
    return (arrival_ns(trial, deliveries) - deliveries.due_ns) / NS_PER_MS


def thinned(count: int, limit: int) -> Ints:
    """Indices of at most `limit` of `count` rows: every k-th, the same each time."""
    step = max(-(-count // limit), 1)
    return np.arange(0, count, step, dtype=np.int64)


def model_ms(trial: Trial, transport: TransportStyle) -> Floats:
    """The model's latency on the trial's own schedule, of every event due in the measured window at every client."""
    schedule = schedule_of(trial, transport)
    due_ns = np.broadcast_to(schedule.due_ns, (len(schedule.phase_ns), len(schedule.due_ns)))
    if transport.model.startswith("round_trip"):
        due_ns = due_ns + schedule.phase_ns[:, None]
    measured = (due_ns >= trial.info.window_start_ns) & (due_ns < trial.info.window_end_ns)
    return predict(transport.model, schedule).latency_ns[measured] / NS_PER_MS
