from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.models.model import Conditions
from analysis.models.queues import ServiceTimes
from analysis.models.registry import MODELS
from analysis.models.schedule import Schedule
from contract.parameters import Arrival, required
from contract.records import turnaround_delay_ns
from tests import simulation
from tests.analysis.models.inputs import (
    ARRIVALS_OF_EVENTS,
    DELAY_S,
    MS,
    NS_PER_S,
    SEED,
    US,
    expectation,
    reached_of,
    schedule,
)


def test_the_long_polls_cliff_for_periodic_events() -> None:
    back_in_time = expectation("long_poll", arrival="periodic", rate_per_s=19.9)
    too_late = expectation("long_poll", arrival="periodic", rate_per_s=40.0)
    assert (back_in_time.mean_s, back_in_time.requests_per_event) == (DELAY_S, 1.0)
    assert too_late.mean_s == pytest.approx(DELAY_S + 0.05 / 2)
    assert too_late.requests_per_event == pytest.approx(0.025 / 0.05)


def test_limits_of_the_long_poll() -> None:
    assert expectation("long_poll", rate_per_s=1e-9).requests_per_s == pytest.approx(1 / (30 + 0.05))
    assert expectation("long_poll", rate_per_s=1e5).requests_per_s == pytest.approx(1 / 0.05)
    assert expectation("long_poll", rate_per_s=1e5).mean_s == pytest.approx(DELAY_S + 0.05 / 2)
    assert expectation("long_poll").max_s == pytest.approx(1.5 * 0.05)


@given(st.floats(0.01, 100), st.floats(0.001, 2))
def test_a_long_poll_without_a_cursor_loses_what_the_textbook_says(rate: float, delay_s: float) -> None:
    conditions = Conditions(rate, "poisson", delay_s, hold_s=1e9, keeps_cursor=False)
    gap_s = 2 * delay_s
    expected = rate * gap_s / (1 + rate * gap_s)
    assert MODELS["long_poll"].lost_ratio(conditions) == pytest.approx(expected)
    assert expectation("long_poll", rate_per_s=rate, keeps_cursor=False).quantile_s(0.99) == DELAY_S


def test_a_long_poll_without_a_cursor_and_periodic_events() -> None:
    def lost(rate: float, hold_s: float = 30.0) -> float | None:
        conditions = Conditions(rate, "periodic", DELAY_S, hold_s=hold_s, keeps_cursor=False)
        return MODELS["long_poll"].lost_ratio(conditions)

    assert lost(10.0) == 0
    assert lost(20.0) == pytest.approx(1 / 2)  # an event that comes with the request is not after it
    assert lost(50.0) == pytest.approx(2 / 3)
    assert lost(1.0, hold_s=0.2) is None


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 60), st.sampled_from([0.0, 25.0]), st.integers(1, 200), st.integers(0, 1000), st.booleans())
def test_clients_that_wait_a_random_time_before_they_ask_again_are_the_simulations(
    rate: float, delay_ms: float, jitter_ms: int, seed: int, kept: bool
) -> None:
    plain = schedule(rate, 4.0, clients=3, delay_ms=delay_ms, seed=seed, connect_ms=0.0 if kept else 2 * delay_ms)
    own = dataclasses.replace(
        plain, turnaround_jitter_ns=jitter_ms * 1_000_000, turnaround_seed=seed, turnaround_ns=300_000
    )
    prediction = MODELS["long_poll"].on_schedule(own)
    for client, first_ns in enumerate(own.first_poll_ns.tolist()):
        asks = simulation.long_poll(
            own.due_ns.tolist(), first_ns, required(own.hold_ns), own.one_way_ns, own.window_ns[1], own.turnaround_ns,
            own.connect_ns, partial(turnaround_delay_ns, seed, client, jitter_ns=own.turnaround_jitter_ns),
        )  # fmt: skip
        assert prediction.latency_ns[client].tolist() == (simulation.arrivals_ns(asks) - own.due_ns).tolist()
        start_ns, end_ns = own.window_ns
        assert prediction.requests[client] == sum(start_ns <= ask.start_ns < end_ns for ask in asks)


@pytest.mark.parametrize(
    ("arrival", "rate"), [("poisson", 2.0), ("poisson", 20.0), ("periodic", 30.0), ("periodic", 4.0)]
)
def test_the_closed_form_of_a_random_turnaround_is_what_long_streams_show(arrival: Arrival, rate: float) -> None:
    own = dataclasses.replace(schedule(rate, 8000 / rate, arrival=arrival), turnaround_jitter_ns=100_000_000)
    expected = MODELS["long_poll"].closed_form(Conditions(rate, arrival, 0.025, hold_s=30.0, turnaround_jitter_s=0.1))
    assert expected is not None
    prediction = MODELS["long_poll"].on_schedule(own)
    assert prediction.latency_ns.mean() / 1e9 == pytest.approx(expected.mean_s, rel=0.02)
    seconds = (own.window_ns[1] - own.window_ns[0]) / NS_PER_S
    assert prediction.requests.mean() / seconds == pytest.approx(expected.requests_per_s, rel=0.02)


