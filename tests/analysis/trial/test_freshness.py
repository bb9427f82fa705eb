from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.trial.freshness import NEVER_NS, ViewAges, pooled_ages, view_ages
from analysis.trial.latency import measure_ages
from tests.fabricate import Fabrication, first_trial, style
from tests.fabricate_trial import Faults

MS = 1_000_000
WINDOW = (100 * MS, 1100 * MS)


def ages_of(due_ms: list[float], arrivals_ms: list[list[float | None]]) -> ViewAges:
    due_ns = np.array([round(due * MS) for due in due_ms], dtype=np.int64)
    arrival_ns = [[NEVER_NS if came is None else round(came * MS) for came in client] for client in arrivals_ms]
    return view_ages(due_ns, np.array(arrival_ns, dtype=np.int64).reshape(len(arrivals_ms), -1), WINDOW)


def test_one_late_event_is_one_tooth() -> None:
    ages = ages_of([200.0], [[500.0]])
    assert ages.older_than([0.0, 100.0, 299.0, 300.0, 1000.0]).tolist() == pytest.approx([0.3, 0.2, 0.001, 0, 0])
    assert ages.mean_ms == pytest.approx(300**2 / 2 / 1000)


def test_a_batch_makes_the_view_old_once() -> None:
    together = ages_of([200.0, 300.0, 400.0], [[500.0, 500.0, 500.0]])
    assert together.older_than([0.0, 100.0]).tolist() == pytest.approx([0.3, 0.2])
    assert together.mean_ms == pytest.approx(300**2 / 2 / 1000)


def test_an_event_overtaken_by_later_ones_keeps_the_view_old() -> None:
    ages = ages_of([200.0, 300.0], [[600.0, 310.0]])
    assert ages.older_than([0.0]).tolist() == pytest.approx([0.4])


def test_with_nothing_outstanding_the_view_is_fresh_however_long_ago_the_last_event_was() -> None:
    assert ages_of([150.0], [[150.0]]).older_than([0.0]).tolist() == [0.0]
    assert ages_of([], [[], []]).older_than([0.0, 5.0]).tolist() == [0.0, 0.0]
    assert ages_of([], [[]]).mean_ms == 0


def test_what_never_comes_is_outstanding_to_the_end_and_cut_off_there() -> None:
    lost, later = ages_of([600.0], [[None]]), ages_of([600.0], [[5000.0]])
    assert lost.older_than([0.0, 400.0]).tolist() == later.older_than([0.0, 400.0]).tolist()
    assert lost.older_than([0.0, 400.0]).tolist() == pytest.approx([0.5, 0.1])


def test_what_is_left_over_from_the_warm_up_counts_until_it_comes() -> None:
    ages = ages_of([40.0], [[160.0]])
    assert ages.older_than([0.0, 60.0, 100.0]).tolist() == pytest.approx([0.06, 0.06, 0.02])


def test_clients_and_trials_share_the_time_observed() -> None:
    fresh, old = ages_of([200.0], [[200.0]]), ages_of([200.0], [[500.0]])
    both = ages_of([200.0], [[200.0], [500.0]])
    assert both.older_than([50.0]).tolist() == pooled_ages([fresh, old]).older_than([50.0]).tolist()
    assert both.mean_ms == pytest.approx((fresh.mean_ms + old.mean_ms) / 2)


times = st.integers(0, 1300)
events = st.lists(st.tuples(times, st.one_of(st.none(), st.integers(0, 900))), max_size=12)


def age_at(now_ms: float, due_ms: list[int], came_ms: list[float | None]) -> float:
    """The definition, word by word."""
    missing = [d for d, a in zip(due_ms, came_ms, strict=True) if d <= now_ms and (a is None or a > now_ms)]
    return now_ms - min(missing) if missing else 0.0


@given(clients=st.integers(1, 3), drawn=events, data=st.data())
def test_the_share_of_time_is_that_of_the_definition_at_every_moment(
    clients: int, drawn: list[tuple[int, int | None]], data: st.DataObject
) -> None:
    due_ms = sorted(due for due, _ in drawn)
    came_ms = [
        [None if late is None else due + late + client for due, (_, late) in zip(due_ms, drawn, strict=True)]
        for client in range(clients)
    ]
    ages = ages_of([float(due) for due in due_ms], [list(client) for client in came_ms])
    # Everything happens at whole milliseconds, so that a moment in the middle of each stands for all of it.
    moments = np.arange(100, 1100) + 0.5
    expected = np.array([[age_at(now, due_ms, list(client)) for now in moments] for client in came_ms])
    level = data.draw(st.integers(0, 1300))
    assert ages.older_than([float(level)])[0] == pytest.approx(float((expected > level).mean()), abs=1e-9)
    assert ages.mean_ms == pytest.approx(float(expected.mean()), abs=1e-9)


