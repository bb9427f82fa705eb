"""Time of a core that others used: stolen by a virtual machine's host, used by other programs, or waited for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil


class CoreTimes(NamedTuple):
    """Mean times of some cores since boot, ns; 0 where the system does not report them."""

    busy_ns: int
    """Spent running any program, its system calls included."""
    stolen_ns: int
    """Taken by a virtual machine's host (steal of proc(5))."""


def core_times_reader(process: psutil.Process) -> Callable[[], CoreTimes]:
    """Return a function that reads the times of the cores that this process may use now."""
    own = getattr(process, "cpu_affinity", None)
    cores = own() if own is not None else range(os.cpu_count() or 1)
    return lambda: core_times(cores)


def core_times(cores: Sequence[int]) -> CoreTimes:
    """Return the mean times of these cores."""
    times = psutil.cpu_times(percpu=True)
    known = [times[core] for core in cores if core < len(times)]
    if not known:
        return CoreTimes(0, 0)
    # Linux counts guests' time as user time as well.
    busy_s = sum(core.user + getattr(core, "nice", 0.0) + core.system for core in known)
    stolen_s = sum(getattr(core, "steal", 0.0) for core in known)
    return CoreTimes(round(1e9 * busy_s / len(known)), round(1e9 * stolen_s / len(known)))


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
