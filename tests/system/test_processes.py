"""Cores and CPU time of a trial's processes, against processes that do what the test says."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from contract.records import SampleRole, UserError
from loadtests.control_client import ControlClient
from system import processes
from system.processes import Child, CorePlan, ResourceSampler, WindowEdges, plan_cores, reserved_port
from tests.running import PATIENCE_S

BUSY = "sum(range(3_000_000))"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "{BUSY}; print('done', flush=True); import time; time.sleep(60)"])
sys.stdin.read()
child.kill()
child.wait()
"""


@pytest.fixture
def parent_of_a_busy_child() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip() == b"done", "the child has done its work"
        yield parent.pid
        assert parent.stdin is not None
        parent.stdin.close()
        parent.wait()


def test_a_process_is_counted_with_its_children_where_asked_for(parent_of_a_busy_child: int) -> None:
    alone, family = ResourceSampler(), ResourceSampler()
    alone.watch(SampleRole.SERVER, parent_of_a_busy_child)
    family.watch(SampleRole.SERVER, parent_of_a_busy_child, with_children=True)
    alone.read()
    family.read()
    one, both = (int(sampler.table().cpu_ns[0]) for sampler in (alone, family))
    assert both > one
    assert family.table().rss_bytes[0] > 1.5 * alone.table().rss_bytes[0]


def test_a_process_that_the_system_does_not_start_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("psutil.Popen", refuse)
    with pytest.raises(UserError, match=r"starting a process: Resource temporarily .*expected a higher limit of proc"):
        Child(["-c", ""], tmp_path / "log")


def test_a_process_that_cannot_be_pinned_is_told_as_that_and_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def refuse(pid: int, _cores: object) -> None:
        asked.append(pid)
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    with pytest.raises(UserError, match=r"pinning a process to cores 0, 1: Operation not permitted \(expected"):
        Child(["-c", "import time; time.sleep(60)"], tmp_path / "log", (0, 1))
    assert not psutil.pid_exists(asked[0])


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
    monkeypatch.setattr(processes, "quota_cores", lambda: quota)
    assert plan_cores(load_processes) == expected
    assert expected.for_workers(3).server == with_three_workers


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this platform cannot pin processes to cores")
def test_a_server_of_several_processes_has_several_cores_but_never_the_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(6)))
    monkeypatch.setattr(processes, "quota_cores", lambda: None)
    plan = CorePlan(server=(4,), load=(5,))
    assert plan.for_workers(1) == plan
    assert plan.for_workers(3) == CorePlan(server=(2, 3, 4), load=(5,))
    assert plan.for_workers(64) == CorePlan(server=(0, 1, 2, 3, 4), load=(5,))
    assert CorePlan(None, None).for_workers(2) == CorePlan(None, None)


class Clock:
    """A clock that the test sets."""

    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def test_samples_are_taken_at_both_ends_of_the_window_once_it_is_known() -> None:
    clock = Clock()
    known: list[int] = []
    edges = WindowEdges(lambda: known, clock)
    assert not edges.passed()
    assert edges.wait_s(0.2) < 0.04, "a stream starts 40 ms after it was posted"
    known += [1_000_000_000, 3_000_000_000]
    clock.now_ns = 900_000_000
    assert not edges.passed()
    assert edges.wait_s(0.2) == pytest.approx(0.1)
    clock.now_ns = 1_000_000_000
    assert edges.passed()
    assert not edges.passed()
    assert edges.wait_s(0.2) == pytest.approx(0.2)
    clock.now_ns = 3_000_100_000
    assert edges.passed()
    assert not edges.passed()
    assert edges.wait_s(0.2) == pytest.approx(0.2)


def test_a_window_that_was_known_too_late_is_sampled_at_once() -> None:
    clock = Clock()
    edges = WindowEdges(lambda: (1, 2), clock)
    clock.now_ns = 10
    assert edges.passed()
    assert not edges.passed()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lets a port be held for another process")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reserved_port_is_given_to_nobody_but_the_server_that_asks_for_it(tmp_path: Path, workers: str) -> None:
    with reserved_port() as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with Child(["-m", "servers", "polling", "--port", str(port), "--workers", workers], tmp_path / "log") as server:
            control = ControlClient(f"http://127.0.0.1:{port}")
            assert control.wait_until_ready(PATIENCE_S), server.last_words()
            control.close()
