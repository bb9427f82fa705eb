"""The processor: its name, the cores that processes may use, and the time that a quota or others take of them.

Both versions of Linux's control groups are read (Documentation/admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst). The
contents of the system's files are parsed by pure functions.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Self

import psutil


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


_GROUPS_FILE, _MOUNTS_FILE = Path("/proc/self/cgroup"), Path("/proc/self/mountinfo")
_CONTROLLER = "cpu"
_NS_PER_US = 1000


def quota_cores() -> float | None:
    """Return the number of cores that the quotas of this process's control groups allow; None without a quota."""
    return min((cores for _, cores in _limited_groups()), default=None)


def throttling_reader() -> Callable[[], int]:
    """Return a function that reads how long the groups with a quota have been throttled, in ns; 0 without a quota.

    The kernel adds up the time of all cores, so that it may exceed the time that has passed.
    """
    folders = [folder for folder, _ in _limited_groups()]
    return lambda: sum(parse_throttled_ns(_text(folder / "cpu.stat")) for folder in folders)


def group_folders(groups: str, mounts: str) -> list[Path]:
    """Return the folders of the control groups that may limit a process's CPU time: its own and all visible parents.

    `groups` and `mounts` are the texts of /proc/PID/cgroup and /proc/PID/mountinfo.
    """
    paths: dict[str, str] = {}
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or _CONTROLLER in controllers.split(","):
            paths["cgroup" if controllers else "cgroup2"] = path
    folders: list[Path] = []
    for line in mounts.splitlines():
        fields, _, filesystem = line.partition(" - ")
        root, mount_point = (_unescaped(field) for field in fields.split()[3:5])
        kind, _, options = filesystem.split(" ", 2)
        if kind not in paths or (kind == "cgroup" and _CONTROLLER not in options.split(",")):
            continue
        # In a container the mount may show only its own group, whose path on the host is not visible from inside.
        own = PurePosixPath(paths[kind])
        below = own.relative_to(root) if own.is_relative_to(root) and ".." not in own.parts else PurePosixPath()
        lowest = Path(mount_point) / below
        folders += [lowest, *list(lowest.parents)[: len(below.parts)]]
    return list(dict.fromkeys(folders))


def parse_quota(cpu_max: str) -> float | None:
    """Return the number of cores in version 2's `cpu.max` ("QUOTA PERIOD"); None without a limit ("max PERIOD")."""
    quota, _, period = cpu_max.strip().partition(" ")
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else None


def parse_throttled_ns(cpu_stat: str) -> int:
    """Return how long a group was throttled, from its `cpu.stat`: there in µs with version 2, in ns with version 1."""
    values = dict(line.split(" ", 1) for line in cpu_stat.splitlines() if " " in line)
    if "throttled_usec" in values:
        return int(values["throttled_usec"]) * _NS_PER_US
    return int(values.get("throttled_time", 0))


def _limited_groups() -> list[tuple[Path, float]]:
    found = ((folder, _quota_of(folder)) for folder in group_folders(_text(_GROUPS_FILE), _text(_MOUNTS_FILE)))
    return [(folder, cores) for folder, cores in found if cores is not None]


def _quota_of(folder: Path) -> float | None:
    # Version 1 has the same two numbers in two files, and -1 if unlimited.
    of_version_1 = f"{_text(folder / 'cpu.cfs_quota_us').strip()} {_text(folder / 'cpu.cfs_period_us').strip()}"
    return parse_quota(_text(folder / "cpu.max") or of_version_1)


def _text(path: Path, encoding: str = "ascii", errors: str = "surrogateescape") -> str:
    """Return the text of a file; empty if there is none, as on other systems and in the topmost group."""
    try:
        return path.read_text(encoding=encoding, errors=errors)
    except OSError:
        return ""


def _unescaped(field: str) -> str:
    """Return a path from mountinfo with its octal escapes of white space and backslashes decoded."""
    return field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")


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


_CPU_FILE, _DEVICE_FILE = Path("/proc/cpuinfo"), Path("/proc/device-tree/model")
_PARTS = ("CPU implementer", "CPU part", "CPU variant")
"""ARM's numbers for the maker of a core, its design and its major revision (Main ID Register)."""


def processor_name() -> str:
    """Return the name of this machine's processor, as exactly as the system knows it."""
    named = parse_processor_name(_text(_CPU_FILE, "utf-8", "replace"), _text(_DEVICE_FILE, "utf-8", "replace"))
    return named or platform.processor() or platform.machine()


def parse_processor_name(cpuinfo: str, device_model: str) -> str | None:
    """Return the processor's name from the texts of /proc/cpuinfo and /proc/device-tree/model, either possibly empty.

    The name includes all kinds of cores. None if the texts contain no name.
    """
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    fields = [(name.strip(), value.strip()) for name, _, value in lines]
    for name, value in fields:
        if name == "model name" and value:
            return value
    device = device_model.strip("\0 \n") or next((value for name, value in fields if name in ("Model", "Hardware")), "")
    kinds: list[str] = []
    parts: dict[str, str] = {}
    for name, value in [*fields, ("processor", "")]:
        if name == "processor" and parts:
            kinds.append(", ".join(f"{part.removeprefix('CPU ')} {parts[part]}" for part in _PARTS if part in parts))
            parts = {}
        elif name in _PARTS:
            parts[name] = value
    cores = " and ".join(dict.fromkeys(kinds))
    if cores and device:
        return f"{device} ({cores})"
    return device or cores or None
