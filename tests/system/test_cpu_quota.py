"""What containers may use of the CPU is read from their control groups, of both versions, wherever they are mounted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from system import cpu_quota
from system.cpu_quota import group_folders, parse_quota, parse_throttled_ns, quota_cores, throttling_reader
from system.processes import PROJECT_FOLDER

V2_MOUNT = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNTS = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
33 31 0:30 {root} /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct
32 31 0:29 {root} /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""


@pytest.mark.parametrize(
    ("text", "cores"),
    [("max 100000\n", None), ("150000 100000\n", 1.5), ("20000 100000", 0.2), ("-1 100000", None), ("", None)],
)
def test_a_quota_is_so_many_cores(text: str, cores: float | None) -> None:
    assert parse_quota(text) == cores


def test_waiting_is_in_nanoseconds_whichever_version_tells_it() -> None:
    assert parse_throttled_ns("usage_usec 5\nnr_periods 7\nnr_throttled 3\nthrottled_usec 250000\n") == 250_000_000
    assert parse_throttled_ns("nr_periods 7\nnr_throttled 3\nthrottled_time 250000000\n") == 250_000_000
    assert parse_throttled_ns("usage_usec 5\nuser_usec 4\n") == 0


@pytest.mark.parametrize(
    ("groups", "mounts", "expected"),
    [
        (
            "0::/system.slice/docker-1.scope\n",
            V2_MOUNT,
            ["/sys/fs/cgroup/system.slice/docker-1.scope", "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup"],
        ),
        ("0::/\n", V2_MOUNT, ["/sys/fs/cgroup"]),
        ("0::/../../elsewhere\n", V2_MOUNT, ["/sys/fs/cgroup"]),
        ("0::/docker/1\n", V2_MOUNT.replace(" / ", " /docker/1 ", 1), ["/sys/fs/cgroup"]),
        ("0::/a\n", V2_MOUNT.replace("/sys/fs/cgroup ", "/mnt/c\\040g ", 1), ["/mnt/c g/a", "/mnt/c g"]),
        (
            "9:name=systemd:/\n1:cpu:/a/b\n0::/\n",
            V1_MOUNTS.format(root="/"),
            ["/sys/fs/cgroup/cpu/a/b", "/sys/fs/cgroup/cpu/a", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified"],
        ),
        ("4:cpu,cpuacct:/docker/1\n", V1_MOUNTS.format(root="/docker/1"), ["/sys/fs/cgroup/cpu"]),
        ("4:cpuacct,cpuset:/docker/1\n", V1_MOUNTS.format(root="/"), []),
        ("", "", []),
    ],
)
def test_groups_are_found_up_to_the_topmost(groups: str, mounts: str, expected: list[str]) -> None:
    assert [str(folder) for folder in group_folders(groups, mounts)] == expected


@pytest.fixture
def nested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process' own group `inner`, below `outer`, below the topmost."""
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    for name, text in (
        ("cgroup", "0::/outer/inner\n"),
        ("mountinfo", V2_MOUNT.replace("/sys/fs/cgroup", str(tmp_path))),
    ):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(cpu_quota, "_GROUPS_FILE", tmp_path / "cgroup")
    monkeypatch.setattr(cpu_quota, "_MOUNTS_FILE", tmp_path / "mountinfo")
    return tmp_path / "outer"


def test_the_narrowest_quota_up_the_hierarchy_counts_and_all_waiting(nested: Path) -> None:
    assert quota_cores() is None
    assert throttling_reader()() == 0
    (nested / "cpu.max").write_text("300000 100000\n")
    (nested / "cpu.stat").write_text("throttled_usec 7\n")
    (nested / "inner" / "cpu.max").write_text("max 100000\n")
    (nested / "inner" / "cpu.stat").write_text("throttled_usec 1000000\n")
    assert quota_cores() == 3
    assert throttling_reader()() == 7_000, "a group without a quota is not limited, whatever it says"
    (nested / "inner" / "cpu.max").write_text("50000 100000\n")
    assert quota_cores() == 0.5
    read = throttling_reader()
    assert read() == 1_000_007_000
    (nested / "cpu.stat").write_text("throttled_usec 9\n")
    assert read() == 1_000_009_000


def test_this_machine_can_be_asked() -> None:
    cores = quota_cores()
    assert cores is None or cores > 0
    assert throttling_reader()() >= 0


BUSY = """
import os, sys, time
from system.cpu_quota import quota_cores, throttling_reader
os.write(int(os.open(sys.argv[1] + "/cgroup.procs", os.O_WRONLY)), b"0")
read = throttling_reader()
before_ns, end_s = read(), time.monotonic() + 30
while read() == before_ns and time.monotonic() < end_s:
    pass
print(quota_cores(), read() - before_ns)
"""


@pytest.fixture
def limited_group() -> Iterator[Path]:
    """A control group of the test's own that may use a tenth of a core."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("needs root on Linux, to make a control group")
    tops = [folder for folder in map(Path, ("/sys/fs/cgroup", "/sys/fs/cgroup/cpu")) if folder.is_dir()]
    for top in tops:
        group = top / f"push-vs-poll-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            if (group / "cpu.max").exists():
                (group / "cpu.max").write_text("10000 100000")
            elif (group / "cpu.cfs_quota_us").exists():
                (group / "cpu.cfs_quota_us").write_text("10000")
            else:
                continue
            yield group
            return
        finally:
            group.rmdir()
    pytest.skip(f"no control group with a CPU quota can be made in {' or '.join(map(str, tops)) or 'this system'}")


def test_a_group_that_uses_up_its_quota_is_seen_to_wait(limited_group: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUSY, str(limited_group)],
        cwd=PROJECT_FOLDER, capture_output=True, text=True, check=True,
    )  # fmt: skip
    cores, throttled_ns = done.stdout.split()
    assert float(cores) == pytest.approx(0.1)
    assert int(throttled_ns) > 0
