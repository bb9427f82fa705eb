"""What a virtual machine's host takes is read of the cores that a process may use, where the platform tells."""

from __future__ import annotations

from collections import namedtuple

import psutil
import pytest

from system.stolen_time import CoreTimes, core_times, core_times_reader

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
