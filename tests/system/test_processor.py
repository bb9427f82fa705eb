"""The processor's name, the cores that a trial's processes are planned for, and what quotas and hosts take of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from system import processor
from system.processes import PROJECT_FOLDER
from system.processor import (
    CorePlan,
    CoreTimes,
    core_times,
    core_times_reader,
    group_folders,
    parse_processor_name,
    parse_quota,
    parse_throttled_ns,
    plan_cores,
    processor_name,
    quota_cores,
    throttling_reader,
)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this platform cannot pin processes to cores")
@pytest.mark.parametrize(
    ("quota", "load_processes", "expected", "with_three_workers"),
    [
        (None, 2, CorePlan((5,), (6, 7)), (3, 4, 5)),
        (4.0, 1, CorePlan((6,), (7,)), (4, 5, 6)),
        (4.5, 8, CorePlan((4,), (5, 6, 7)), (4,)),
        (2.9, 4, CorePlan((6,), (7,)), (6,)),
        (1.5, 1, CorePlan(None, None), None),
        (0.2, 1, CorePlan(None, None), None),
    ],
)
def test_no_more_cores_are_planned_than_the_quota_pays_for(
    monkeypatch: pytest.MonkeyPatch,
    quota: float | None,
    load_processes: int,
    expected: CorePlan,
    with_three_workers: tuple[int, ...] | None,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
    monkeypatch.setattr(processor, "quota_cores", lambda: quota)
    assert plan_cores(load_processes) == expected
    assert expected.for_server_processes(3).server == with_three_workers


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this platform cannot pin processes to cores")
def test_a_server_of_several_processes_has_several_cores_but_never_the_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(6)))
    monkeypatch.setattr(processor, "quota_cores", lambda: None)
    plan = CorePlan(server=(4,), load=(5,))
    assert plan.for_server_processes(1) == plan
    assert plan.for_server_processes(3) == CorePlan(server=(2, 3, 4), load=(5,))
    assert plan.for_server_processes(64) == CorePlan(server=(0, 1, 2, 3, 4), load=(5,))
    assert CorePlan(None, None).for_server_processes(2) == CorePlan(None, None)


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
    monkeypatch.setattr(processor, "_GROUPS_FILE", tmp_path / "cgroup")
    monkeypatch.setattr(processor, "_MOUNTS_FILE", tmp_path / "mountinfo")
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
from system.processor import quota_cores, throttling_reader
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


_WithSteal = namedtuple("_WithSteal", ["user", "nice", "system", "idle", "steal"])
_Without = namedtuple("_Without", ["user", "system", "idle"])


def test_it_is_the_mean_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = [_WithSteal(6.0, 1.0, 2.0, 70.0, 1.5), _WithSteal(3.0, 0.0, 2.0, 70.0, 0.5)]
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: cores * percpu)
    assert [core_times([0]), core_times([1]), core_times([0, 1])] == [
        CoreTimes(busy_ns=9_000_000_000, stolen_ns=1_500_000_000),
        CoreTimes(busy_ns=5_000_000_000, stolen_ns=500_000_000),
        CoreTimes(busy_ns=7_000_000_000, stolen_ns=1_000_000_000),
    ]
    assert core_times([1, 7]) == core_times([1]), "a core that went offline has no figure"


def test_it_is_none_where_the_platform_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: [_Without(9.0, 1.0, 70.0)] * percpu)
    assert core_times([0]) == CoreTimes(busy_ns=10_000_000_000, stolen_ns=0)


def test_a_process_of_this_machine_has_some_figure_that_never_falls() -> None:
    read = core_times_reader(psutil.Process())
    before, after = read(), read()
    assert 0 <= before.stolen_ns <= after.stolen_ns
    assert 0 < before.busy_ns <= after.busy_ns


INTEL = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R) CPU @ 2.60GHz\n"


def arm(processor: int, part: str, variant: str = "0x3", implementer: str = "0x41") -> str:
    return (
        f"processor\t: {processor}\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd\nCPU implementer\t: {implementer}\n"
        f"CPU architecture: 8\nCPU variant\t: {variant}\nCPU part\t: {part}\nCPU revision\t: 1\n\n"
    )


@pytest.mark.parametrize(
    ("cpuinfo", "device", "expected"),
    [
        (INTEL + "\n" + INTEL, "", "Intel(R) Xeon(R) CPU @ 2.60GHz"),
        (arm(0, "0xd0c") + arm(1, "0xd0c"), "", "implementer 0x41, part 0xd0c, variant 0x3"),
        (arm(0, "0xd40", "0x1"), "", "implementer 0x41, part 0xd40, variant 0x1"),
        (
            arm(0, "0xd05", "0x1") + arm(1, "0xd0b", "0x3"),
            "",
            "implementer 0x41, part 0xd05, variant 0x1 and implementer 0x41, part 0xd0b, variant 0x3",
        ),
        (
            arm(0, "0xd08", "0x0") + "Hardware\t: BCM2835\nModel\t\t: another name\n",
            "Raspberry Pi 4 Model B Rev 1.4\0",
            "Raspberry Pi 4 Model B Rev 1.4 (implementer 0x41, part 0xd08, variant 0x0)",
        ),
        (
            arm(0, "0xd08", "0x0") + "Hardware\t: BCM2835\n",
            "",
            "BCM2835 (implementer 0x41, part 0xd08, variant 0x0)",
        ),
        (arm(0, "0x022", "0x1", "0x61"), "", "implementer 0x61, part 0x022, variant 0x1"),
        ("processor\t: 0\nhart\t: 2\n", "", None),
        ("", "", None),
    ],
)
def test_a_processor_is_named_by_all_that_tells_it_from_others(cpuinfo: str, device: str, expected: str | None) -> None:
    assert parse_processor_name(cpuinfo, device) == expected


def test_this_machines_processor_has_a_name() -> None:
    assert processor_name()
