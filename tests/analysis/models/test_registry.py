from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.models.model import Conditions
from analysis.models.queues import ServiceTimes
from analysis.models.registry import MODELS
from analysis.models.schedule import Prediction, Schedule, schedule_of
from contract.parameters import Arrival, required
from contract.records import Ints
from contract.transports import KINDS, TRANSPORTS
from tests import simulation
from tests.analysis.models.inputs import (
    DELAY_S,
    SEED,
    expectation,
    schedule,
    schedules,
)
from tests.fabricate import ECHO, Fabrication, first_trial, style

POLLS: dict[str, Callable[..., list[simulation.Ask]]] = {
    "short_poll": simulation.short_poll,
    "long_poll": simulation.long_poll,
}


def test_every_kind_of_transport_has_a_model() -> None:
    assert MODELS.keys() == KINDS.keys()
    assert {transport.model for transport in TRANSPORTS.values()} == KINDS.keys()


# The table of docs/method/method.md: R = 50 ms, I = 1 s, T = 30 s, Poisson events.
@pytest.mark.parametrize(
    ("rate", "short_requests", "long_mean_ms", "long_p99_ms", "long_per_s", "long_requests"),
    [
        (0.1, 10, 25.1, 25.0, 0.105, 1.052),
        (1, 1, 26.2, 65.0, 0.999, 0.999),
        (10, 0.1, 36.3, 73.9, 9.04, 0.904),
        (100, 0.01, 50.0, 74.5, 19.97, 0.200),
    ],
)
def test_expected_values(
    rate: float, short_requests: float, long_mean_ms: float, long_p99_ms: float, long_per_s: float, long_requests: float
) -> None:
    short = expectation("short_poll", rate_per_s=rate)
    assert short.requests_per_event == pytest.approx(short_requests)
    assert [short.mean_s, short.quantile_s(0.99), short.max_s] == pytest.approx([0.525, 1.015, 1.025])
    long = expectation("long_poll", rate_per_s=rate)
    assert long.mean_s * 1000 == pytest.approx(long_mean_ms, abs=0.05)
    assert long.quantile_s(0.99) * 1000 == pytest.approx(long_p99_ms, abs=0.05)
    assert long.requests_per_s == pytest.approx(long_per_s, rel=3e-3)
    assert long.requests_per_event == pytest.approx(long_requests, abs=5e-4)
    push = expectation("push", rate_per_s=rate)
    assert [push.mean_s, push.quantile_s(0.99), push.max_s, push.requests_per_event] == [DELAY_S] * 3 + [0]


def test_negative_control_ties() -> None:
    assert expectation("long_poll", arrival="periodic", rate_per_s=10.0).max_s == expectation("push").max_s


@pytest.mark.parametrize(
    ("kind", "conditions"),
    [
        ("long_poll", {"arrival": "burst"}),
        ("long_poll", {"arrival": "periodic", "rate_per_s": 1.0, "hold_s": 0.2}),
        ("round_trip", {"arrival": "poisson", "requests_per_message": True}),
        ("round_trip", {"arrival": "periodic", "rate_per_s": 30.0, "requests_per_message": True}),
    ],
)
def test_no_formula_is_said_to_be_none(kind: str, conditions: dict[str, object]) -> None:
    defaults = {"rate_per_s": 10.0, "one_way_delay_s": DELAY_S, "hold_s": 30.0}
    assert MODELS[kind].closed_form(Conditions(**{**defaults, **conditions})) is None  # type: ignore[arg-type]  # fields of several types


def test_without_keep_alive_a_round_trip_comes_on_top() -> None:
    kept, new = (expectation("long_poll", connects_per_poll=each) for each in (False, True))
    twice_as_far = expectation("long_poll", one_way_delay_s=2 * DELAY_S)
    assert new == dataclasses.replace(twice_as_far, floor_s=DELAY_S)
    assert new.max_s == pytest.approx(kept.max_s + 2 * DELAY_S)
    kept, new = (expectation("short_poll", connects_per_poll=each) for each in (False, True))
    assert new == kept, "the schedule keeps its pace, and an answer is one transit old as before"
    assert expectation("short_poll", poll_interval_s=0.01, connects_per_poll=True).requests_per_s == pytest.approx(10)


