"""CPU quotas of containers: the quota of this process's control groups, and how long it has throttled them.

Both versions of Linux's control groups are read (Documentation/admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst). The
contents of their files are parsed by pure functions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

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


def _text(path: Path) -> str:
    """Return the text of a file; empty if there is none, as on other systems and in the topmost group."""
    try:
        return path.read_text(encoding="ascii", errors="surrogateescape")
    except OSError:
        return ""


def _unescaped(field: str) -> str:
    """Return a path from mountinfo with its octal escapes of white space and backslashes decoded."""
    return field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
