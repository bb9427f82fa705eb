from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.distribution import distribution_of
from analysis.own_schedule import Schedule, predict
from analysis.sensitivity import (
    LONGEST_OWN_TIME_MS,
    TOLERANCE_MS,
    exceeds,
    figures,
    own_time_ms,
    sensitivity,
    tolerance,
)

MS = 1_000_000


def schedule(due_ms: list[float], *, interval_ms: float = 0, hold_ms: float = 0, delay_ms: float = 25) -> Schedule:
    return Schedule(
        due_ns=np.asarray([round(ms * MS) for ms in due_ms], dtype=np.int64),
        phase_ns=np.asarray([0], dtype=np.int64),
        first_ask_ns=np.asarray([-200 * MS], dtype=np.int64),
        t0_ns=0,
        window_ns=(0, 10_000 * MS),
        one_way_ns=round(delay_ms * MS),
        interval_ns=round(interval_ms * MS),
        hold_ns=round(hold_ms * MS),
    )


def counted(of: Schedule) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    return np.ones((1, len(of.due_ns)), dtype=np.bool_)


def test_a_push_moves_by_its_own_time_and_nothing_else() -> None:
    plan = schedule([100, 200])
    found = sensitivity("push", plan, counted(plan), 0.5)
    assert found.own_ms == 0.5
    assert set(found.down.values()) == {0.0}
    assert found.up == {"mean_ms": 0.5, "p50_ms": 0.5, "p99_ms": 0.5, "requests_per_event": 0.0}


def test_a_poll_that_is_a_little_late_meets_an_event_that_it_would_have_missed() -> None:
    # Polls reach the server at 25, 1025, …: an event 0.3 ms after one of them waits for a second, or not at all.
    plan = schedule([1025.3], interval_ms=1000)
    assert predict("short_poll", plan).latency_ns[0, 0] / MS == pytest.approx(1024.7)
    found = sensitivity("short_poll", plan, counted(plan), 0.5)
    assert found.down["mean_ms"] == pytest.approx(25.2 - 1024.7, abs=0.06)
    assert found.up["mean_ms"] == pytest.approx(0.75), "late by 0.25 ms it still misses it"


def test_a_longer_gap_joins_what_were_two_answers() -> None:
    # Told at 100, back at 150; an event at 150.2 was asked for in time, one at 150.6 no longer if the poll is late.
    plan = schedule([100, 149.9, 150.2], hold_ms=30_000)
    found = sensitivity("long_poll", plan, counted(plan), 0.5)
    assert found.down["requests_per_event"] == pytest.approx(-1 / 3)
    assert found.down["mean_ms"] < -10


@given(st.lists(st.floats(0, 5000), min_size=1, max_size=30), st.floats(-5, 5))
def test_the_plain_model_is_always_within(due_ms: list[float], residual_ms: float) -> None:
    plan = schedule(sorted(due_ms), hold_ms=1000)
    found = sensitivity("long_poll", plan, counted(plan), own_time_ms(np.array([round(residual_ms * MS)])))
    assert all(change <= 0 for change in found.down.values())
    assert all(change >= 0 for change in found.up.values())
    assert 0 <= found.own_ms <= LONGEST_OWN_TIME_MS


def test_no_own_time_without_deliveries() -> None:
    assert own_time_ms(np.empty(0, dtype=np.int64)) == 0.0


@pytest.mark.parametrize(
    ("name", "predicted", "slack"),
    [
        ("mean_ms", 5.0, TOLERANCE_MS),
        ("mean_ms", 1000.0, 20.0),
        ("p99_ms", 1000.0, 40.0),
        ("requests_per_event", 2.0, 0.04),
        ("requests_per_event", 0.0, 0.0),
    ],
)
def test_what_goes_without_saying(name: str, predicted: float, slack: float) -> None:
    assert tolerance(name, predicted) == pytest.approx(slack)
    assert not exceeds(name, predicted + 0.99 * slack, predicted)
    assert exceeds(name, predicted + 1.01 * slack + 1e-9, predicted)


def test_figures_of_a_sample() -> None:
    sample = distribution_of(np.array([1, 2, 6]) * MS)
    assert sample is not None
    assert figures(sample, 6, 4) == {"mean_ms": 3.0, "p50_ms": 2.0, "p99_ms": 6.0, "requests_per_event": 1.5}