@pytest.mark.parametrize("kind", ["push", "short_poll", "long_poll", "round_trip"])
def test_nothing_is_lost_with_a_cursor(kind: str) -> None:
    assert MODELS[kind].lost_ratio(Conditions(10.0, "burst", DELAY_S, 1.0, 30.0)) == 0


def test_what_a_request_takes_is_no_latency() -> None:
    conditions = Conditions(1.0, "poisson", DELAY_S, 1.0, 30.0)
    assert MODELS["short_poll"].answer_s(conditions) == pytest.approx(2 * DELAY_S)
    assert MODELS["long_poll"].answer_s(conditions) == pytest.approx(1 / 0.999, rel=1e-3)
    assert MODELS["push"].answer_s(conditions) is None
    kept_out = dataclasses.replace(conditions, connects_per_poll=True)
    cycle_s = 1 / expectation("long_poll", rate_per_s=1.0, connects_per_poll=True).requests_per_s
    assert MODELS["long_poll"].answer_s(kept_out) == pytest.approx(cycle_s - 2 * DELAY_S)
    assert MODELS["long_poll"].answer_s(dataclasses.replace(conditions, arrival="burst")) is None


@given(
    st.sampled_from(["push", "short_poll", "long_poll", "round_trip"]),
    st.floats(0.01, 1000),
    st.floats(0, 0.5),
    st.floats(0.01, 10),
    st.floats(1, 60),
)
def test_every_closed_form_is_consistent(kind: str, rate: float, delay: float, poll: float, hold: float) -> None:
    found = MODELS[kind].closed_form(Conditions(rate, "poisson", delay, poll, hold))
    assert found is not None
    steps = [i / 1000 for i in range(1001)]
    quantiles = [found.quantile_s(share) for share in steps]
    assert quantiles == sorted(quantiles)
    assert quantiles[0] == pytest.approx(found.floor_s)
    assert quantiles[-1] == pytest.approx(found.max_s)
    assert sum(quantiles) / len(quantiles) == pytest.approx(found.mean_s, rel=2e-3, abs=1e-9)
    assert found.requests_per_event == pytest.approx(found.requests_per_s / rate)


def simulated(kind: str, given_schedule: Schedule) -> tuple[Ints, list[int]]:
    """Latencies (clients, events) and requests in the window, by the step-by-step simulation."""
    visible = given_schedule.due_ns.tolist()
    latencies, requests = [], []
    for phase_ns, first_poll_ns in zip(given_schedule.phase_ns, given_schedule.first_poll_ns, strict=True):
        first_ns = given_schedule.t0_ns + int(phase_ns) if kind == "short_poll" else int(first_poll_ns)
        pace_ns = required(given_schedule.interval_ns if kind == "short_poll" else given_schedule.hold_ns)
        asks = POLLS[kind](
            visible, first_ns, pace_ns, given_schedule.one_way_ns, given_schedule.window_ns[1],
            connect_ns=given_schedule.connect_ns,
        )  # fmt: skip
        latencies.append(np.asarray(simulation.arrivals_ns(asks)) - given_schedule.due_ns)
        start, end = given_schedule.window_ns
        requests.append(sum(start <= ask.start_ns < end and not ask.skipped for ask in asks))
    return np.asarray(latencies), requests


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["short_poll", "long_poll"]),
    st.floats(0.5, 60),
    st.sampled_from(["poisson", "periodic", "burst"]),
    st.sampled_from([0.0, 1.0, 25.0, 155.0]),
    st.floats(0.02, 3),
    st.floats(0.1, 5),
    st.integers(0, 1000),
    st.booleans(),
)
def test_it_is_the_simulation_to_the_nanosecond(
    kind: str, rate: float, arrival: Arrival, delay_ms: float, interval_s: float, hold_s: float, seed: int, kept: bool
) -> None:
    own = schedule(
        rate, 4.0, arrival=arrival, clients=3, delay_ms=delay_ms, interval_s=interval_s, hold_s=hold_s, seed=seed,
        connect_ms=0.0 if kept else 2 * delay_ms,
    )  # fmt: skip
    latencies, requests = simulated(kind, own)
    prediction = MODELS[kind].on_schedule(own)
    assert np.array_equal(prediction.latency_ns, latencies.reshape(prediction.latency_ns.shape))
    assert prediction.requests.tolist() == requests


