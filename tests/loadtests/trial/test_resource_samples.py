"""CPU time and memory of a trial's processes, against processes that do what the test says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from contract.records import SampleRole
from loadtests.trial.resource_samples import ResourceSampler, WindowEdges

pytestmark = pytest.mark.clocks

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


def test_what_a_child_has_used_still_counts_when_it_has_ended() -> None:
    parent = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", "{BUSY}; print('done', flush=True); import sys; sys.stdin.readline()"])
print("ended", flush=True)
sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        sampler = ResourceSampler()
        sampler.watch(SampleRole.SERVER, process.pid, with_children=True)
        assert process.stdout.readline() == "done\n"
        sampler.read()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ended\n"
        sampler.read()
        both, later = sampler.table().cpu_ns.tolist()
        assert later >= both > 0
        process.stdin.write("\n")


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
