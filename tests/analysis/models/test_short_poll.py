from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.models.model import Conditions
from analysis.models.push import push_capacity_clients
from analysis.models.registry import MODELS
from analysis.models.short_poll import poll_capacity_clients
from contract.parameters import Arrival, required
from tests import simulation
from tests.analysis.models.inputs import (
    ARRIVALS_OF_EVENTS,
    DELAY_S,
    NS_PER_S,
    expectation,
    reached_of,
    schedule,
)


def test_a_poll_faster_than_its_answer_is_paced_by_the_answer() -> None:
    assert expectation("short_poll", poll_interval_s=0.01).requests_per_s == pytest.approx(1 / 0.05)
    slow = Conditions(10.0, "poisson", DELAY_S, poll_interval_s=0.01)
    assert MODELS["short_poll"].longest_wait_s(slow) == pytest.approx(0.05)


def test_empty_polls() -> None:
    assert expectation("short_poll", arrival="periodic", rate_per_s=0.25).empty_ratio == pytest.approx(0.75)
    assert expectation("short_poll", arrival="periodic", rate_per_s=4.0).empty_ratio == 0
    assert expectation("short_poll", rate_per_s=1.0).empty_ratio == pytest.approx(math.exp(-1))


def test_a_short_poll_without_a_cursor() -> None:
    assert expectation("short_poll", arrival="periodic", keeps_cursor=False).mean_s == pytest.approx(DELAY_S + 0.05)
    for arrival, loss_known in (("poisson", True), ("burst", False)):
        conditions = Conditions(10.0, arrival, DELAY_S, 1.0, 30.0, keeps_cursor=False)
        assert MODELS["short_poll"].closed_form(conditions) is None
        assert (MODELS["short_poll"].lost_ratio(conditions) is not None) == loss_known


def test_a_pause_after_each_answer_adds_the_answer_to_the_period() -> None:
    paused = expectation("short_poll", pauses=True)
    assert paused.mean_s == pytest.approx(1.0 / 2 + 2 * DELAY_S)
    assert paused.quantile_s(0.99) == pytest.approx(0.99 * 1.05 + DELAY_S)
    assert paused.max_s == pytest.approx(1.0 + 1.5 * 2 * DELAY_S)
    assert paused.requests_per_s == pytest.approx(1 / 1.05)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 60), ARRIVALS_OF_EVENTS, st.floats(0.02, 3), st.integers(0, 1000), st.booleans())
def test_a_pause_after_each_answer_is_the_simulations(
    rate: float, arrival: Arrival, interval_s: float, seed: int, kept: bool
) -> None:
    own = dataclasses.replace(
        schedule(rate, 4.0, arrival=arrival, clients=3, interval_s=interval_s, seed=seed, connect_ms=0 if kept else 50),
        pauses=True,
    )
    prediction = MODELS["short_poll"].on_schedule(own)
    for client, phase_ns in enumerate(own.phase_ns.tolist()):
        first_ns, interval_ns = own.t0_ns + phase_ns, required(own.interval_ns)
        asks = simulation.paused_short_poll(
            own.due_ns.tolist(), first_ns, interval_ns, own.one_way_ns, own.window_ns[1], own.connect_ns
        )
        assert (prediction.latency_ns[client] + own.due_ns).tolist() == simulation.arrivals_ns(asks)
        start, end = own.window_ns
        assert prediction.requests[client] == sum(start <= ask.start_ns < end for ask in asks)
    assert prediction.reached.all()


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 60), ARRIVALS_OF_EVENTS, st.floats(0.02, 3), st.integers(0, 1000))
def test_without_a_cursor_a_short_poll_reaches_what_the_simulation_does(
    rate: float, arrival: Arrival, interval_s: float, seed: int
) -> None:
    kept = schedule(rate, 4.0, arrival=arrival, clients=3, interval_s=interval_s, seed=seed)
    prediction = MODELS["short_poll"].on_schedule(dataclasses.replace(kept, keeps_cursor=False))
    for client, phase_ns in enumerate(kept.phase_ns.tolist()):
        asks = simulation.short_poll(
            kept.due_ns.tolist(), kept.t0_ns + phase_ns, required(kept.interval_ns), kept.one_way_ns, kept.window_ns[1]
        )
        assert reached_of(prediction, client, kept) == simulation.latest_only(asks)


def test_polls_in_step_with_periodic_events_report_their_phase() -> None:
    own = schedule(2.0, 20.0, arrival="periodic", interval_s=0.5)
    for phase_s in (0.0, 0.2, 0.45):
        locked = dataclasses.replace(own, phase_ns=np.full_like(own.phase_ns, round(phase_s * NS_PER_S)))
        latencies_ns = MODELS["short_poll"].on_schedule(locked).latency_ns[:, 1:]
        assert np.ptp(latencies_ns) == 0
        assert own.one_way_ns <= latencies_ns[0, 0] < own.one_way_ns + required(own.interval_ns)
    assert np.ptp(MODELS["short_poll"].on_schedule(own).latency_ns) > 0.9 * required(own.interval_ns)


def test_what_a_short_poll_for_the_latest_value_alone_misses() -> None:
    periodic, poisson = Conditions(4.0, "periodic", 0.0, 1.0), Conditions(1.0, "poisson", 0.0, 1.0)
    lost = [MODELS["short_poll"].lost_ratio(dataclasses.replace(c, keeps_cursor=False)) for c in (periodic, poisson)]
    assert lost == pytest.approx([0.75, math.exp(-1)])


def test_the_server_is_full_at_one_poll_per_service_time() -> None:
    law = MODELS["short_poll"].law
    assert law is not None
    scheduled = Conditions(10.0, "poisson", DELAY_S, poll_interval_s=1.0)
    assert law.saturated_at_clients(scheduled, 0.001) == pytest.approx(1000)
    assert law.saturated_at_clients(dataclasses.replace(scheduled, pauses=True), 0.001) == pytest.approx(1051)


def test_polling_and_push_hold_the_same_number_of_clients_at_the_crossover() -> None:
    rate_per_s, sends_per_s, polls_per_s = 2.0, 40_000, 6_000
    interval_s = sends_per_s / polls_per_s / rate_per_s
    assert poll_capacity_clients(interval_s, polls_per_s) == pytest.approx(push_capacity_clients(2.0, sends_per_s))
