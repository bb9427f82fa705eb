"""Time in which a process was runnable without a core: stolen by a virtual machine's host, or spent in a run queue."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil


def stolen_time_reader(process: psutil.Process) -> Callable[[], int]:
    """Return a function that reads `stolen_ns` of the cores that this process may use now."""
    own = getattr(process, "cpu_affinity", None)
    cores = own() if own is not None else range(os.cpu_count() or 1)
    return lambda: stolen_ns(cores)


def stolen_ns(cores: Sequence[int]) -> int:
    """Return the mean steal time of these cores since boot (proc(5)), in ns; 0 where the system does not report it."""
    times = psutil.cpu_times(percpu=True)
    stolen_s = [getattr(times[core], "steal", 0.0) for core in cores if core < len(times)]
    return round(1e9 * sum(stolen_s) / len(stolen_s)) if stolen_s else 0


def waited_ns(pid: int) -> int:
    """Return how long the main thread of a process has waited in run queues, in ns; 0 if the system does not report it.

    It is the second field of /proc/PID/schedstat (Linux, Documentation/scheduler/sched-stats.rst): runnable, but not
    running. Raises OSError if the process is gone.
    """
    path = Path(f"/proc/{pid}/schedstat")
    if not _HAVE_SCHEDSTAT:
        return 0
    return int(path.read_text(encoding="ascii").split()[1])


_HAVE_SCHEDSTAT = Path("/proc/self/schedstat").is_file()
