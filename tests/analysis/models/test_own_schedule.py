from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.models.closed_form import Conditions, expect, expected_loss_ratio
from analysis.models.own_schedule import Prediction, Schedule, predict, schedule_of
from contract.records import Ints, turnaround_delay_ns
from contract.stream import Arrival, StreamSpec, due_offsets_ns
from tests import simulation
from tests.fabricate import ECHO, Fabrication, first_trial, style

NS_PER_S = 1_000_000_000
POLLS: dict[str, Callable[..., list[simulation.Ask]]] = {
    "short_poll": simulation.short_poll,
    "long_poll": simulation.long_poll,
}


def schedule(
    rate_per_s: float,
    duration_s: float,
    *,
    arrival: Arrival = "poisson",
    clients: int = 20,
    delay_ms: float = 25.0,
    interval_s: float = 1.0,
    hold_s: float = 30.0,
    seed: int = 5,
    connect_ms: float = 0.0,
) -> Schedule:
    interval_ns = round(interval_s * NS_PER_S)
    due_ns = due_offsets_ns(StreamSpec(rate_per_s, arrival, 10, duration_s, seed))
    phases = np.asarray((0.37 + np.arange(clients) / clients) % 1 * interval_ns, dtype=np.int64)
    return Schedule(
        due_ns=due_ns + NS_PER_S,
        phase_ns=phases,
        first_ask_ns=NS_PER_S // 2 + phases // 10,
        t0_ns=NS_PER_S,
        window_ns=(2 * NS_PER_S, NS_PER_S + round(duration_s * NS_PER_S)),
        one_way_ns=round(delay_ms * 1e6),
        interval_ns=interval_ns,
        hold_ns=round(hold_s * NS_PER_S),
        connect_ns=round(connect_ms * 1e6),
    )


