"""The results of one trial of any tool."""

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
    """The results of one trial, over the measured window unless stated otherwise."""

    tool: str
    work: WorkName
    block: int
    window_s: float
    cpu_ns: int
    """User and system time of all processes of the tool."""
    units: int
    """Deliveries or polls."""
    counted: int | None
    """Units of the whole run by the tool's own count; None if it does not count."""
    expected: int | None
    """Units of the whole run that it should have counted; None if that is not known."""
    reported_p50_ms: float | None
    """The tool's figure, over its whole run; None if it reports none."""
    reported_mean_ms: float | None
    kernel_ms: tuple[float, ...]
    """The latencies by the probes' kernel stamps: of each of their events or polls in the window."""
    staleness_p50_ms: float | None
    """How old events were on arrival, if the tool can measure that; for polls only the harness can."""

    @property
    def cpu_us_per_unit(self) -> float:
        """The tool's CPU time for one delivery or poll."""
        return self.cpu_ns / 1000 / self.units


def kernel_latencies_ms(folder: Path, start_ns: int, end_ns: int) -> tuple[float, ...]:
    """Return the probes' latencies, kernel arrival minus due (for polls: sent), of [start_ns, end_ns).

    Empty if there are no kernel stamps.
    """
    rows = Arrivals.load(folder)
    rows = rows.where((rows.from_ns >= start_ns) & (rows.from_ns < end_ns) & is_time(rows.kernel_realtime_ns))
    arrived_ns = ClockPairs.load(folder).to_monotonic(rows.kernel_realtime_ns)
    latencies: npt.NDArray[np.float64] = (arrived_ns - rows.from_ns) / 1e6
    return tuple(latencies.tolist())


def probe_requests(folder: Path, start_ns: int, end_ns: int) -> int:
    """Return how many polls of the probes were answered in [start_ns, end_ns)."""
    rows = Arrivals.load(folder)
    return int(((rows.user_ns >= start_ns) & (rows.user_ns < end_ns)).sum())
