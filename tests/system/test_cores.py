"""Which cores a trial's processes are planned for."""

from __future__ import annotations

import os

import pytest

from system import cores
from system.cores import CorePlan, plan_cores


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
    monkeypatch.setattr(cores, "quota_cores", lambda: quota)
    assert plan_cores(load_processes) == expected
    assert expected.for_server_processes(3).server == with_three_workers


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this platform cannot pin processes to cores")
def test_a_server_of_several_processes_has_several_cores_but_never_the_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(6)))
    monkeypatch.setattr(cores, "quota_cores", lambda: None)
    plan = CorePlan(server=(4,), load=(5,))
    assert plan.for_server_processes(1) == plan
    assert plan.for_server_processes(3) == CorePlan(server=(2, 3, 4), load=(5,))
    assert plan.for_server_processes(64) == CorePlan(server=(0, 1, 2, 3, 4), load=(5,))
    assert CorePlan(None, None).for_server_processes(2) == CorePlan(None, None)