def simulated(kind: str, given_schedule: Schedule) -> tuple[Ints, list[int]]:
    """Latencies (clients, events) and requests in the window, by the step-by-step simulation."""
    visible = given_schedule.due_ns.tolist()
    latencies, requests = [], []
    for phase_ns, first_ask_ns in zip(given_schedule.phase_ns, given_schedule.first_ask_ns, strict=True):
        first_ns = given_schedule.t0_ns + int(phase_ns) if kind == "short_poll" else int(first_ask_ns)
        pace_ns = given_schedule.interval_ns if kind == "short_poll" else given_schedule.hold_ns
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
    prediction = predict(kind, own)
    assert np.array_equal(prediction.latency_ns, latencies.reshape(prediction.latency_ns.shape))
    assert prediction.requests.tolist() == requests


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 60), st.sampled_from([0.0, 25.0]), st.integers(1, 200), st.integers(0, 1000), st.booleans())
def test_clients_that_wait_a_random_time_before_they_ask_again_are_the_simulations(
    rate: float, delay_ms: float, jitter_ms: int, seed: int, kept: bool
) -> None:
    plain = schedule(rate, 4.0, clients=3, delay_ms=delay_ms, seed=seed, connect_ms=0.0 if kept else 2 * delay_ms)
    own = dataclasses.replace(
        plain, turnaround_jitter_ns=jitter_ms * 1_000_000, turnaround_seed=seed, turnaround_ns=300_000
    )
    prediction = predict("long_poll", own)
    for client, first_ns in enumerate(own.first_ask_ns.tolist()):
        asks = simulation.long_poll(
            own.due_ns.tolist(), first_ns, own.hold_ns, own.one_way_ns, own.window_ns[1], own.turnaround_ns,
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
    expected = expect("long_poll", Conditions(rate, arrival, 0.025, hold_s=30.0, turnaround_jitter_s=0.1))
    assert expected is not None
    prediction = predict("long_poll", own)
    assert prediction.latency_ns.mean() / 1e9 == pytest.approx(expected.mean_s, rel=0.02)
    seconds = (own.window_ns[1] - own.window_ns[0]) / NS_PER_S
    assert prediction.requests.mean() / seconds == pytest.approx(expected.requests_per_s, rel=0.02)


def test_some_random_turnarounds_have_no_closed_form() -> None:
    between = Conditions(10.0, "periodic", 0.025, hold_s=30.0, turnaround_jitter_s=0.1)
    assert expect("long_poll", between) is None, "some gaps are longer than the 100 ms between two events"
    lossy = dataclasses.replace(between, keeps_cursor=False)
    assert expect("long_poll", lossy) is None
    assert expect("long_poll", dataclasses.replace(lossy, arrival="poisson")) is not None


def test_the_schedule_of_a_trial_has_the_delays_of_its_clients() -> None:
    _, trial = first_trial("long_poll")
    assert not schedule_of(trial, style("long_poll")).turnaround_delays_ns(0).any()
    info = dataclasses.replace(
        trial.info, parameters={**trial.info.parameters, "turnaround_jitter_ms": 50}, seed=7, point=3
    )
    own = schedule_of(dataclasses.replace(trial, info=info), style("long_poll"))
    assert own.turnaround_delays_ns(4)[2] == turnaround_delay_ns(7003, 2, 4, 50_000_000)


ARRIVALS_OF_EVENTS = st.sampled_from(["poisson", "periodic", "burst"])


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 60), ARRIVALS_OF_EVENTS, st.floats(0.02, 3), st.integers(0, 1000), st.booleans())
def test_a_pause_after_each_answer_is_the_simulations(
    rate: float, arrival: Arrival, interval_s: float, seed: int, kept: bool
) -> None:
    own = dataclasses.replace(
        schedule(rate, 4.0, arrival=arrival, clients=3, interval_s=interval_s, seed=seed, connect_ms=0 if kept else 50),
        pauses=True,
    )
    prediction = predict("short_poll", own)
    for client, phase_ns in enumerate(own.phase_ns.tolist()):
        asks = simulation.paused_short_poll(
            own.due_ns.tolist(), own.t0_ns + phase_ns, own.interval_ns, own.one_way_ns, own.window_ns[1], own.connect_ns
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
    prediction = predict("short_poll", dataclasses.replace(kept, keeps_cursor=False))
    for client, phase_ns in enumerate(kept.phase_ns.tolist()):
        asks = simulation.short_poll(
            kept.due_ns.tolist(), kept.t0_ns + phase_ns, kept.interval_ns, kept.one_way_ns, kept.window_ns[1]
        )
        assert reached_of(prediction, client, kept) == simulation.latest_only(asks)


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
    prediction = predict("long_poll", own)
    for client, first_ns in enumerate(own.first_ask_ns.tolist()):
        arrivals, starts_ns = simulation.next_only(
            own.due_ns.tolist(), first_ns, own.hold_ns, own.one_way_ns, own.window_ns[1]
        )
        assert reached_of(prediction, client, own) == arrivals
        start, end = own.window_ns
        assert prediction.requests[client] == sum(start <= at_ns < end for at_ns in starts_ns)


def reached_of(prediction: Prediction, client: int, own: Schedule) -> dict[int, int]:
    """By seq when each event arrives that reaches the client."""
    arrival_ns = prediction.latency_ns[client] + own.due_ns
    return {int(i) + 1: int(arrival_ns[i]) for i in np.flatnonzero(prediction.reached[client])}


@pytest.mark.parametrize("kind", ["short_poll", "long_poll"])
@pytest.mark.parametrize("arrival", ["poisson", "periodic"])
@pytest.mark.parametrize("rate", [0.7, 10.0, 47.0])
def test_what_is_lost_without_a_cursor_approaches_the_closed_form(kind: str, arrival: Arrival, rate: float) -> None:
    own = schedule(rate, 40_000 / rate, arrival=arrival, clients=4, interval_s=0.83)
    reached = predict(kind, dataclasses.replace(own, keeps_cursor=False)).reached
    expected = expected_loss_ratio(kind, Conditions(rate, arrival, 0.025, 0.83, 30.0, keeps_cursor=False))
    assert 1 - reached.mean() == pytest.approx(expected, abs=0.01)


def test_polls_in_step_with_periodic_events_report_their_phase() -> None:
    own = schedule(2.0, 20.0, arrival="periodic", interval_s=0.5)
    for phase_s in (0.0, 0.2, 0.45):
        locked = dataclasses.replace(own, phase_ns=np.full_like(own.phase_ns, round(phase_s * NS_PER_S)))
        latencies_ns = predict("short_poll", locked).latency_ns[:, 1:]
        assert np.ptp(latencies_ns) == 0
        assert own.one_way_ns <= latencies_ns[0, 0] < own.one_way_ns + own.interval_ns
    assert np.ptp(predict("short_poll", own).latency_ns) > 0.9 * own.interval_ns


@pytest.mark.parametrize("kind", ["short_poll", "long_poll"])
@pytest.mark.parametrize("rate", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("kept", [True, False])
def test_long_random_schedules_approach_the_closed_form(kind: str, rate: float, kept: bool) -> None:
    own = schedule(rate, 40_000 / rate, clients=4, connect_ms=0.0 if kept else 50.0)
    prediction = predict(kind, own)
    closed = expect(kind, Conditions(rate, "poisson", 0.025, 1.0, 30.0, connects_per_poll=not kept))
    assert closed is not None
    assert prediction.latency_ns.mean() / 1e9 == pytest.approx(closed.mean_s, rel=0.02)
    for share in (0.5, 0.8, 0.99):
        assert np.quantile(prediction.latency_ns, share) / 1e9 == pytest.approx(closed.quantile_s(share), rel=0.02)
    window_s = (own.window_ns[1] - own.window_ns[0]) / 1e9
    assert prediction.requests.mean() / window_s == pytest.approx(closed.requests_per_s, rel=0.02)


def test_a_negative_control_ties() -> None:
    own = schedule(10.0, 3.0, arrival="periodic")
    assert np.array_equal(predict("long_poll", own).latency_ns, predict("push", own).latency_ns)


def test_messages_that_wait_for_each_other() -> None:
    own = dataclasses.replace(schedule(30.0, 4.0), one_at_a_time=True)
    due_ns = own.due_ns[None, :] + own.phase_ns[:, None]
    expected = [simulation.one_at_a_time(due, 100_000_000) for due in due_ns.tolist()]
    assert np.array_equal(predict("round_trip_new_connection", own).latency_ns, np.asarray(expected) - due_ns)


def test_a_poll_without_keep_alive_connects_first() -> None:
    _, trial = first_trial("long_poll", Fabrication(intervals_s=(), rates_per_s=()))
    info = dataclasses.replace(trial.info, parameters={**trial.info.parameters, "keep_alive": False})
    assert schedule_of(trial, style("long_poll")).connect_ns == 0
    assert schedule_of(dataclasses.replace(trial, info=info), style("long_poll")).connect_ns == 50_000_000


@pytest.mark.parametrize("transport", ["websocket", "sse", "long_poll", "short_poll", *ECHO])
def test_a_noiseless_trial_is_its_own_prediction(transport: str) -> None:
    transports = ECHO if transport in ECHO else ("websocket", "sse", "long_poll", "short_poll")
    fabrication = Fabrication(transports=transports, intervals_s=(), rates_per_s=(), noise_ms=0.0)
    _, trial = first_trial(transport, fabrication)
    prediction = predict(style(transport).model, schedule_of(trial, style(transport)))
    arrival_ns = trial.clock.to_monotonic(trial.deliveries.kernel_realtime_ns)
    shape = prediction.latency_ns.shape
    # The fake server publishes 0.02 ms late, which can cost a poll that came just then a whole turn.
    off_ms = ((arrival_ns - trial.deliveries.due_ns).reshape(shape) - prediction.latency_ns) / 1e6
    assert np.median(np.abs(off_ms)) <= 0.021
    assert (np.abs(off_ms) <= 0.021).mean() > 0.99
