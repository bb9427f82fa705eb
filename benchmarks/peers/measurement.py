"""What one trial of one tool gave, whoever the tool is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.peers.probe import Arrivals
from benchmarks.peers.workloads import WorkName
from contract.records import ClockPairs, is_time


@dataclass(frozen=True, slots=True)
class Measurement:
    """One trial, its figures over the measured window unless they say otherwise."""

    tool: str
    work: WorkName
    block: int
    window_s: float
    cpu_ns: int
    """Of all processes of the tool, user and system."""
    units: int
    """Deliveries or polls."""
    counted: int | None
    """Units of the whole run by the tool's own count; None where it keeps none."""
    expected: int | None
    """Units of the whole run that it should have counted; None where nobody else knows."""
    reported_p50_ms: float | None
    """By the tool, over its whole run; None where it reports none."""
    reported_mean_ms: float | None
    kernel_ms: tuple[float, ...]
    """What the probes' kernel stamps say: of each event or poll of theirs in the window."""
    staleness_p50_ms: float | None
    """How old events were on arrival, where the tool can tell; of polls only the harness can."""

    @property
    def cpu_us_per_unit(self) -> float:
        """What one delivery or poll cost the tool."""
        return self.cpu_ns / 1000 / self.units


def kernel_latencies_ms(folder: Path, start_ns: int, end_ns: int) -> tuple[float, ...]:
    """Kernel arrival minus due (of polls: minus sending) of everything that probes were due in [start_ns, end_ns).

    Empty where the kernel gave no stamps.
    """
    rows = Arrivals.load(folder)
    rows = rows.where((rows.from_ns >= start_ns) & (rows.from_ns < end_ns) & is_time(rows.kernel_realtime_ns))
    arrived_ns = ClockPairs.load(folder).to_monotonic(rows.kernel_realtime_ns)
    latencies: npt.NDArray[np.float64] = (arrived_ns - rows.from_ns) / 1e6
    return tuple(latencies.tolist())


def probe_requests(folder: Path, start_ns: int, end_ns: int) -> int:
    """How many polls of the probes were answered in [start_ns, end_ns)."""
    rows = Arrivals.load(folder)
    return int(((rows.user_ns >= start_ns) & (rows.user_ns < end_ns)).sum())
