"""Time that the host of a virtual machine takes from its cores: what runs on them stands still, and is not told."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import psutil


def stolen_from(process: psutil.Process) -> Callable[[], int]:
    """What reads `stolen_ns` of the cores that this process may use just now."""
    own = getattr(process, "cpu_affinity", None)
    cores = own() if own is not None else range(os.cpu_count() or 1)
    return lambda: stolen_ns(cores)


def stolen_ns(cores: Sequence[int]) -> int:
    """Since the machine's start, in ns, the mean of these cores: steal of proc(5); 0 where the platform has none."""
    times = psutil.cpu_times(percpu=True)
    stolen_s = [getattr(times[core], "steal", 0.0) for core in cores if core < len(times)]
    return round(1e9 * sum(stolen_s) / len(stolen_s)) if stolen_s else 0
