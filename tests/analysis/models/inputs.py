"""Conditions and schedules that the tests of several models share."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from analysis.models.model import Conditions, Expectation
from analysis.models.queues import ServiceTimes
from analysis.models.registry import MODELS
from analysis.models.schedule import Prediction, Schedule
from contract.parameters import Arrival
from contract.stream import StreamSpec, due_offsets_ns

NS_PER_S = 1_000_000_000
MS = 1_000_000
US = 1_000
SEED = 7
DELAY_S = 0.025
ARRIVALS_OF_EVENTS = st.sampled_from(["poisson", "periodic", "burst"])


def expectation(kind: str, **conditions: object) -> Expectation:
    defaults = {
        "rate_per_s": 10.0, "arrival": "poisson", "one_way_delay_s": DELAY_S, "poll_interval_s": 1.0, "hold_s": 30.0,
    }  # fmt: skip
    found = MODELS[kind].closed_form(Conditions(**{**defaults, **conditions}))  # type: ignore[arg-type]  # fields of several types
    assert found is not None
    return found


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
        first_poll_ns=NS_PER_S // 2 + phases // 10,
        t0_ns=NS_PER_S,
        window_ns=(2 * NS_PER_S, NS_PER_S + round(duration_s * NS_PER_S)),
        one_way_ns=round(delay_ms * 1e6),
        interval_ns=interval_ns,
        hold_ns=round(hold_s * NS_PER_S),
        connect_ns=round(connect_ms * 1e6),
    )


def reached_of(prediction: Prediction, client: int, own: Schedule) -> dict[int, int]:
    """By seq when each event arrives that reaches the client."""
    arrival_ns = prediction.latency_ns[client] + own.due_ns
    return {int(i) + 1: int(arrival_ns[i]) for i in np.flatnonzero(prediction.reached[client])}


@st.composite
def schedules(draw: st.DrawFn, *, keeps_cursor: bool = True, pauses: bool = False) -> Schedule:
    clients = draw(st.integers(1, 6))
    # Of two events in the same nanosecond a server with queues publishes one first, and the plain model both at once.
    dues_ns = draw(st.lists(st.integers(0, 400 * MS), max_size=25, unique=True))
    times_ns = st.lists(st.integers(-50 * MS, 60 * MS), min_size=clients, max_size=clients)
    one_way_ns = draw(st.sampled_from([0, 1 * MS, 25 * MS]))
    return Schedule(
        due_ns=np.asarray(sorted(dues_ns), dtype=np.int64),
        phase_ns=np.asarray([abs(phase) for phase in draw(times_ns)], dtype=np.int64),
        first_poll_ns=np.asarray(draw(times_ns), dtype=np.int64),
        t0_ns=0,
        window_ns=(50 * MS, 300 * MS),
        one_way_ns=one_way_ns,
        interval_ns=draw(st.integers(5 * MS, 120 * MS)),
        hold_ns=draw(st.integers(50 * MS, 500 * MS)),
        turnaround_jitter_ns=draw(st.sampled_from([0, 30 * MS])),
        turnaround_seed=draw(st.integers(0, 2**50)),
        connect_ns=draw(st.sampled_from([0, 2 * one_way_ns])),
        one_at_a_time=draw(st.booleans()),
        keeps_cursor=keeps_cursor,
        pauses=pauses,
    )


@st.composite
def service_times(draw: st.DrawFn) -> ServiceTimes:
    answer_ns = draw(st.integers(0, 4 * MS))
    return ServiceTimes(answer_ns, draw(st.integers(0, answer_ns)), draw(st.integers(0, 2 * MS)))