def test_some_random_turnarounds_have_no_closed_form() -> None:
    between = Conditions(10.0, "periodic", 0.025, hold_s=30.0, turnaround_jitter_s=0.1)
    assert MODELS["long_poll"].closed_form(between) is None, "some gaps are longer than the 100 ms between two events"
    lossy = dataclasses.replace(between, keeps_cursor=False)
    assert MODELS["long_poll"].closed_form(lossy) is None
    assert MODELS["long_poll"].closed_form(dataclasses.replace(lossy, arrival="poisson")) is not None


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.5, 60), ARRIVALS_OF_EVENTS, st.sampled_from([0.0, 1.0, 25.0, 155.0]), st.floats(0.1, 5),
    st.integers(0, 1000),
)  # fmt: skip
def test_without_a_cursor_a_long_poll_reaches_what_the_simulation_does(
    rate: float, arrival: Arrival, delay_ms: float, hold_s: float, seed: int
) -> None:
    own = schedule(rate, 4.0, arrival=arrival, clients=3, delay_ms=delay_ms, hold_s=hold_s, seed=seed)
    own = dataclasses.replace(own, keeps_cursor=False)
    if not len(own.due_ns):
        return
    prediction = MODELS["long_poll"].on_schedule(own)
    for client, first_ns in enumerate(own.first_poll_ns.tolist()):
        arrivals, starts_ns = simulation.next_only(
            own.due_ns.tolist(), first_ns, required(own.hold_ns), own.one_way_ns, own.window_ns[1]
        )
        assert reached_of(prediction, client, own) == arrivals
        start, end = own.window_ns
        assert prediction.requests[client] == sum(start <= at_ns < end for at_ns in starts_ns)


def test_a_jitter_of_the_clients_spreads_the_herd() -> None:
    times = ServiceTimes(answer_ns=300 * US, waking_ns=100 * US)
    schedule = herd(turnaround_jitter_ns=40 * MS, turnaround_seed=4)
    found = MODELS["long_poll"].with_queues(schedule, times, SEED)
    delays_ns = [turnaround_delay_ns(4, client, 0, 40 * MS) for client in range(2)]
    assert abs(delays_ns[0] - delays_ns[1]) > 1 * MS, "so they do not meet"
    for client, delay_ns in enumerate(delays_ns):
        answered_ns = found.latency_ns[client, 0] + 100 * MS
        asked_ns = answered_ns + delay_ns + 25 * MS
        assert found.latency_ns[client, 1] == asked_ns + 300 * US + 25 * MS - 120 * MS


def herd(**changes: Any) -> Schedule:
    """Two long polls that are held when an event is due at 100 ms, and another one while they are deaf."""
    return dataclasses.replace(
        Schedule(
            due_ns=np.asarray([100 * MS, 120 * MS], dtype=np.int64),
            phase_ns=np.zeros(2, dtype=np.int64),
            first_poll_ns=np.asarray([-300 * MS, -200 * MS], dtype=np.int64),
            t0_ns=0,
            window_ns=(0, 300 * MS),
            one_way_ns=25 * MS,
            hold_ns=30_000 * MS,
        ),
        **changes,
    )


def test_a_herd_is_answered_one_after_the_other_and_meets_again_at_the_server() -> None:
    times = ServiceTimes(answer_ns=300 * US, waking_ns=100 * US, read_ns=50 * US)
    found = MODELS["long_poll"].with_queues(herd(), times, SEED)
    # Answers leave at 100.1 and 100.2 and are read 0.05 ms after they arrive; the requests come at 150.15 and 150.25.
    assert sorted(found.latency_ns[:, 0].tolist()) == [25 * MS + 100 * US, 25 * MS + 200 * US]
    # Both find the event of 120 ms: the first answer leaves at 150.45, the second one after it, at 150.75.
    assert sorted(found.latency_ns[:, 1].tolist()) == [55 * MS + 450 * US, 55 * MS + 750 * US]


def test_each_process_of_the_load_reads_for_itself() -> None:
    times = ServiceTimes(answer_ns=300 * US, waking_ns=100 * US, read_ns=5 * MS)
    alone = MODELS["long_poll"].with_queues(herd(), times, SEED)
    shared = MODELS["long_poll"].with_queues(herd(load_process=np.asarray([0, 1])), times, SEED)
    # One process needs 10 ms for both answers, two need 5 ms: the second request then comes 0.1 ms after the first.
    assert sorted(alone.latency_ns[:, 1].tolist()) == [60 * MS + 400 * US, 65 * MS + 400 * US]
    assert sorted(shared.latency_ns[:, 1].tolist()) == [60 * MS + 400 * US, 60 * MS + 700 * US]


def test_an_event_that_falls_due_while_the_server_is_busy_is_published_when_its_turn_comes() -> None:
    # The requests that come back at 150.1 and 150.2 keep the server busy to 150.7: the event of 150.3 waits for that.
    schedule = herd(due_ns=np.asarray([100 * MS, 150 * MS + 300 * US], dtype=np.int64))
    found = MODELS["long_poll"].with_queues(schedule, ServiceTimes(answer_ns=400 * US, waking_ns=100 * US), SEED)
    assert sorted(found.latency_ns[:, 1].tolist()) == [25 * MS + 500 * US, 25 * MS + 600 * US]


def test_a_third_of_the_events_falls_into_the_gap_of_a_long_poll_without_a_cursor() -> None:
    conditions = Conditions(10.0, "poisson", DELAY_S, hold_s=1e9, keeps_cursor=False)
    assert MODELS["long_poll"].lost_ratio(conditions) == pytest.approx(1 / 3)


def test_a_saturated_server_answers_each_client_once_a_round() -> None:
    law = MODELS["long_poll"].law
    assert law is not None
    assert law.cycle_s is not None
    assert law.cycle_s(1000, 50e-6) == pytest.approx(0.05)
    assert law.saturated_at_clients(Conditions(20.0, "poisson", DELAY_S), 50e-6) == pytest.approx(1000)
