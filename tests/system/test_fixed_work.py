"""The fixed piece of work: its CPU time is read on the cores asked for, and no time that others take is in it."""

from __future__ import annotations

import os
import sys
import time
from itertools import count

import pytest

from system import fixed_work
from system.fixed_work import fixed_work_ns


def test_the_median_of_its_repeats_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    # One repeat of nine, disturbed, takes a thousand times as long; the others take 1 to 8 ms.
    took_ns = iter([3, 1, 4, 7, 5000, 2, 6, 8, 5])
    monkeypatch.setattr(fixed_work, "_piece_ns", lambda *_: next(took_ns) * 1_000_000)
    assert fixed_work_ns() == 5_000_000
    assert next(took_ns, None) is None


def test_it_is_the_time_of_this_thread_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = count(1_000, 250)
    monkeypatch.setattr(time, "thread_time_ns", lambda: next(readings))
    assert fixed_work_ns() == 250


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux pins single threads to cores")
def test_it_runs_on_the_cores_asked_for_and_leaves_the_thread_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = os.sched_getaffinity(0)
    core = max(usual)
    seen: list[set[int]] = []

    def piece_ns(*_: object) -> int:
        seen.append(os.sched_getaffinity(0))
        return 1

    monkeypatch.setattr(fixed_work, "_piece_ns", piece_ns)
    assert fixed_work_ns([core]) == 1
    assert seen == [{core}] * len(seen) != []
    assert os.sched_getaffinity(0) == usual


def test_where_pinning_is_refused_it_is_timed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    assert fixed_work_ns([0]) > 0
