"""CPU quotas of containers: how much of the cores' time this process' control groups may use, and for how long they had
to wait because they had used it up.

Both versions of Linux's control groups have them (Documentation/admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst).
Reading a group's files is all that is done here; what they say is read by pure functions of their text.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

_GROUPS_FILE, _MOUNTS_FILE = Path("/proc/self/cgroup"), Path("/proc/self/mountinfo")
_CONTROLLER = "cpu"
_NS_PER_US = 1000


def quota_cores() -> float | None:
    """How many cores' time the processes of this one's groups may use together; None where no quota limits them."""
    return min((cores for _, cores in _limited_groups()), default=None)


def throttling_reader() -> Callable[[], int]:
    """What reads for how long the groups that have a quota were made to wait so far, in ns; 0 where none has.

    The kernel adds up the waiting of each core, so that it may be more than the time that has passed.
    """
    folders = [folder for folder, _ in _limited_groups()]
    return lambda: sum(parse_throttled_ns(_text(folder / "cpu.stat")) for folder in folders)


def group_folders(groups: str, mounts: str) -> list[Path]:
    """Where the control groups are that a process is in and that may limit its CPU time, up to the topmost to be seen.

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
        # Of a container, what is mounted is its own group, and what it is called outside may not be seen from inside.
        own = PurePosixPath(paths[kind])
        below = own.relative_to(root) if own.is_relative_to(root) and ".." not in own.parts else PurePosixPath()
        lowest = Path(mount_point) / below
        folders += [lowest, *list(lowest.parents)[: len(below.parts)]]
    return list(dict.fromkeys(folders))


def parse_quota(cpu_max: str) -> float | None:
    """How many cores' time `cpu.max` of version 2 allows ("QUOTA PERIOD", or "max PERIOD"); None for any."""
    quota, _, period = cpu_max.strip().partition(" ")
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else None


def parse_throttled_ns(cpu_stat: str) -> int:
    """For how long a group was made to wait, by its `cpu.stat`: microseconds in version 2, nanoseconds in version 1."""
    values = dict(line.split(" ", 1) for line in cpu_stat.splitlines() if " " in line)
    if "throttled_usec" in values:
        return int(values["throttled_usec"]) * _NS_PER_US
    return int(values.get("throttled_time", 0))


def _limited_groups() -> list[tuple[Path, float]]:
    found = ((folder, _quota_of(folder)) for folder in group_folders(_text(_GROUPS_FILE), _text(_MOUNTS_FILE)))
    return [(folder, cores) for folder, cores in found if cores is not None]


def _quota_of(folder: Path) -> float | None:
    # Version 1 has the same two numbers in two files, and -1 for any.
    of_version_1 = f"{_text(folder / 'cpu.cfs_quota_us').strip()} {_text(folder / 'cpu.cfs_period_us').strip()}"
    return parse_quota(_text(folder / "cpu.max") or of_version_1)


def _text(path: Path) -> str:
    """Nothing where there is no such file: elsewhere than on Linux, and in the topmost group."""
    try:
        return path.read_text(encoding="ascii", errors="surrogateescape")
    except OSError:
        return ""


def _unescaped(field: str) -> str:
    """A path as it is, where mountinfo has octal codes for blanks."""
    return field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
