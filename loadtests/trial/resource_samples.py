"""CPU time and memory of a trial's processes, sampled while it runs."""

from __future__ import annotations

import contextlib
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import psutil

from contract.records import SampleRole, Samples
from system.processor import CoreTimes, core_times_reader, throttling_reader, waited_ns

_EDGE_LOOK_PERIOD_S = 0.03
"""Shorter than the time from posting a stream to its start, so that no end of its window can be missed."""


class ResourceSampler:
    """Records a row of CPU time (cumulative) and memory per process at each reading."""

    def __init__(self) -> None:
        self._rows = array("q")
        # The processes of a trial are in the control groups of this one, which starts them.
        self._throttled_ns = throttling_reader()
        self._watched: list[tuple[SampleRole, _Family, Callable[[], CoreTimes]]] = []

    def watch(self, role: SampleRole, pid: int, *, with_children: bool = False) -> None:
        """Include this process in `read` from now on, with all its children if `with_children`."""
        process = psutil.Process(pid)
        self._watched.append((role, _Family(process, with_children), core_times_reader(process)))

    def read(self) -> None:
        """Record a row for each watched process that is still alive, children included."""
        throttled_ns = self._throttled_ns()
        for role, family, core_times in self._watched:
            try:
                cpu_ns, rss_bytes, waiting_ns = family.usage()
            except (psutil.NoSuchProcess, OSError):
                continue
            core_ns = *core_times(), waiting_ns, throttled_ns
            self._rows.extend((time.monotonic_ns(), role, cpu_ns, rss_bytes, *core_ns))

    def cpu_time_ns(self, role: SampleRole) -> int:
        """Return the CPU time that the watched processes of this role have used so far, children included."""
        return sum(family.usage().cpu_ns for watched, family, _ in self._watched if watched == role)

    def table(self) -> Samples:
        """Return all rows so far, sorted by time, as several threads may have read."""
        rows = Samples.from_rows(self._rows, worker=0)
        order = np.argsort(rows.at_ns, kind="stable")
        return Samples(**{name: getattr(rows, name)[order] for name in Samples.column_names()})


class WindowEdges:
    """Tells once for each end of the measured window that it has passed, to take a sample exactly there."""

    def __init__(
        self, read_ends_ns: Callable[[], Sequence[int]], now_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Watch for the ends that `read_ends_ns` returns, which is empty until they are known."""
        self._read_ends_ns = read_ends_ns
        self._now_ns = now_ns
        self._ahead_ns: list[int] | None = None

    def wait_s(self, longest_s: float) -> float:
        """Return how long to wait before the next call of `passed`, at most `longest_s`."""
        if self._ahead_ns is None:
            return min(longest_s, _EDGE_LOOK_PERIOD_S)
        ahead_s = [(end_ns - self._now_ns()) / 1e9 for end_ns in self._ahead_ns[:1]]
        return max(0.0, min([longest_s, *ahead_s]))

    def passed(self) -> bool:
        """Return whether an end has been passed since the last call that returned True."""
        if self._ahead_ns is None:
            self._ahead_ns = list(self._read_ends_ns()) or None
        if not self._ahead_ns or self._now_ns() < self._ahead_ns[0]:
            return False
        self._ahead_ns = [end_ns for end_ns in self._ahead_ns if end_ns > self._now_ns()]
        return True


class _Usage(NamedTuple):
    cpu_ns: int
    rss_bytes: int
    waiting_ns: int


class _Family:
    """A process and, with `with_children`, its children, which may start and end at any time."""

    def __init__(self, process: psutil.Process, with_children: bool) -> None:
        self._process = process
        self._with_children = with_children
        self._times_ns: dict[psutil.Process, tuple[int, int]] = {}
        """CPU and waiting time of each by its last reading; that of children which have ended still counts."""

    def usage(self) -> _Usage:
        """Read all its processes; raise OSError or NoSuchProcess if the first one has ended."""
        rss_bytes = self._read(self._process)
        for child in self._process.children(recursive=True) if self._with_children else ():
            with contextlib.suppress(psutil.NoSuchProcess, OSError):
                rss_bytes += self._read(child)
        times_ns = list(self._times_ns.values())  # in one step, as another thread may read at the same time
        return _Usage(sum(cpu_ns for cpu_ns, _ in times_ns), rss_bytes, sum(waiting_ns for _, waiting_ns in times_ns))

    def _read(self, process: psutil.Process) -> int:
        """Read the times of one process, and return its resident memory."""
        rss_bytes: int = process.memory_info().rss
        self._times_ns[process] = _cpu_time_ns(process), waited_ns(process.pid)
        return rss_bytes


def _cpu_time_ns(process: psutil.Process) -> int:
    """Return the CPU time that a process has used so far."""
    if sys.platform.startswith("linux"):
        # The process' CPU-time clock, as clock_getcpuclockid(3) builds it: nanoseconds where /proc has only ticks.
        return time.clock_gettime_ns((~process.pid << 3) | 2)
    times = process.cpu_times()
    return round((times.user + times.system) * 1e9)