@pytest.mark.parametrize("kind", ["short_poll", "long_poll"])
@pytest.mark.parametrize("arrival", ["poisson", "periodic"])
@pytest.mark.parametrize("rate", [0.7, 10.0, 47.0])
def test_what_is_lost_without_a_cursor_approaches_the_closed_form(kind: str, arrival: Arrival, rate: float) -> None:
    own = schedule(rate, 40_000 / rate, arrival=arrival, clients=4, interval_s=0.83)
    reached = MODELS[kind].on_schedule(dataclasses.replace(own, keeps_cursor=False)).reached
    expected = MODELS[kind].lost_ratio(Conditions(rate, arrival, 0.025, 0.83, 30.0, keeps_cursor=False))
    assert 1 - reached.mean() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("kind", ["short_poll", "long_poll"])
@pytest.mark.parametrize("rate", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("kept", [True, False])
def test_long_random_schedules_approach_the_closed_form(kind: str, rate: float, kept: bool) -> None:
    own = schedule(rate, 40_000 / rate, clients=4, connect_ms=0.0 if kept else 50.0)
    prediction = MODELS[kind].on_schedule(own)
    closed = MODELS[kind].closed_form(Conditions(rate, "poisson", 0.025, 1.0, 30.0, connects_per_poll=not kept))
    assert closed is not None
    assert prediction.latency_ns.mean() / 1e9 == pytest.approx(closed.mean_s, rel=0.02)
    for share in (0.5, 0.8, 0.99):
        assert np.quantile(prediction.latency_ns, share) / 1e9 == pytest.approx(closed.quantile_s(share), rel=0.02)
    window_s = (own.window_ns[1] - own.window_ns[0]) / 1e9
    assert prediction.requests.mean() / window_s == pytest.approx(closed.requests_per_s, rel=0.02)


def test_a_negative_control_ties() -> None:
    own = schedule(10.0, 3.0, arrival="periodic")
    assert np.array_equal(MODELS["long_poll"].on_schedule(own).latency_ns, MODELS["push"].on_schedule(own).latency_ns)


@pytest.mark.parametrize("transport", ["websocket", "sse", "long_poll", "short_poll", *ECHO])
def test_a_noiseless_trial_is_its_own_prediction(transport: str) -> None:
    transports = ECHO if transport in ECHO else ("websocket", "sse", "long_poll", "short_poll")
    fabrication = Fabrication(transports=transports, intervals_s=(), rates_per_s=(), noise_ms=0.0)
    _, trial = first_trial(transport, fabrication)
    prediction = MODELS[style(transport).model].on_schedule(schedule_of(trial, style(transport)))
    arrival_ns = trial.clock.to_monotonic(trial.deliveries.kernel_realtime_ns)
    shape = prediction.latency_ns.shape
    # The fake server publishes 0.02 ms late, which can cost a poll that came just then a whole turn.
    off_ms = ((arrival_ns - trial.deliveries.due_ns).reshape(shape) - prediction.latency_ns) / 1e6
    assert np.median(np.abs(off_ms)) <= 0.021
    assert (np.abs(off_ms) <= 0.021).mean() > 0.99


def assert_same(found: Prediction, expected: Prediction) -> None:
    assert np.array_equal(found.reached, expected.reached)
    assert np.array_equal(found.latency_ns[found.reached], expected.latency_ns[expected.reached])
    assert np.array_equal(found.requests, expected.requests)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.booleans().flatmap(lambda keeps: schedules(keeps_cursor=keeps)))
def test_without_service_times_it_is_the_plain_model(kind: str, schedule: Schedule) -> None:
    assert_same(MODELS[kind].with_queues(schedule, ServiceTimes(0), SEED), MODELS[kind].on_schedule(schedule))