@given(clients=st.integers(1, 3), drawn=events)
def test_the_curve_falls_bends_only_at_its_corners_and_its_area_is_the_mean(
    clients: int, drawn: list[tuple[int, int | None]]
) -> None:
    due_ms = sorted(due for due, _ in drawn)
    came = [None if late is None else float(due + late) for due, (_, late) in zip(due_ms, drawn, strict=True)]
    ages = ages_of([float(due) for due in due_ms], [list(came) for _ in range(clients)])
    corners = np.unique(np.concatenate([[0.0], ages.from_ns / 1e6, ages.to_ns / 1e6]))
    shares = ages.older_than(corners)
    assert (np.diff(shares) <= 1e-12).all()
    assert 0 <= shares[-1] <= shares[0] <= 1
    middles = ages.older_than((corners[1:] + corners[:-1]) / 2)
    assert middles == pytest.approx((shares[1:] + shares[:-1]) / 2, abs=1e-9)
    assert float(np.trapezoid(shares, corners)) == pytest.approx(ages.mean_ms, rel=1e-9, abs=1e-9)


def poisson_ms(rate_per_s: float, length_ms: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    rng = np.random.default_rng(5)
    return np.sort(rng.uniform(0, length_ms, rng.poisson(rate_per_s * length_ms / 1000)))


LONG_MS = 4_000_000.0


def long_run(due_ms: np.ndarray[tuple[int], np.dtype[np.float64]], came_ms: object) -> ViewAges:
    due_ns, came_ns = np.rint(due_ms * MS).astype(np.int64), np.rint(np.asarray(came_ms) * MS).astype(np.int64)
    return view_ages(due_ns, came_ns[None, :], (10_000 * MS, int(LONG_MS) * MS))


@pytest.mark.parametrize(("rate", "delay_ms"), [(1.0, 100.0), (10.0, 100.0), (50.0, 25.0)])
def test_push_and_poisson_events_match_the_closed_form(rate: float, delay_ms: float) -> None:
    """Older than x: an event was due within (t - d, t - x], so 1 - exp(-λ (d - x)); its integral is the mean."""
    due_ms = poisson_ms(rate, LONG_MS)
    ages = long_run(due_ms, due_ms + delay_ms)
    levels = np.array([0.0, 0.25, 0.5, 0.9]) * delay_ms
    expected = 1 - np.exp(-rate / 1000 * (delay_ms - levels))
    assert ages.older_than(levels) == pytest.approx(expected, rel=0.05)
    assert ages.older_than([delay_ms]).tolist() == [0.0]
    per_ms = rate / 1000
    assert ages.mean_ms == pytest.approx(delay_ms - (1 - math.exp(-per_ms * delay_ms)) / per_ms, rel=0.05)


@pytest.mark.parametrize(("rate", "interval_ms"), [(1.0, 1000.0), (10.0, 1000.0), (5.0, 250.0)])
def test_short_polls_and_poisson_events_match_the_closed_form(rate: float, interval_ms: float) -> None:
    """What is known at t is what the server had at t - u, u uniform over [d, d + I): the mean of push's over u."""
    delay_ms = 25.0
    due_ms = poisson_ms(rate, LONG_MS)
    ages = long_run(due_ms, np.ceil(due_ms / interval_ms) * interval_ms + delay_ms)
    levels = np.array([0.0, 10.0, 100.0, 200.0])
    u = delay_ms + (np.arange(10_000) + 0.5) / 10_000 * interval_ms
    expected = [(1 - np.exp(-rate / 1000 * np.maximum(u - x, 0))).mean() for x in levels]
    assert ages.older_than(levels) == pytest.approx(expected, rel=0.03)


def test_of_a_trial_every_client_and_the_measured_window_are_watched() -> None:
    _, trial = first_trial("websocket", Fabrication(intervals_s=(), rates_per_s=(), noise_ms=0.0))
    ages = measure_ages(trial, style("websocket"))
    assert ages is not None
    assert ages.observed_ms == 6 * 8000
    assert ages.greatest_ms == pytest.approx(25.02, abs=1e-3)


def test_a_lost_event_makes_one_client_s_view_ever_older() -> None:
    fabrication = Fabrication(intervals_s=(), rates_per_s=(), noise_ms=0.0)
    _, trial = first_trial("websocket", fabrication, Faults(drop=frozenset({(2, 20)})))
    ages = measure_ages(trial, style("websocket"))
    assert ages is not None
    outstanding_ms = (trial.info.window_end_ns - trial.published.due_ns[19]) / 1e6
    assert ages.greatest_ms == pytest.approx(outstanding_ms)


def test_round_trips_have_no_view_to_keep_fresh() -> None:
    fabrication = Fabrication(transports=("echo_websocket", "echo_post", "echo_post_new"), rates_per_s=())
    _, trial = first_trial("echo_post", fabrication)
    assert measure_ages(trial, style("echo_post")) is None
