"""The cores that the processes of a trial are pinned to."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Self

from system.cpu_quota import quota_cores


@dataclass(frozen=True, slots=True)
class CorePlan:
    """The cores that the server, and the load with the relay, are pinned to; None if they are not pinned."""

    server: tuple[int, ...] | None
    load: tuple[int, ...] | None

    def for_server_processes(self, processes: int) -> Self:
        """Return the plan with one core per process of the server, as far as there are cores beside the load's."""
        if self.server is None or self.load is None or processes == 1:
            return self
        beside = [core for core in _usable_cores() if core not in self.load]
        return replace(self, server=tuple(beside[-processes:]))

    def as_json(self) -> dict[str, list[int]] | None:
        """Return the cores for the records; None if processes are not pinned."""
        if self.server is None or self.load is None:
            return None
        return {"server": list(self.server), "load": list(self.load)}


def _usable_cores() -> list[int]:
    """Return the cores that this process may use, at most as many as the CPU quota of its container allows."""
    cores, quota = sorted(os.sched_getaffinity(0)), quota_cores()
    return cores if quota is None else cores[-max(1, int(quota)) :]


def plan_cores(load_processes: int = 1) -> CorePlan:
    """Plan one core for the server and one for each load process, among those that this process may use.

    The relay shares the load's, so that the server has its core to itself. The harness itself is not pinned. If there
    are fewer cores than load processes, these share them.
    """
    if not hasattr(os, "sched_getaffinity"):
        return CorePlan(None, None)
    cores = _usable_cores()
    if len(cores) < 2:
        return CorePlan(None, None)
    load = cores[-min(load_processes, len(cores) - 1) :]
    return CorePlan((cores[-len(load) - 1],), tuple(load))
