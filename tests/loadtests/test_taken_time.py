"""What a virtual machine's host takes is read of the cores that a process may use, where the platform tells."""

from __future__ import annotations

from collections import namedtuple

import psutil
import pytest

from loadtests.taken_time import stolen_ns, stolen_time_reader

_WithSteal = namedtuple("_WithSteal", ["user", "steal"])
_Without = namedtuple("_Without", ["user"])


def test_it_is_the_mean_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: [_WithSteal(9.0, 1.5), _WithSteal(9.0, 0.5)] * percpu)
    assert [stolen_ns(cores) for cores in ([0], [1], [0, 1])] == [1_500_000_000, 500_000_000, 1_000_000_000]
    assert stolen_ns([1, 7]) == 500_000_000, "a core that went offline has no figure"


def test_it_is_none_where_the_platform_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: [_Without(9.0)] * percpu)
    assert stolen_ns([0]) == 0


def test_a_process_of_this_machine_has_some_figure_that_never_falls() -> None:
    read = stolen_time_reader(psutil.Process())
    before = read()
    assert 0 <= before <= read()
