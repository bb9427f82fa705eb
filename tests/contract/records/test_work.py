"""The work that a server has left, against a queue that is played through piece by piece."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.records import SampleRole, Work, disturbances, server_work
from tests.fabricate import Fabrication, first_trial
from tests.fabricate_trial import Faults

MS = 1_000_000
PIECES = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), max_size=40)


def work_of(pieces: list[tuple[int, int]]) -> Work:
    ordered = sorted(pieces)
    at_ms, work_ms = np.array([at for at, _ in ordered]), np.array([work for _, work in ordered])
    return Work(at_ms.astype(np.int64) * MS, work_ms.astype(np.float64) * MS)


def played(pieces: list[tuple[int, int]], until_ms: int) -> tuple[float, float]:
    """Work left just before a time, ms, and for how long the server had then been busy."""
    left_ms, now_ms, busy_since_ms = 0, 0, 0
    for at, work in sorted(pieces):
        if at >= until_ms:
            break
        if left_ms <= at - now_ms:
            left_ms, busy_since_ms = 0, at
        else:
            left_ms -= at - now_ms
        left_ms, now_ms = left_ms + work, at
    return max(0, left_ms - (until_ms - now_ms)), until_ms - busy_since_ms


@given(PIECES, st.lists(st.integers(0, 2000), min_size=1, max_size=10))
def test_it_is_the_queue_played_through(pieces: list[tuple[int, int]], times_ms: list[int]) -> None:
    found = work_of(pieces).unfinished_ns(np.array(times_ms, dtype=np.int64) * MS) / MS
    assert found.tolist() == pytest.approx([played(pieces, at)[0] for at in times_ms], abs=1e-6)


@given(PIECES, st.integers(0, 2000), st.integers(1, 300))
def test_a_server_that_is_busy_for_too_long_has_no_excuse(
    pieces: list[tuple[int, int]], at_ms: int, limit_ms: int
) -> None:
    [found] = work_of(pieces).unfinished_ns(np.array([at_ms], dtype=np.int64) * MS, limit_ms * MS) / MS
    left_ms, busy_ms = played(pieces, at_ms)
    assert found == pytest.approx(left_ms if busy_ms <= limit_ms else 0.0, abs=1e-6)


def test_busy_periods_are_counted_where_they_begin() -> None:
    work = work_of([(0, 10), (5, 10), (20, 1), (30, 5), (31, 5), (100, 1)])
    assert work.busy_periods(0, 200 * MS) == 4
    assert work.busy_periods(1, 100 * MS) == 2
    assert Work(np.empty(0, dtype=np.int64), np.empty(0)).busy_periods(0, 200 * MS) == 0


@pytest.mark.parametrize("transport", ["websocket", "sse", "long_poll", "short_poll"])
def test_all_pieces_together_are_the_servers_cpu_time(transport: str) -> None:
    faults = Faults(server_cpu_ratio=0.3, spin_cpu_us=300.0)
    _, trial = first_trial(transport, Fabrication(intervals_s=(), rates_per_s=()), faults)
    work = server_work(trial)
    assert work is not None
    assert work.work_ns.sum() == pytest.approx(0.3 * (trial.info.window_end_ns - trial.info.t0_ns), rel=0.02)
    assert (np.diff(work.at_ns) >= 0).all()


def test_a_held_poll_is_divided_as_the_trial_has_measured() -> None:
    """A third of its work comes with its event where that was not measured, four fifths where it was so."""
    _, trial = first_trial("long_poll")

    def with_events_ns(waking_ratio: float | None) -> float:
        info = dataclasses.replace(trial.info, waking_ratio=waking_ratio)
        work = server_work(dataclasses.replace(trial, info=info))
        assert work is not None
        return float(work.work_ns[np.isin(work.at_ns, trial.published.due_ns)].sum())

    assert with_events_ns(0.8) > 0
    assert with_events_ns(0.8) / with_events_ns(None) == pytest.approx(0.8 / 0.33)


def test_processes_of_a_server_share_its_work() -> None:
    _, trial = first_trial("websocket")
    capabilities = trial.info.capabilities | {"cpu_pinned": {"server": [0, 1, 2, 3], "load": [4]}}
    shared = dataclasses.replace(
        trial.info, parameters=trial.info.parameters.replace(server_processes=4), capabilities=capabilities
    )
    alone, four = server_work(trial), server_work(dataclasses.replace(trial, info=shared))
    assert alone is not None and four is not None
    assert four.work_ns.sum() == pytest.approx(alone.work_ns.sum() / 4)


@pytest.mark.parametrize("pinned", [None, {"server": [0], "load": [1]}])
def test_processes_that_share_a_core_wait_for_each_other(pinned: dict[str, list[int]] | None) -> None:
    """Whether one waited for its fellows or for other programs cannot be told: neither counts as a disturbance."""
    _, trial = first_trial("websocket", faults=Faults(waited_ratio=0.2, publish_lag_ms=12.0))
    assert disturbances(trial)
    info = dataclasses.replace(
        trial.info,
        parameters=trial.info.parameters.replace(server_processes=4),
        capabilities=trial.info.capabilities | {"cpu_pinned": pinned},
    )
    crowded = dataclasses.replace(trial, info=info)
    assert server_work(crowded) is None
    assert disturbances(crowded) == []


def test_a_server_whose_cpu_time_is_not_known_has_no_known_work() -> None:
    _, trial = first_trial("websocket")
    samples = trial.samples.where(trial.samples.role != SampleRole.SERVER)
    assert server_work(dataclasses.replace(trial, samples=samples)) is None
